# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# IPVS built outside of its tree, against the headers of a stock kernel.
# Sourced, not run.

write_if_new()	# FILE, content on stdin
{
	local new
	new=$(cat)
	[[ -f $1 && $(<"$1") == "$new" ]] || echo "$new" >"$1"
}

# What makes DIR, a part of the kernel's source, an external module: the files
# of the Debian package.
extmod_kbuild()	# DIR
{
	write_if_new "$1/Kbuild" <"$TOP/packaging/Kbuild"
	write_if_new "$1/net/netfilter/Kbuild" <"$TOP/packaging/Kbuild.netfilter"
}

# What make says, without what is harmless: the stock headers come without a
# vmlinux, so there is no BTF.
extmod_quiet()	# DIR
{
	sed -u -e '/^Skipping BTF generation/d' \
		-e '/^warning: the compiler differs from the one/d' \
		-e '/^  \(The kernel was built by\|You are using\):/d' \
		-e "s|$1/||g"
}
