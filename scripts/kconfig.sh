# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel configurations from fragments.  Sourced, not run.

# An option that the merge could not set would silently not be tested.
check_config()	# OUT FRAGMENT...
{
	local out=$1 line missing=0

	shift
	while IFS= read -r line; do
		case $line in
		CONFIG_*=n)
			! grep -q "^${line%=n}=[ym]" "$out/.config" && continue
			;;
		CONFIG_*=m)
			grep -q "^${line%=m}=[ym]" "$out/.config" && continue
			;;
		CONFIG_*)
			grep -qxF "$line" "$out/.config" && continue
			;;
		*) continue ;;
		esac
		echo "$PROG: not in the configuration: $line" >&2
		missing=1
	done < <(cat "$@")
	((missing == 0)) || die "the options above have dependencies that are not met"
}

# OUT/.config: the options of the fragments, and without all others that can be
# left out.  The environment may say ARCH and so on.
make_config()	# TREE OUT FRAGMENT...
{
	local tree=$1 out=$2

	shift 2
	mkdir -p "$out"
	rm -f "$out/.config"
	(cd "$tree" && scripts/kconfig/merge_config.sh -n -O "$out" "$@") \
		>"$out/merge.log" 2>&1 || { cat "$out/merge.log" >&2; die "cannot merge"; }
	check_config "$out" "$@"
}
