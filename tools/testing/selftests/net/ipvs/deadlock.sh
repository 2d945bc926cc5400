#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Writers of all sysctls, dumpers of a large table, and services that come and
# go, all at once: afterwards every command is answered and no task is stuck.
#
# Environment: IPVS_TEST_TABLE=8000 services, IPVS_TEST_SECONDS=60.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=load.sh
. "$(dirname "$0")/load.sh"

TABLE=${IPVS_TEST_TABLE:-8000}
SECONDS_LONG=${IPVS_TEST_SECONDS:-60}
# A dump under all of this takes long where the machine is slow.  A deadlock takes
# for ever, so it is no loss to wait.
IPVS_TEST_WAIT=$((IPVS_TEST_WAIT + 5 * SECONDS_LONG))
# Writers of each sysctl
WRITERS=2

need_ipvs
need timeout
own_netns "$0" "$@"

ALL=$(<"$VS/est_cpulist")
NICE_MAX=$(nice_max)

# A CPU, none, all, and what is refused.
write_lists()
{
	echo 0 >"$VS/est_cpulist"
	echo >"$VS/est_cpulist"
	echo "$ALL" >"$VS/est_cpulist"
	echo abc >"$VS/est_cpulist"
}

write_nice()
{
	echo "$((RANDOM % (21 + NICE_MAX) - 20))" >"$VS/est_nice"
}

write_run()
{
	echo 0 >"$VS/run_estimation"
	echo 1 >"$VS/run_estimation"
	sleep 0.0$((RANDOM % 10))
}

dump() { ipvsadm -Ln --stats; }
dump_rate() { ipvsadm -Ln --rate; }

read_proc()
{
	cat /proc/net/ip_vs /proc/net/ip_vs_stats /proc/net/ip_vs_stats_percpu \
		"$VS"/est_* "$VS/run_estimation"
}

add_delete()
{
	many_services 200 220 | ipvsadm -R
	many_services 200 220 | sed 's/^-A \(.*\) -s rr/-D \1/' | ipvsadm -R
}

zero_all() { ipvsadm -Z; sleep 0.1; }

clears()
{
	answers ipvsadm -C && wait_until no_tasks "$EST_ID"
}

ktap_plan 16
ktap_at_exit load_clean_up
kernel_mark
est_find_id env || diag "found no id: '$EST_ID'"
many_services "$TABLE" | ipvsadm -R
check_eq "a table of $TABLE services" "$TABLE" "$(count_services)"

for ((i = 0; i < WRITERS; i++)); do
	load_start "cpulist$i" "$i" write_lists
	load_start "nice$i" "$i" write_nice
	load_start "run$i" "$i" write_run
done
load_start dump1 1 dump
load_start dump2 2 dump
load_start rate 3 dump_rate
load_start proc 4 read_proc
load_start add 5 add_delete
load_start zero 6 zero_all
sleep "$SECONDS_LONG"
load_stop
check "all writers and readers end" wait_until load_ended
check "each has done something" load_each_did

check "est_cpulist can be written" answers sh -c "echo $ALL >$VS/est_cpulist"
check "est_nice can be written" answers sh -c "echo -3 >$VS/est_nice"
check "run_estimation can be written" answers sh -c "echo 1 >$VS/run_estimation"
check "the table can be dumped" answers ipvsadm -Ln --stats
check "so can the totals" answers cat /proc/net/ip_vs_stats
check_eq "the table is as it was" "$TABLE" "$(count_services)"
check "a service can be added" answers ipvsadm -A -t 10.0.0.1:81 -s rr
check "a service can be deleted" answers ipvsadm -D -t 10.0.0.1:81
check "the tasks run, with the last nice" wait_until tasks_nice "$EST_ID" -3
check "and on the last CPUs" wait_until tasks_on "$EST_ID" "$ALL"
check_eq "no task is stuck in state D" "" "$(stuck_tasks)"
check "all services can be deleted, and no task is left then" \
	clears
check "no kernel warning" kernel_quiet
