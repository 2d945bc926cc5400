# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The one place that knows how each supported base kernel is packaged.
# Sourced by lib.sh, not run.  Kernel versions and ABI names are never written
# here: they are read from what the meta packages depend on.

# The last one is the newest, which the deep tests run on.
known_bases() { echo 6.1 6.12 7.3; }
newest_base() { known_bases | sed 's/.* //'; }

# The machine's release of Debian.  IPVS_CODENAME: another one is meant, that of
# a root for instance.
codename()
{
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${IPVS_CODENAME:-${VERSION_CODENAME:-unknown}}")
}

# The stock kernel of the machine's Debian
default_base()
{
	case $(codename) in
	bookworm) echo 6.1 ;;
	*) echo 6.12 ;;
	esac
}

# Those whose real-time kernel can be had on this release, as a package or built
# here.  The source of 6.1 has no PREEMPT_RT but in Debian's rt packages.
rt_bases()
{
	[[ $(codename) != bookworm ]] || echo 6.1
	known_bases | tr ' ' '\n' | grep -vxF 6.1
}

# Sets what is known about a base:
#   SOURCE_PKG, SOURCE_TAR      its source package, and the archive in it
#   SOURCE_SUITES               where that is if the machine's release has it not
#   LLVM                        the version of clang that it wants; empty if the
#                               machine's own will do
#   IMAGE_META, HEADERS_META    meta packages of the flavour; empty if the
#                               machine's release has no such kernel, which is
#                               built here then, with SOURCE_TAR below build/
# shellcheck disable=SC2034  # used by the scripts that source this
base_facts()	# BASE [FLAVOUR]
{
	local base=$1 flavour=${2:-cloud-amd64}

	case $base in
	6.1) SOURCE_SUITES="bookworm bookworm-security" ;;
	6.12) SOURCE_SUITES="trixie trixie-security" ;;
	7.3) SOURCE_SUITES=trixie-backports ;;
	*)
		die "unknown base '$base' (scripts/bases.sh knows $(known_bases))"
		;;
	esac
	SOURCE_PKG=linux-source-$base
	LLVM=''
	[[ $base:$(codename) != 7.3:bookworm ]] || LLVM=19
	case $base:$(codename) in
	6.1:bookworm | 6.12:trixie)
		IMAGE_META=linux-image-$flavour
		HEADERS_META=linux-headers-$flavour
		;;
	6.12:bookworm)
		IMAGE_META=linux-image-6.12-$flavour
		HEADERS_META=linux-headers-6.12-$flavour
		;;
	*)
		IMAGE_META=''
		HEADERS_META=''
		;;
	esac
	SOURCE_TAR=/usr/src/$SOURCE_PKG.tar.xz
	[[ $HEADERS_META ]] ||
		SOURCE_TAR=$BUILD/$base/source/$SOURCE_PKG.tar.xz
}

# What the names of a flavour's image, modules and results end with.
flavour_suffix()	# [FLAVOUR]
{
	[[ ${1:-cloud-amd64} == cloud-amd64 ]] || echo "-$1"
}
