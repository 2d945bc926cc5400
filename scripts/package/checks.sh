# shellcheck shell=bash disable=SC2154  # test-deb sets these
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What test-deb does in its root, and what it looks at there.  Sourced by test-deb.

passed=0 failed=0
ok() { echo "ok   $1"; passed=$((passed + 1)); }
fail() { echo "FAIL $1${2:+: $2}"; failed=$((failed + 1)); }
is()	# WHAT GOT WANTED
{
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		fail "$1" "'$2' instead of '$3'"
	fi
}
says()	# WHAT LOG TEXT
{
	if grep -qF -- "$3" "$2"; then ok "$1"; else fail "$1" "'$3' is not in $2"; fi
}

in_root() { in_chroot "$root" "$@"; }

log_step()	# NAME COMMAND...: in the root, into a log
{
	local name=$1 begin=$SECONDS rc=0
	shift

	in_root "$@" >"$out/$name.log" 2>&1 </dev/null || rc=$?
	say "$name: $((SECONDS - begin)) s"
	is "$name: it succeeds" "$rc" 0
}

# shellcheck disable=SC2016  # dpkg-query expands these
installed() { in_root dpkg-query -W -f '${Status}' "$1" 2>&1; }
# Newer ones of dkms add '(Original modules exist)'.
dkms_state()	# KVER
{
	in_root dkms status -m ipvs-estimator -k "$1" | sed 's/.*: //; s/ (.*//'
}
where()	# MODULE KVER: the directory it is loaded from
{
	in_root modinfo -k "$2" -n "$1" | sed "s|^\(/usr\)\?/lib/modules/$2/||; s|/$1\.ko.*||"
}
names() { find "$@" -name '*.ko*' -printf '%f\n' | sed 's/\.ko.*//' | sort | xargs; }

# Keeps the kernel's own modules, those that our package replaces, to compare with:
# from 3.1 on dkms moves them away.
keep_stock()	# KVER
{
	local to=$out/stock-$1

	mkdir "$to"
	cp -al "$root/lib/modules/$1/kernel/net/netfilter"/{ipvs,xt_ipvs.ko*} "$to/"
}

# Prints what is not as the kernel's package has it.
differ_from_stock()	# KVER
{
	local net=$root/lib/modules/$1/kernel/net/netfilter file

	(cd "$out/stock-$1" && find . -type f) | while IFS= read -r file; do
		cmp -s "$out/stock-$1/$file" "$net/$file" || echo "${file##*/}"
	done | sort | xargs
}

check_stock()	# WHEN [KVER...]
{
	local when=$1 kver

	shift
	(($#)) || set -- "${kvers[@]}"
	for kver; do
		is "$when: $kver takes its stock modules" \
			"$(where ip_vs "$kver") $(where xt_ipvs "$kver")" \
			"kernel/net/netfilter/ipvs kernel/net/netfilter"
		is "$when: $kver has them all as its package has them" \
			"$(differ_from_stock "$kver")" ""
	done
}

check_built()	# WHEN KVER
{
	is "$1: dkms status of $2" "$(dkms_state "$2")" installed
	is "$1: all modules of $2 are rebuilt" \
		"$(names "$root/lib/modules/$2/updates/dkms")" "$(names "$out/stock-$2")"
	is "$1: $2 takes ip_vs and xt_ipvs of ours" \
		"$(where ip_vs "$2") $(where xt_ipvs "$2")" "updates/dkms updates/dkms"
}

check_nothing_left()	# WHEN
{
	is "$1: nothing is left" "$(cd "$root" && find lib/modules/*/updates usr/src/ipvs* \
		var/{cache,lib}/{,dkms/}ipvs* usr/share/dkms/*/ipvs* 2>/dev/null)" ""
}

# dkms warns of kernels that are skipped as of a fault; then the reason must come.
check_reason_last()	# WHEN
{
	is "$1: what dkms warns of is explained after it" "$(awk '
		/BUILD_EXCLUSIVE directive/	{ warned = NR }
		/ipvs-estimator: .* is skipped/	{ said = NR }
		END				{ print warned && warned < said }' "$out/$1.log")" 1
}

# Makes a linux-source of BASE with a VERSION and a source of choice.
make_source()	# NAME SOURCE_PKG VERSION TAR: prints the deb's name in the root
{
	local dir=$root/tmp/$1

	mkdir -p "$dir/DEBIAN" "$dir/usr/src"
	ln "$4" "$dir/usr/src/$2.tar.xz"
	cat >"$dir/DEBIAN/control" <<-EOT
		Package: $2
		Version: $3
		Architecture: all
		Maintainer: nobody <nobody@localhost>
		Description: kernel source for a test
	EOT
	dpkg-deb -Znone --root-owner-group --build "$dir" "$dir.deb" >/dev/null
	rm -rf "$dir"
	echo "/tmp/$1.deb"
}

install_source()	# NAME SOURCE_PKG VERSION TAR
{
	local source_deb

	source_deb=$(make_source "$@")
	log_step "$1" dpkg --install "$source_deb"
	rm "$root$source_deb"
}

# The root's linux-source with the series applied by git, to compare with.
patch_by_git()	# DIR
{
	local dir=$1 tip
	local -a touched=()

	mkdir "$dir"
	mapfile -t touched < <({
		printf '%s\n' net/netfilter/ipvs net/netfilter/xt_ipvs.c \
			include/net/ip_vs.h include/uapi/linux/ip_vs.h
		sed -n 's|^--- a/\([^[:space:]]*\).*|\1|p' "$TOP/patches/$base"/*.patch |
			grep -v '^net/netfilter/ipvs/'
	} | sort -u)
	xz -dc -T0 "$root/usr/src/$source_pkg.tar.xz" | tar -x -C "$dir" \
		--strip-components=1 "${touched[@]/#/$source_pkg/}"
	git -C "$dir" init -q
	git -C "$dir" add -A -f .
	git -C "$dir" -c user.name=test -c user.email=test@localhost commit -q -m base
	tip=$("$TOP/scripts/series/apply" "$dir" HEAD "$TOP/patches/$base" "$TOP")
	git -C "$dir" reset -q --hard "$tip"
}

# Prints what of the package's source is not the same.
differ_from_git()	# TREE
{
	(cd "$1" 2>&1 && find . -type f ! -name Kbuild) | while IFS= read -r f; do
		cmp -s "$1/$f" "$out/git/$f" || echo "$f"
	done
}

# For the guests: a kernel and its modules.  Later ones must not change them.
keep_image()	# KVER
{
	local image=$out/image-$1 vmlinuz=$root/boot/vmlinuz-$1

	# Where Linux 7 has it
	[[ -f $vmlinuz ]] || vmlinuz=$root/lib/modules/$1/vmlinuz
	mkdir -p "$image/lib/modules"
	cp "$vmlinuz" "$image/vmlinuz"
	cp -al "$root/lib/modules/$1" "$image/lib/modules/"
	rm -rf "$image/lib/modules/$1"/{build,source,vmlinuz}
	depmod -b "$image" "$1"
	echo "$1" >"$image/kver"
}

# Runs the selftests with what dkms built for it.
run_guest()	# FLAVOUR KVER
{
	local log=$out/selftest-$1.log

	if [[ ! -d $out/modules-$2 ]]; then
		fail "guest: $2: there are no modules for it"
		return
	fi
	GUEST_ARGS="--image $out/image-$2" "$TOP/scripts/selftest" \
		--flavour "$1" --modules "$out/modules-$2" \
		"$base" "${tests[@]}" >"$log" 2>&1 || true
	if [[ $(tail -n 1 "$log") =~ ^[1-9][0-9]*\ passed,\ 0\ failed ]]; then
		ok "guest: $2: $(tail -n 1 "$log")"
	else
		fail "guest: $2: $(tail -n 1 "$log")" "see $log"
	fi
}

# The root as it is now, for a guest: with an operator's tools, without what only
# builds.
pack_operator()	# KVER
{
	local dir
	local -a without=(boot usr/share/doc usr/lib/gcc usr/libexec/gcc var/cache var/lib/apt
		var/lib/ipvs-estimator tmp)

	log_step operator-tools apt-get install -y --no-install-recommends \
		ipvsadm iproute2 procps kmod util-linux
	for dir in "$root"/usr/src/linux-* "$root"/usr/lib/modules/*; do
		dir=${dir#"$root/"}
		[[ $dir == */"$1" ]] || without+=("$dir")
	done
	tar -C "$root" -cf "$out/operator.tar" "${without[@]/#/--exclude=./}" .
}

# What packaging/OPERATORS.md tells to type, with the modules that dkms installed.
run_operator()	# KVER
{
	local log=$out/operator.log

	"$TOP/scripts/guest/run" --base "$base" --image "$out/image-$1" --stock --name operator \
		--smp 2 --mem 3G --timeout 900 --add "$out/operator.tar:/operator.tar" \
		--add "$TOP/packaging/OPERATORS.md:/OPERATORS.md" \
		-- "$TOP/scripts/package/operator.sh" >"$log" 2>&1 || true
	rm "$out/operator.tar"
	grep '^FAIL' "$log" || true
	if [[ $(tail -n 1 "$log") =~ ^[1-9][0-9]*\ passed,\ 0\ failed ]]; then
		ok "operator: $1: $(tail -n 1 "$log")"
	else
		fail "operator: $1: $(tail -n 1 "$log")" "see $log"
	fi
}
