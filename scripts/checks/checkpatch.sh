# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's checkpatch, without what scripts/checks/checkpatch-ignore lists.

# Drops what scripts/checks/checkpatch-ignore lists: 'GLOB TYPE [REGEX]' lines.
drop_ignored()
{
	local line glob type regex path
	local -a rules
	local kept

	mapfile -t rules < <(grep -v '^[[:space:]]*\(#\|$\)' "$TOP/scripts/checks/checkpatch-ignore" || true)
	while IFS= read -r line; do
		kept=1
		path=${line%%:*}
		for rule in ${rules[@]+"${rules[@]}"}; do
			read -r glob type regex <<<"$rule"
			# shellcheck disable=SC2053  # a glob on purpose
			[[ $path == $glob && $line == *":$type:"* ]] || continue
			[[ ! $regex || $line =~ $regex ]] || continue
			kept=''
			break
		done
		[[ ! $kept ]] || echo "$line"
	done
}

# Of files, or of patches; $tree is the kernel's
checkpatch()	# ARG...
{
	# Its exit status 1 only says that there are findings; with another one it has
	# not looked.  The distribution's python is the one that has what spdxcheck
	# imports.
	(
		# shellcheck disable=SC2154  # whoever sources this sets it
		cd "$tree" || exit
		PATH=/usr/bin:$PATH ./scripts/checkpatch.pl --strict --terse --show-types \
			--no-summary --quiet "$@" || (($? == 1)) ||
			echo "checkpatch did not get to an end"
	) |
		sed "s|^$TOP/||" | drop_ignored
}
