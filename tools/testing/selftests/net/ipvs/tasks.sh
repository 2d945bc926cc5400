#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kthreads start with the first service and stop after the last one, obey
# est_cpulist, est_nice and run_estimation at once, get their CPUs back after
# these were offline, and wake up seldom.
#
# Environment: IPVS_TEST_NETNS_COUNT=20 namespaces and IPVS_TEST_IDLE=20 seconds
# to count wake-ups.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

NETNS_COUNT=${IPVS_TEST_NETNS_COUNT:-20}
IDLE=${IPVS_TEST_IDLE:-20}

need_ipvs
own_netns "$0" "$@"

ALL=$(<"$VS/est_cpulist")
CPU=$(hotplug_cpu)

add_service() { ipvsadm -A -t "10.0.0.1:$1" -s rr; }

add_netns()
{
	local i

	for ((i = 0; i < NETNS_COUNT; i++)); do
		ip netns add "est-$$-$i"
		ip netns exec "est-$$-$i" ipvsadm -A -t 10.0.0.1:80 -s rr
	done
}

del_netns()
{
	local i

	for ((i = 0; i < NETNS_COUNT; i++)); do
		ip netns del "est-$$-$i" 2>/dev/null
	done
}

# 'PID SWITCHES' of tasks, in one go. Only those that they asked for: others are
# what a busy machine does to them.
all_switches()	# PID...
{
	local files

	mapfile -t files < <(printf '/proc/%s/status\n' "$@")
	awk '/^Pid:/ { pid = $2 }
		/^voluntary_ctxt/ { print pid, $2 }' \
		"${files[@]}"
}

# The kernel's own file about IPVS, where there is one, and ours: contexts and how many
# there may be, chain_max, and the room that a kthread has
status_agrees()
{
	local contexts chain_max want

	read -r contexts chain_max < <(awk 'NR > 1 { max = $7 }
		END { print NR - 1, max }' /proc/net/ip_vs_est)
	want="$contexts (max $((4 * $(nproc)))) $chain_max $((48 * 50 * chain_max))"
	[[ $(sed -n 's/^Stats [^:]*:\t//p' /proc/net/ip_vs_status | xargs) == "$want" ]] &&
		((chain_max > 0))
}

test_wakeups()
{
	local old id pids=() before after begin ms n most=0 total=0 i

	old=$(est_ids)
	add_netns
	wait_until new_ids_are "$old" "$NETNS_COUNT" ||
		diag "not all tasks have started"
	for id in $(est_new_ids "$old"); do
		mapfile -t -O "${#pids[@]}" pids < <(est_pids "$id")
	done
	# Calibrated and placed: the first row comes again each 2 s.
	sleep 6
	begin=${EPOCHREALTIME/[.,]/}
	mapfile -t before < <(all_switches "${pids[@]}")
	sleep "$IDLE"
	mapfile -t after < <(all_switches "${pids[@]}")
	ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
	for ((i = 0; i < ${#pids[@]}; i++)); do
		n=$((${after[i]#* } - ${before[i]#* }))
		((n <= most)) || most=$n
		total=$((total + n))
	done
	diag "$total switches of ${#pids[@]} tasks in $ms ms, at most $most of one"
	check_eq "a task for each of $NETNS_COUNT namespaces" "$NETNS_COUNT" \
		"${#pids[@]}"
	check "no fewer than half a wake-up each 4 s either" test \
		"$((total * 4000))" -ge "$((ms * NETNS_COUNT / 2))"
	check "at most a wake-up a second of one task" test \
		"$((most * 1000))" -le "$ms"
	check "at most $NETNS_COUNT wake-ups a second of $NETNS_COUNT namespaces" \
		test "$((total * 1000))" -le "$((ms * NETNS_COUNT))"
	del_netns
	check "their tasks are gone with them" wait_until new_ids_are "$old" 0
}

test_hotplug()
{
	local others

	back_online() { set_online "$CPU" 1; }
	ktap_at_exit back_online

	write_cpulist "$CPU"
	check "tasks move to CPU $CPU" wait_until tasks_on "$EST_ID" "$CPU"
	set_online "$CPU" 0
	check "tasks leave it when it goes offline" wait_until tasks_off_cpu
	check_eq "est_cpulist stays as it was" "$CPU" "$(<"$VS/est_cpulist")"
	# The affinity is lost while it is offline, for what the kernel gives.
	sleep 0.5
	set_online "$CPU" 1
	check "tasks are back when it is online again" \
		wait_until tasks_on "$EST_ID" "$CPU"

	others="0,$CPU"
	[[ $CPU != 1 ]] || others=0-1
	write_cpulist "$others"
	wait_until tasks_on "$EST_ID" "$others" || diag "tasks did not move"
	set_online "$CPU" 0
	check "tasks run on while one of two CPUs is offline" \
		wait_until tasks_run "$EST_ID"
	set_online "$CPU" 1
	check "tasks have both CPUs when it is online again" \
		wait_until tasks_on "$EST_ID" "$others"
}

tasks_off_cpu()
{
	local pid stat

	for pid in $(est_pids "$EST_ID"); do
		read -r stat <"/proc/$pid/stat" || return 1
		read -r -a stat <<<"${stat##*) }"
		# Field 39: the CPU that it has run on last
		[[ ${stat[36]} != "$CPU" ]] || return 1
	done
}

ktap_plan 32
kernel_mark
est_find_id env || diag "found no id: '$EST_ID'"
check "no task is left when the last service is gone" \
	wait_until no_tasks "$EST_ID"

add_service 80
check "the first service starts a task" wait_until tasks_run "$EST_ID"
check_eq "there is one task" 1 "$(est_count "$EST_ID")"
check_eq "it is called after its namespace and context" "ipvs-e:$EST_ID:0" \
	"$(est_tasks "$EST_ID" | cut -d ' ' -f 2-)"
check "it may use the CPUs of est_cpulist" wait_until tasks_on "$EST_ID" "$ALL"
check "its nice is 0" wait_until tasks_nice "$EST_ID" 0

write_cpulist 0
check "est_cpulist=0 has a task there" wait_until tasks_on "$EST_ID" 0
nice=$(nice_max)
set_vs est_nice "$nice"
check "est_nice=$nice" wait_until tasks_nice "$EST_ID" "$nice"
set_vs est_nice -20
check "est_nice=-20" wait_until tasks_nice "$EST_ID" -20
check_eq "it is still one task" 1 "$(est_count "$EST_ID")"

pid=$(est_pids "$EST_ID")
set_vs run_estimation 0
check "run_estimation=0 stops it" wait_until no_tasks "$EST_ID"
check "the task has ended" test ! -e "/proc/$pid"
add_service 81
sleep 1
check "a service does not start it then" no_tasks "$EST_ID"
set_vs run_estimation 1
check "run_estimation=1 starts it" wait_until tasks_run "$EST_ID"
check "a new task may use est_cpulist" wait_until tasks_on "$EST_ID" 0
check "a new task has est_nice" wait_until tasks_nice "$EST_ID" -20

set_vs est_cpulist ''
check "an empty est_cpulist stops it" wait_until no_tasks "$EST_ID"
write_cpulist "$ALL"
check "a list starts it" wait_until tasks_on "$EST_ID" "$ALL"

if [[ -e /proc/net/ip_vs_status ]]; then
	# chain_max may change between the two
	check "ip_vs_status says what ip_vs_est says" wait_until status_agrees
else
	ktap_skip "ip_vs_status says what ip_vs_est says" "this kernel has no such file"
fi

pid=$(est_pids "$EST_ID")
ipvsadm -C
add_service 80
sleep 4
check_eq "services that come again at once keep the task" "$pid" \
	"$(est_pids "$EST_ID")"

if [[ $CPU ]]; then
	test_hotplug
else
	ktap_skip_some 6 "CPU hotplug" "no CPU can be taken offline"
fi

ktap_at_exit del_netns
test_wakeups
check "no kernel warning" kernel_quiet
