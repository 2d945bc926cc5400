# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The one place that knows how each supported base kernel is packaged.
# Sourced by lib.sh, not run.  Kernel versions and ABI names are never written
# here: they are read from what the meta packages depend on.

known_bases() { echo 6.1 6.12; }

# shellcheck disable=SC2034  # used by the scripts that source this
base_facts()	# BASE [FLAVOUR]
{
	local base=$1 flavour=${2:-cloud-amd64}

	case $base in
	6.1)
		SOURCE_PKG=linux-source-6.1
		IMAGE_META=linux-image-$flavour
		HEADERS_META=linux-headers-$flavour
		;;
	6.12)
		SOURCE_PKG=linux-source-6.12
		IMAGE_META=linux-image-6.12-$flavour
		HEADERS_META=linux-headers-6.12-$flavour
		;;
	*)
		die "unknown base '$base' (scripts/bases.sh knows $(known_bases))"
		;;
	esac
	SOURCE_TAR=/usr/src/$SOURCE_PKG.tar.xz
}

# What the names of a flavour's image, modules and results end with.
flavour_suffix()	# [FLAVOUR]
{
	[[ ${1:-cloud-amd64} == cloud-amd64 ]] || echo "-$1"
}
