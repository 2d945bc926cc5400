#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Network namespaces have estimators, sysctls and kthreads of their own, and
# nothing of these is left when a namespace goes away under load.
#
# Environment: IPVS_TEST_LOAD=1000 services of a namespace that goes away,
# IPVS_TEST_ROUNDS=2 times.

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

# Tests about two namespaces that live.
test_two()
{
	local id other_id all

	est_find_id in_director || diag "no id of the director: '$EST_ID'"
	id=$EST_ID
	est_find_id in_other || diag "no id of the other: '$EST_ID'"
	other_id=$EST_ID
	all=$(in_director cat "$VS/est_cpulist")

	in_director ipvsadm -A -u "${VIP[4]}:53" -s rr
	in_director ipvsadm -a -u "${VIP[4]}:53" -r "${SERVER1_IP[4]}:7" -m
	in_other ipvsadm -A -u "${VIP[4]}:53" -s rr
	check "each has a task" wait_until each_has_a_task "$id" "$other_id"
	check "each is calibrated" wait_until each_is_calibrated
	check_eq "the log has no line for each namespace" "" \
		"$(dmesg | grep "IPVS: netns \($id\|$other_id\):" || true)"

	in_client "$TEST_DIR/udp_flood" -n 10 -e "${VIP[4]}" 53 >/dev/null ||
		diag "no answer"
	check_eq "one counts its traffic" "1 10 10 1280 1280" \
		"$(total_counters "$DIRECTOR")"
	check_eq "the other counts nothing of it" "0 0 0 0 0" \
		"$(total_counters "$OTHER")"
	check_eq "nor does its service" "0 0 0 0 0" \
		"$(service_counters "$OTHER" -u "${VIP[4]}:53")"

	in_other sh -c "echo -9 >$VS/est_nice; echo 0 >$VS/est_cpulist"
	check "sysctls of the other change its task" \
		wait_until tasks_nice "$other_id" -9
	wait_until tasks_on "$other_id" 0 || diag "est_cpulist not obeyed"
	check "and no task of the first" tasks_nice "$id" 0
	check_eq "nor the sysctls of the first" "0 $all" \
		"$(in_director cat "$VS/est_nice" "$VS/est_cpulist" | xargs)"

	in_other sh -c "echo 0 >$VS/run_estimation"
	check "run_estimation=0 stops its task" wait_until no_tasks "$other_id"
	check "and no task of the first" tasks_run "$id"
	in_director ipvsadm -C
	check "without services the first has no task either" \
		wait_until no_tasks "$id"
}

# Column 7 is chain_max, and 0 before calibration.
calibrated()	# COMMAND...
{
	[[ $("$@" cat /proc/net/ip_vs_est | awk 'NR == 2 { print ($7 > 0) }') == 1 ]]
}

each_is_calibrated()
{
	calibrated in_director && calibrated in_other
}

each_has_a_task()	# ID ID
{
	(($(est_count "$1") == 1 && $(est_count "$2") == 1))
}

# Reads all that can be read until the namespace is gone.
dump_loop()
{
	while in_director true 2>/dev/null; do
		in_director ipvsadm -Ln --stats
		in_director ipvsadm -Ln --rate
		in_director cat /proc/net/ip_vs_stats /proc/net/ip_vs_stats_percpu
	done >/dev/null 2>&1
}

# Writes the sysctls until the namespace is gone.
write_loop()
{
	while in_director true 2>/dev/null; do
		in_director sh -c "
			echo 0 >$VS/est_cpulist
			echo 0 >$VS/run_estimation
			echo -3 >$VS/est_nice
			echo 1 >$VS/run_estimation"
	done >/dev/null 2>&1
}

# A namespace that is removed with services, traffic, dumps and writers.
removal()
{
	local pids=() pid

	topology_create
	topology_serve 7
	in_director ipvsadm -A -u "${VIP[4]}:53" -s rr
	in_director ipvsadm -a -u "${VIP[4]}:53" -r "${SERVER1_IP[4]}:7" -m
	many_services "$LOAD" | in_director ipvsadm -R
	flood_udp service 4 53 500 -c -p 10000 2>/dev/null
	dump_loop &
	pids+=($!)
	write_loop &
	pids+=($!)
	sleep 2
	ip netns del "$DIRECTOR"
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	flood_abort
	topology_down
}

test_removal()
{
	local ids before i bound

	ids=$(est_ids)
	# The first round fills what the kernel keeps for later.
	removal
	wait_until ids_are "$ids" || true
	before=$(percpu_settled)
	for ((i = 0; i < ROUNDS; i++)); do
		removal
	done
	check "no task is left of $ROUNDS namespaces removed under load" \
		wait_until ids_are "$ids"
	# Less than the counters of one of them: 40 bytes for each CPU, page by
	# page.
	bound=$((before + LOAD * 40 * $(cpus_present) / 1024))
	check_percpu_below "nor per-CPU memory" "$before" "$bound"
}

ktap_plan 15
kernel_mark
topology_up
ktap_at_exit flood_end
topology_serve 7
topology_other
test_two
topology_down
test_removal
check "no kernel warning" kernel_quiet
