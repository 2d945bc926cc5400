# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every script here shares.  Sourced, not run.

# With it cd takes other folders, and prints them.
unset -v CDPATH
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by the scripts that source this
BUILD=$TOP/build
PROG=${0##*scripts/}

# Under LC_ALL=C the messages we parse and the sort orders we hash are fixed.
export LC_ALL=C

# depmod, modprobe and others are where only root's PATH has them.
export PATH=$PATH:/usr/sbin:/sbin

# Others than root, in guests and roots as well, read what is made here.
umask 022

# Of 'make -j' or 'make VARIABLE=' only our Makefile is to know: the kernel's would
# warn of it, which checks take for a finding, or heed it.
unset -v MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

# Hooks of git have them, and 'git -C' goes by them.
unset -v GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_PREFIX \
	GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES

# What users like git to do may change patches, or ask for a key.
plain_git()
{
	local n=${GIT_CONFIG_COUNT:-0} setting

	for setting in diff.noprefix=false diff.mnemonicPrefix=false diff.context=3 \
		format.signOff=false commit.gpgSign=false tag.gpgSign=false; do
		export "GIT_CONFIG_KEY_$n=${setting%=*}" "GIT_CONFIG_VALUE_$n=${setting#*=}"
		n=$((n + 1))
	done
	export GIT_CONFIG_COUNT=$n GIT_IS_PLAIN=1
}
[[ ${GIT_IS_PLAIN:-} ]] || plain_git

# Progress and errors go to stderr: stdout belongs to results.
say() { echo "==> $*" >&2; }
warn() { echo "$PROG: warning: $*" >&2; }
die() { echo "$PROG: $*" >&2; exit 1; }

[[ $TOP != *[[:space:]:]* ]] ||
	die "the kernel's make takes no folder with spaces or colons in its name: move $TOP"

# shellcheck source=scripts/bases.sh
. "$TOP/scripts/bases.sh"

# Kernel release of the image or headers which a meta package stands for.
# The installed meta package decides, held or not, else what apt would install.
meta_kver()	# META_PKG
{
	local meta=$1 kind deps

	kind=${meta#linux-}
	kind=${kind%%-*}
	deps=$(dpkg-query -W -f '${db:Status-Status}:${Depends}\n' "$meta" 2>/dev/null |
		sed -n 's/^installed://p' || true)
	# Not its own name, which may hold a version, too.
	[[ $deps ]] || deps=$(apt-cache depends "$meta" 2>/dev/null |
		sed -n 's/.*Depends: //p' || true)
	grep -o "linux-$kind-[0-9][^ ,]*" <<<"$deps" | sed -n 1p |
		sed "s/^linux-$kind-//"
}

# Modules are built against the installed headers, so these name the kernel
# everything else (image, guest) must use too.  One that is built here is what
# scripts/fetch-kernel has made.
base_kver()	# BASE [FLAVOUR]
{
	local kver

	base_facts "$@"
	if [[ ! $HEADERS_META ]]; then
		# The one from before is not it.
		"$TOP/scripts/fetch-kernel" "$@" || return
		cat "$BUILD/$1/image$(flavour_suffix "${2:-}")/kver"
		return
	fi
	kver=$(meta_kver "$HEADERS_META")
	[[ $kver ]] || die "no package $HEADERS_META known to apt (run apt-get update?)"
	[[ $kver == "$1".* ]] ||
		die "$HEADERS_META stands for $kver, which is not a $1 kernel"
	echo "$kver"
}

# What external modules for that kernel are built against.
kernel_dir()	# BASE [FLAVOUR]
{
	local kver dir

	kver=$(base_kver "$@") || return
	base_facts "$@"
	dir=/usr/src/linux-headers-$kver
	[[ $HEADERS_META ]] || dir=$BUILD/$1/image$(flavour_suffix "${2:-}")-build
	[[ -f $dir/Module.symvers ]] || die "no $dir (package linux-headers-$kver)"
	echo "$dir"
}

# What the directory of modules ends with that are built with make variables.
modules_suffix()	# VAR=VALUE...
{
	local v

	for v in "$@"; do
		printf -- '-%s' "${v//[^A-Za-z0-9]/}"
	done
}

# Version of the source that base_facts has told of.
source_version()
{
	if [[ $HEADERS_META ]]; then
		pkg_version "$SOURCE_PKG"
	else
		cat "${SOURCE_TAR%/*}/version"
	fi
}

pkg_version()	# PKG
{
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null
}

# One hash over the names, modes and contents of the files named on stdin.
hash_files()
{
	local list

	list=$(sort -u)
	{
		echo "$list"
		xargs -r -d '\n' stat -c '%a %n' <<<"$list"
		xargs -r -d '\n' sha256sum <<<"$list"
	} | sha256sum | cut -c 1-32
}

hash_text() { sha256sum | cut -c 1-32; }

# Hash of all that decides what applying the series of a base gives.
series_key()	# BASE
{
	{
		source_version
		hash_files < <(
			find "$TOP/patches/$1" -type f 2>/dev/null || true
			our_files "$TOP" | sed "s|^|$TOP/|"
			echo "$TOP/scripts/series/apply"
		)
	} | hash_text
}

# Is the thing this stamp stands for made of the inputs with this key?
stamp_is()	# FILE KEY
{
	[[ -f $1 && $(<"$1") == "$2" ]]
}

stamp_set()	# FILE KEY
{
	echo "$2" >"$1.tmp"
	mv "$1.tmp" "$1"
}

# Is this build of a kernel one of that source tree?  Kbuild writes down where the
# tree is, so in a clone that was moved or copied modules do not build against it.
built_from()	# SOURCE OUT
{
	grep -sqxF "include $1/Makefile" "$2/Makefile"
}

# Two runs at once must not write the same directory.
lock()	# FILE
{
	mkdir -p "$(dirname "$1")"
	exec 9>"$1"
	flock -n 9 || { say "waiting for another run ($1)"; flock 9; }
}

# Our files at in-tree paths, relative to the top, one a line.
our_files()	# TOP
{
	local top=$1 d
	local -a dirs=()

	for d in include net tools Documentation; do
		[[ -d $top/$d ]] && dirs+=("$d")
	done
	((${#dirs[@]})) || return 0
	(
		cd "$top" || exit
		if [[ -e .git ]]; then
			git ls-files -co --exclude-standard -- "${dirs[@]}"
		else
			find "${dirs[@]}" -type f
		fi | while IFS= read -r f; do
			if [[ -f $f ]]; then echo "$f"; fi
		done | sort -u
	)
}
