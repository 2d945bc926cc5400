# shellcheck shell=bash disable=SC2154  # failures sets these
# shellcheck disable=SC2016  # what is in quotes is for other shells to expand
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/checks/failures tries with the package and its scripts.  Sourced by it,
# not run.

# Two tests run at a time, and each asks for the package.
test_build_deb()
{
	local deb

	copy
	mkdir -p "$top"/{include,patches/6.1,packaging,Documentation/networking}
	cp -R "$TOP/packaging" "$top/"
	echo a >"$top/Documentation/networking/ipvs-estimator.rst"
	echo a >"$top/include/a.h"
	echo 1.patch >"$top/patches/6.1/series"
	printf '%s\n' '--- a/net/a.c' '+++ b/net/a.c' >"$top/patches/6.1/1.patch"
	executable "$top/scripts/install-deps" <<<:
	executable "$bin/dpkg-parsechangelog" <<<'echo 1'
	executable "$bin/filterdiff" <<<'cat "${*: -1}"'
	executable "$bin/dpkg-buildpackage" <<<"echo built >>$log; touch ../ipvs-estimator-dkms_1_all.deb"
	git -C "$top" add .
	git -C "$top" -c user.name=a -c user.email=a@localhost commit -q -m a
	deb=$(ours scripts/build-deb 2>/dev/null) || echo "build-deb: fails"
	[[ $(ours scripts/build-deb 2>/dev/null) == "$deb" && $(wc -l <"$log") == 1 ]] ||
		echo "build-deb: takes away what another test uses"
	echo b >"$top/include/a.h"
	ours scripts/build-deb >/dev/null 2>&1 || echo "build-deb: fails"
	[[ $(wc -l <"$log") == 2 ]] || echo "build-deb: does not see that a file has changed"
}

# The package's script for a kernel of its own, in sys instead of on this machine.
# Sets kernel, sys, script and refresh.
copy_package()
{
	kernel=6.1.0-1-amd64 sys=$tmp/sys script=$tmp/pkg/ipvs-source
	refresh=$tmp/pkg/ipvs-refresh
	copy
	rm -rf "$sys" "${script%/*}"
	mkdir -p "$sys/usr/src" "$sys/run" "$sys/lib/modules/$kernel"/{build/include,updates/dkms} \
		"${script%/*}"/{patches/6.1,overlay/include}
	echo CONFIG_IP_VS=m >"$sys/lib/modules/$kernel/build/.config"
	for f in "$script" "$refresh"; do
		sed -E "s,(=|\"| )(/(lib/modules|usr/src|var/lib|var/cache|run|etc/dkms)/),\\1$sys\\2,g" \
			"$TOP/packaging/${f##*/}" >"$f"
	done
	cp "$TOP/packaging/Kbuild.netfilter" "${script%/*}/"
	executable "$bin/dpkg-query" <<<'[[ ${*: -1} != linux-[hs]* ]] || echo installed 1-1'
}

# patch that fails for another reason than the source must be tried again.
test_patch()
{
	local kernel sys script refresh tar dir=$tmp/src/linux-source-6.1/net/netfilter

	copy_package
	tar=$sys/usr/src/linux-source-6.1.tar.xz
	echo 1.patch >"${script%/*}/patches/6.1/series"
	echo net/netfilter/a >"${script%/*}/patches/6.1/files"
	printf '%s\n' '--- a/net/netfilter/a' '+++ b/net/netfilter/a' '@@ -1 +1 @@' -a +b \
		>"${script%/*}/patches/6.1/1.patch"
	mkdir -p "$dir"
	echo a >"$dir/a"
	tar -C "$tmp/src" -cJf "$tar" linux-source-6.1
	executable "$bin/patch" <<<'echo "patch: **** write error"; exit 2'
	! ours bash "$script" check "$kernel" 2>"$log" || echo "ipvs-source: a patch that fails does not"
	grep -q 'cannot be tried: patch: .* write error$' "$log" ||
		echo "ipvs-source: does not say that patch failed: $(sed -n 1p "$log")"
	rm "$bin/patch"
	ours bash "$script" check "$kernel" 2>"$log" ||
		echo "ipvs-source: what was no fault of the source is still one: $(sed -n 1p "$log")"
	# And what does not fit is known not to
	echo c >"$dir/a"
	tar -C "$tmp/src" -cJf "$tar" linux-source-6.1
	touch -d 2020-01-01 "$tar"
	! ours bash "$script" check "$kernel" 2>"$log" || echo "ipvs-source: a patch that does not fit does"
	grep -q '1.patch does not fit linux-source-6.1 1-1: ' "$log" ||
		echo "ipvs-source: does not say that a patch does not fit"
}

# A disk without room for a build
test_no_room()
{
	local kernel sys script refresh mb

	copy_package
	mkdir -p "$sys/var/lib/dkms" "$tmp/src/linux-source-6.1/net/netfilter"
	: >"${script%/*}/patches/6.1/series"
	echo net/netfilter >"${script%/*}/patches/6.1/files"
	tar -C "$tmp/src" -cJf "$sys/usr/src/linux-source-6.1.tar.xz" linux-source-6.1
	for mb in 99 100; do
		executable "$bin/df" <<<"printf 'Avail\\n ${mb}M\\n'"
		if ours bash "$script" check "$kernel" 2>"$log"; then
			((mb == 100)) || echo "ipvs-source: builds without room for it"
		else
			((mb == 99)) || echo "ipvs-source: room for a build is too little: $(sed -n 1p "$log")"
			grep -q 'where 99 are free' "$log" ||
				echo "ipvs-source: does not say that there is no room: $(sed -n 1p "$log")"
			grep -q "make room, then run ${script%/*}/ipvs-refresh" "$log" ||
				echo "ipvs-source: does not say what to do without room"
		fi
	done
	rm "$bin/df"
}

# What dkms has copied to a full disk
test_cut_short()
{
	local kernel sys script refresh built=$tmp/built installed why

	copy_package
	installed=$sys/lib/modules/$kernel/updates/dkms
	rm -rf "$built"
	mkdir -p "$built/module"
	echo 'headers 1-1' >"$built/made-from"
	echo '__attribute__((used, section(".modinfo"))) static char a[] = "license=GPL";' |
		gcc -x c -c -o "$built/module/a.ko" -
	cp "$built/module/a.ko" "$installed/"
	! why=$(ours bash "$script" stale "$kernel" "$built/made-from") ||
		echo "ipvs-source: modules that are whole are stale: $why"
	truncate -s -1 "$installed/a.ko"
	why=$(ours bash "$script" stale "$kernel" "$built/made-from") || true
	[[ $why == 'its a.ko is not whole' ]] || echo "ipvs-source: half of a module was installed: '$why'"
	truncate -s 100 "$built/module/a.ko"
	cp "$built/module/a.ko" "$installed/"
	why=$(ours bash "$script" stale "$kernel" "$built/made-from") || true
	[[ $why == 'its a.ko is not whole' ]] || echo "ipvs-source: half of a module was built: '$why'"
}

# It builds them again, and the disk is still full.
test_still_full()
{
	local kernel sys script refresh

	copy_package
	executable "$script" <<<'case $1 in stale) echo "its a.ko is not whole" ;; esac'
	executable "$bin/dkms" <<<"echo \$1 >>$log"
	ours bash "$refresh" >/dev/null 2>"$tmp/said" || echo "ipvs-refresh: fails"
	[[ $(xargs <"$log") == 'status install unbuild' ]] ||
		echo "ipvs-refresh: half of a module that it built itself stays: $(xargs <"$log")"
	grep -q "$kernel keeps its own" "$tmp/said" ||
		echo "ipvs-refresh: does not say that a kernel keeps its modules"
}

# What ipvs-refresh says of a build, in so many words
test_refresh_says()
{
	local kernel sys script refresh

	copy_package
	executable "$script" <<<'[[ $1 != stale ]]'
	executable "$bin/dkms" <<<'[[ $1 != install ]]'
	ours bash "$refresh" >/dev/null 2>"$tmp/said" || echo "ipvs-refresh: fails"
	grep -q "$kernel: that failed, see .*/build/make.log" "$tmp/said" ||
		echo "ipvs-refresh: does not say where a build that failed is told of"
	grep -q "once the cause is mended: ${refresh%/*}/ipvs-refresh" "$tmp/said" ||
		echo "ipvs-refresh: does not say what to do after a build that failed"
	executable "$bin/dkms" <<<:
	ours bash "$refresh" >/dev/null 2>"$tmp/said" || echo "ipvs-refresh: fails"
	grep -q "$kernel has the modules of this package" "$tmp/said" ||
		echo "ipvs-refresh: does not say that it has built"
	executable "$bin/dkms" <<<"echo 'ipvs-estimator/1, $kernel, x86_64: installed'"
	IPVS_ESTIMATOR_TELL=1 ours bash "$refresh" >/dev/null 2>"$tmp/said" ||
		echo "ipvs-refresh: fails"
	grep -q "$kernel has the modules of this package" "$tmp/said" ||
		echo "ipvs-refresh: does not say which kernels have modules when asked to"
	ours bash "$refresh" >/dev/null 2>"$tmp/said" || echo "ipvs-refresh: fails"
	[[ ! -s $tmp/said ]] || echo "ipvs-refresh: says something where nothing was done"
}
