# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which kernels a release of Debian has, of those the archive is asked for; it need
# not be the machine's release.  Sourced, not run.

declare -A DEBIAN_CODENAMES=([12]=bookworm [13]=trixie)

# What a machine of that release would have as its sources, and the backports.
release_suites()	# RELEASE
{
	local c=${DEBIAN_CODENAMES[$1]-}

	[[ $c ]] || die "there is no Debian '$1' here, only ${!DEBIAN_CODENAMES[*]}"
	echo "$c-updates $c $c-security $c-backports"
}

release_apt()	# RELEASE COMMAND...
{
	"$TOP/scripts/build/suite-apt" "$(release_suites "$1")" "${@:2}"
}

# The bases that there are patches for, oldest first.
patched_bases()
{
	(cd "$TOP/patches" && printf '%s\n' */series) | sed 's|/.*||' | sort -V
}

# VERSION SUITE of all that there are of a package, a line each.
versions_of()	# RELEASE PACKAGE
{
	release_apt "$1" apt-cache madison "$2" 2>/dev/null |
		sed -n 's/^[^|]*| *\([^ ]*\) *|[^|]* \([^ /]*\)\/[^ ]* [^ ]* Packages$/\1 \2/p'
}

# The newest linux-source of a base, whatever its priority; nothing if there is none.
newest_source()	# RELEASE BASE
{
	versions_of "$1" "linux-source-$2" | cut -d ' ' -f 1 | sort -uV | tail -n 1
}

# The package of just that version as apt is told it: NAME/SUITE, so that from there
# comes what it needs.  With several names, the first one that there is: the kernel
# that a release came with has no meta packages with its version in the name.
of_version()	# RELEASE VERSION NAME...
{
	local name suite

	for name in "${@:3}"; do
		suite=$(versions_of "$1" "$name" | awk -v v="$2" '$1 == v && !n++ { print $2 }')
		[[ ! $suite ]] || { echo "$name/$suite"; return; }
	done
	die "Debian $1 has no $3 $2"
}

base_meta()	# RELEASE KIND BASE FLAVOUR VERSION
{
	of_version "$1" "$5" "linux-$2-$4" "linux-$2-$3-$4"
}

# Headers of the newest kernel that there are no patches for, if there is one.
unserved_headers()	# RELEASE FLAVOUR
{
	local name kver

	release_apt "$1" apt-cache pkgnames linux-headers- | sort -V |
		while read -r name; do
			kver=${name#linux-headers-}
			[[ $kver =~ ^([0-9]+\.[0-9]+)\.[0-9].*[0-9]-$2$ ]] || continue
			[[ -f $TOP/patches/${BASH_REMATCH[1]}/series ]] || echo "$name"
		done | tail -n 1
}

# Headers of another base that the release has.
other_headers()	# RELEASE BASE FLAVOUR
{
	local b v

	for b in $(patched_bases); do
		[[ $b != "$2" ]] || continue
		v=$(newest_source "$1" "$b")
		[[ ! $v ]] || { base_meta "$1" headers "$b" "$3" "$v"; return; }
	done
	die "Debian $1 has no second kernel"
}
