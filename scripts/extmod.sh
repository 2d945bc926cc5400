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

# What makes DIR, a part of the kernel's source, an external module.
extmod_kbuild()	# DIR
{
	# The headers have an ip_vs.h of their own.  Ours wins only if it is
	# found first: LINUXINCLUDE comes before ccflags-y, so it is prepended
	# there.
	# shellcheck disable=SC2016  # make expands these
	write_if_new "$1/Kbuild" <<-'KBUILD'
		LINUXINCLUDE := -I$(src)/include -I$(src)/include/uapi $(LINUXINCLUDE)
		obj-m += net/netfilter/
	KBUILD
	# kbuild takes a Kbuild file before a Makefile.
	write_if_new "$1/net/netfilter/Kbuild" <<-'KBUILD'
		obj-$(CONFIG_NETFILTER_XT_MATCH_IPVS) += xt_ipvs.o
		obj-m += ipvs/
	KBUILD
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
