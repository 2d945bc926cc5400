#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module can be removed and loaded again, right after services, traffic,
# dumps and namespaces; nothing is left of it.
#
# Environment: IPVS_TEST_LOAD=1000 services, IPVS_TEST_ROUNDS=2 times.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=floods.sh
. "$(dirname "$0")/floods.sh"

LOAD=${IPVS_TEST_LOAD:-1000}
ROUNDS=${IPVS_TEST_ROUNDS:-2}

need_ipvs
need_helpers echo_server udp_flood
need_ipvs_module

load()
{
	modprobe ip_vs && modprobe ip_vs_rr && [[ -e $VS/est_cpulist ]]
}

# Until there is a file: killed, it would leave an ipvsadm behind, which loads the
# module when it finds none.
dump_loop()
{
	until [[ -e $dir/no_dumps ]]; do
		in_director ipvsadm -Ln --stats
	done >/dev/null 2>&1
}

read_loop()
{
	until [[ -e $dir/no_reads ]]; do
		in_director cat /proc/net/ip_vs /proc/net/ip_vs_stats \
			/proc/net/ip_vs_stats_percpu "$VS/est_cpulist"
	done >/dev/null 2>&1
}

# Traffic and reads do not stop while services and the module go.
round()	# clear|netns
{
	local dump read rc=0

	topology_create
	topology_serve 7
	in_director ipvsadm -A -u "${VIP[4]}:53" -s rr || return 1
	in_director ipvsadm -a -u "${VIP[4]}:53" -r "${SERVER1_IP[4]}:7" -m
	many_services "$LOAD" | in_director ipvsadm -R || return 1
	flood_udp service 4 53 500 -c -p 10000 2>/dev/null
	rm -f "$dir"/*
	dump_loop &
	dump=$!
	read_loop &
	read=$!
	sleep 1

	if [[ $1 == clear ]]; then
		# The tasks still run, the server is in the trash.
		in_director ipvsadm -C
		in_director ipvsadm -A -f 1 -s rr
		in_director ipvsadm -D -f 1
	fi
	: >"$dir/no_dumps"
	wait "$dump" || true
	[[ $1 == clear ]] || ip netns del "$DIRECTOR"
	# A namespace is taken down in the background.
	if ! wait_until ipvs_unload; then
		diag "cannot be removed: $(grep ^ip_vs /proc/modules)"
		rc=1
	fi
	if [[ $(est_ids) || -e $VS ]]; then
		diag "left: $(est_tasks) $(ls -d "$VS")"
		rc=1
	fi
	: >"$dir/no_reads"
	wait "$read" || true
	flood_abort
	topology_down 2>/dev/null || true
	return "$rc"
}

rounds()	# clear|netns
{
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		round "$1" || return 1
		load || return 1
	done
}

ktap_plan 9
dir=$(mktemp -d)
rm_dir() { rm -rf "$dir"; }
ktap_at_exit rm_dir
reload() { modprobe ip_vs; }
ktap_at_exit reload
ktap_at_exit topology_down
ktap_at_exit flood_end
kernel_mark

check "the module can be removed" ipvs_unload
check "its sysctls are gone" test ! -e "$VS"
before=$(percpu_settled)
check "it can be loaded" load
check "removed after ipvsadm -C under load, and loaded again" rounds clear
check "removed after its namespace under load, and loaded again" rounds netns
check "it can be removed at last" ipvs_unload
check_eq "no task is left" "" "$(est_tasks)"
# The allocator keeps pages of chunks that are not quite empty.  Half of what
# would be lost by the rounds is allowed, each of which has had a table.
bound=$((before + ROUNDS * LOAD * 40 * $(cpus_present) / 1024))
check_percpu_below "nor per-CPU memory" "$before" "$bound"
check "no kernel warning" kernel_quiet
