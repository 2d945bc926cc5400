# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A memory cgroup, which says to the byte what is charged to it.

MEMCG_TOP=''
MEMCG=''
MEMCG_ENABLED=''

# Fails where there is none, or where it does not tell of per-CPU memory.
memcg_up()
{
	MEMCG_TOP=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ -e $MEMCG_TOP/cgroup.controllers ]] || return 1
	if ! grep -w memory "$MEMCG_TOP/cgroup.subtree_control" >/dev/null; then
		echo +memory >"$MEMCG_TOP/cgroup.subtree_control" || return 1
		MEMCG_ENABLED=1
	fi
	MEMCG=$MEMCG_TOP/ipvs-test-$$
	mkdir "$MEMCG" && grep '^percpu ' "$MEMCG/memory.stat" >/dev/null
} 2>/dev/null

# Its processes must have ended.
memcg_down()
{
	[[ -d $MEMCG ]] || return 0
	echo max >"$MEMCG/memory.max"
	rmdir "$MEMCG"
	[[ ! $MEMCG_ENABLED ]] ||
		echo -memory >"$MEMCG_TOP/cgroup.subtree_control"
}

# Bytes; 'current' is memory.current, the others are of memory.stat, which
# the kernel brings up to date every 2 seconds.
memcg_charge()	# WHAT
{
	[[ $1 != current ]] || { cat "$MEMCG/memory.current"; return; }
	awk -v what="$1" '$1 == what { print $2 }' "$MEMCG/memory.stat"
}
