# shellcheck shell=bash disable=SC2154  # test-deb sets these
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What test-deb tries with revisions of a kernel that keep its name: image, headers
# and linux-source one after the other, and upgrades of our package.  Sourced by
# test-deb, whose root has the kernel $kver with modules from its own source.

# An ip_vs of the kernel's own that says which revision it is of.
mark_stock()	# VERSION
{
	local file new=$out/marked.ko

	file=$(echo "$out/stock-$kver/ipvs"/ip_vs.ko*)
	if [[ $file == *.xz ]]; then xz -dc "$file"; else cat "$file"; fi >"$new"
	printf '\n%s' "$1" >>"$new"
	rm "$file"
	if [[ $file == *.xz ]]; then xz -c --check=crc32 "$new" >"$file"; else cp "$new" "$file"; fi
}

# Packs what an installed package has as another version of it, with its scripts.
# The revision is that of one kernel alone, so it depends on nothing.
repack()	# PACKAGE VERSION: prints the deb's name in the root
{
	local dir=$root/tmp/$1 info=$root/var/lib/dpkg/info script net list=$out/files

	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN"
	in_root dpkg -L "$1" >"$list"
	# Not /lib, which is a link here.
	while IFS= read -r f; do
		if [[ $f == /*/* && ( -L $root$f || -f $root$f ) ]]; then echo "${f#/}"; fi
	done <"$list" | tar -C "$root" -c -T - | tar -C "$dir" -x || die "cannot repack $1"
	# dkms may have moved these away.
	net=$(grep '/kernel/net/netfilter/ipvs$' "$list" || true)
	if [[ $net ]]; then
		mark_stock "$2"
		mkdir -p "$dir$net"
		cp "$out/stock-$kver/ipvs"/* "$dir$net/"
		cp "$out/stock-$kver"/xt_ipvs.ko* "$dir${net%/ipvs}/"
	fi
	for script in preinst postinst prerm postrm; do
		[[ ! -f $info/$1.$script ]] || cp "$info/$1.$script" "$dir/DEBIAN/"
	done
	in_root dpkg-query -s "$1" | sed "/^\(Depends\|Recommends\|Suggests\|Breaks\|Status\|Conffiles\):/d
		s/^Version: .*/Version: $2/" >"$dir/DEBIAN/control"
	dpkg-deb -Znone --root-owner-group --build "$dir" "$dir.deb" >/dev/null
	rm -rf "$dir"
	echo "/tmp/$1.deb"
}

# A linux-source whose modules say which revision they are from.
repack_source()	# VERSION: prints the deb's name in the root
{
	local dir=$out/revision

	rm -rf "$dir" "$out/revision.tar.xz"
	mkdir -p "$dir"
	cp -R "$out/pristine" "$dir/$source_pkg"
	echo "MODULE_INFO(revision, \"$1\");" >>"$dir/$source_pkg/$marked"
	tar -C "$dir" -cf - "$source_pkg" | xz -0 >"$out/revision.tar.xz"
	make_source "revision" "$source_pkg" "$1" "$out/revision.tar.xz"
}

marked=net/netfilter/ipvs/ip_vs_rr.c
headers_pkg=linux-headers-$kver
# From Linux 7 on there are several, first what is booted.
image_pkgs=()
for p in linux-{binary,image,modules}-"$kver"; do
	[[ $(installed "$p") != "install ok installed" ]] || image_pkgs+=("$p")
done

# Upgrades some of them to a revision, in one run of dpkg.
revise()	# NAME VERSION PACKAGE...
{
	local name=$1 to=$2 p
	local -a debs=()

	shift 2
	for p; do
		if [[ $p == "$source_pkg" ]]; then
			debs+=("$(repack_source "$to")")
		else
			debs+=("$(repack "$p" "$to")")
		fi
	done
	# Other packages want the version that they came with.
	log_step "$name" dpkg --force-depends --install "${debs[@]}"
	(cd "$root" && rm "${debs[@]#/}")
	is "$name: our package is configured" "$(installed "$pkg")" "install ok installed"
}

revision_of() { in_root modinfo -k "$kver" -F "${2:-revision}" "$1"; }

check_revision()	# WHEN REVISION
{
	check_built "$1" "$kver"
	is "$1: they are of the source $2" "$(revision_of ip_vs_rr)" "$2"
}

# Nothing of ours is left, neither in dkms nor where it would be loaded from.
check_dropped()	# WHEN LOG-TEXT...
{
	local text

	check_stock "$1" "$kver"
	is "$1: dkms has none" "$(dkms_state "$kver")" added
	for text in "${@:2}"; do
		says "$1: the reason is said" "$out/$1.log" "$text"
	done
}

rebuilt_in() { grep -c "rebuilding the IPVS modules of $kver" "$out/$1.log" || true; }
kept() { (cd "$root/var/lib/ipvs-estimator" 2>/dev/null && find . -mindepth 2 -maxdepth 2 | sed 's|.*/||' | sort | xargs); }

# --- every order in which the three can be upgraded ---------------------------

test_orders()
{
	local v=$version+test

	# The others come later, one by one.
	revise image-first "$v.1" "${image_pkgs[@]}"
	check_dropped image-first \
		"$kver: its modules are of $version, but it is $v.1; they are removed" \
		"$kver is skipped: ${image_pkgs[0]} is $v.1, but its headers are $version"
	revise headers-second "$v.1" "$headers_pkg"
	check_dropped headers-second \
		"$kver is skipped: $source_pkg is $version, but the kernel is $v.1"
	revise source-last "$v.1" "$source_pkg"
	check_revision source-last "$v.1"

	# What is built fits the image, until that changes.
	revise source-first "$v.2" "$source_pkg"
	check_revision source-first "$v.1"
	revise headers-ahead "$v.2" "$headers_pkg"
	check_revision headers-ahead "$v.1"
	is "headers-ahead: nothing is built" "$(rebuilt_in headers-ahead)" 0
	revise image-last "$v.2" "${image_pkgs[@]}"
	check_revision image-last "$v.2"

	revise headers-first "$v.3" "$headers_pkg"
	check_revision headers-first "$v.2"
	revise image-second "$v.3" "${image_pkgs[@]}"
	check_dropped image-second "they are removed" \
		"$kver is skipped: $source_pkg is $v.2, but the kernel is $v.3"

	# The usual upgrade.
	revise together "$v.4" "$headers_pkg" "$source_pkg" "${image_pkgs[@]}"
	check_revision together "$v.4"
	is "together: it is built once" "$(rebuilt_in together)" 1
}

# --- modules of which nothing is known -----------------------------------------

test_unknown()
{
	rm -f "$root"/var/lib/dkms/ipvs-estimator/*/"$kver"/*/made-from
	touch "$root/etc/dkms/no-autoinstall"
	log_step unknown dpkg-trigger --by-package=test /lib/modules
	log_step unknown-run dpkg --configure --pending
	check_dropped unknown-run "it is not known what its modules were built from" \
		"dkms must not build others"
	rm "$root/etc/dkms/no-autoinstall"
}

# --- our package is upgraded when linux-source has gone on ---------------------

# The same package with a higher version, and modules that say so.
build_next()
{
	local dir=$out/next/ipvs-estimator

	rm -rf "$out/next"
	mkdir "$out/next"
	cp -R "$BUILD/deb/ipvs-estimator" "$dir"
	rm -rf "$dir/debian/ipvs-estimator-dkms" "$dir/debian/.debhelper"
	sed -i '1s/)/+next)/' "$dir/debian/changelog"
	echo 'MODULE_INFO(ours, "next");' >>"$dir/src/overlay/net/netfilter/ipvs/ip_vs_est.c"
	(cd "$dir" && dpkg-buildpackage -us -uc -b) >"$out/next.log" 2>&1 ||
		die "the next version does not build, see $out/next.log"
	mv "$out"/next/*_all.deb "$root/tmp/next.deb"
}

# The other flavour keeps its source: its image is there.
test_upgrade()
{
	local v=$version+test

	# What is older is another, too.
	revise back "$v.1" "${image_pkgs[@]}" "$headers_pkg" "$source_pkg"
	check_revision back "$v.1"
	is "back: only the source that is needed is kept" "$(kept)" "$version $v.1"

	revise gone-on "$v.5" "$source_pkg"
	check_revision gone-on "$v.1"
	build_next
	log_step upgrade dpkg --install /tmp/next.deb
	check_revision upgrade "$v.1"
	is "upgrade: they have the new package's files" "$(revision_of ip_vs ours)" next
	is "upgrade: the kernel's source is still kept" "$(kept)" "$version $v.1"

	revise goes-on "$v.5" "${image_pkgs[@]}" "$headers_pkg"
	check_revision goes-on "$v.5"
	is "goes-on: source that no kernel needs is removed" "$(kept)" "$version $v.5"

	log_step no-kernel dpkg --purge --force-depends "${image_pkgs[@]}" "$headers_pkg"
	is "no-kernel: nothing is kept for it" "$(kept)" "$version"
	log_step purge-all dpkg --purge "$pkg"
	check_nothing_left purge-all
}

test_revisions()
{
	local -a files

	mapfile -t files <"$BUILD/deb/ipvs-estimator/src/patches/$base/files"
	mkdir "$out/pristine"
	xz -dc -T0 "$out/source.tar.xz" | tar -x -C "$out/pristine" \
		--strip-components=1 "${files[@]/#/$source_pkg/}"
	test_orders
	test_unknown
	test_upgrade
}
