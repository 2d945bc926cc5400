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

dir=$(mktemp -d)
rm_dir() { rm -rf "$dir"; }
pids=()
kill_all() { kill "${pids[@]}"; }
ALL=$(<"$VS/est_cpulist")

# All these run until there is a file 'stop', count their rounds, and leave the
# count in a file, as a proof that they got on.
loop()	# NAME FUNCTION
{
	local n=0

	until [[ -e $dir/stop ]]; do
		# Some of what they write is refused.
		"$2" || true
		n=$((n + 1))
	done >/dev/null 2>&1
	echo "$n" >"$dir/done.$1"
}

start()	# NAME FUNCTION
{
	loop "$1" "$2" &
	pids+=($!)
}

write_cpulist()
{
	echo 0 >"$VS/est_cpulist"
	echo >"$VS/est_cpulist"
	echo "$ALL" >"$VS/est_cpulist"
	echo abc >"$VS/est_cpulist"
}

write_nice()
{
	echo "$((RANDOM % 40 - 20))" >"$VS/est_nice"
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

# A command is answered in time.
answers()	# COMMAND...
{
	timeout -k 5 "$IPVS_TEST_WAIT" "$@" >/dev/null
}

clears()
{
	answers ipvsadm -C && wait_until no_tasks "$EST_ID"
}

all_ended()
{
	local pid

	for pid in "${pids[@]}"; do
		[[ ! -e /proc/$pid ]] || [[ $(task_status "$pid" State) == Z* ]] ||
			return 1
	done
}

# Tasks that were in state D all of the time that it takes to look ten times.
stuck_tasks()
{
	local now='' last='' i d state

	for i in 1 2 3 4 5 6 7 8 9 10; do
		now=$(for d in /proc/[0-9]*; do
			state=$(task_status "${d#/proc/}" State)
			[[ $state != D* ]] || echo "${d#/proc/}"
		done | sort)
		if ((i == 1)); then
			last=$now
		else
			last=$(grep -xF -f <(echo "$last") <<<"$now") || true
		fi
		[[ $last ]] || return 0
		sleep 0.5
	done
	echo "$last"
}

ktap_plan 16
ktap_at_exit rm_dir
ktap_at_exit kill_all
kernel_mark
est_find_id env || diag "found no id: '$EST_ID'"
many_services "$TABLE" >"$dir/rules"
ipvsadm -R <"$dir/rules"
check_eq "a table of $TABLE services" "$TABLE" "$(count_services)"

for ((i = 0; i < WRITERS; i++)); do
	start "cpulist$i" write_cpulist
	start "nice$i" write_nice
	start "run$i" write_run
done
start dump1 dump
start dump2 dump
start rate dump_rate
start proc read_proc
start add add_delete
start zero zero_all
sleep "$SECONDS_LONG"
: >"$dir/stop"
check "all writers and readers end" wait_until all_ended
for f in cpulist0 cpulist1 nice0 nice1 run0 run1 dump1 dump2 rate proc zero add; do
	echo "$f $(cat "$dir/done.$f" 2>/dev/null || echo none)"
done >"$dir/counts"
diag "rounds: $(xargs <"$dir/counts")"
check "each has done something" test "$(grep -c ' [1-9]' "$dir/counts")" = 12

check "est_cpulist answers" answers sh -c "echo $ALL >$VS/est_cpulist"
check "est_nice answers" answers sh -c "echo 3 >$VS/est_nice"
check "run_estimation answers" answers sh -c "echo 1 >$VS/run_estimation"
check "a dump is answered" answers ipvsadm -Ln --stats
check "so are the totals" answers cat /proc/net/ip_vs_stats
check_eq "the table is as it was" "$TABLE" "$(count_services)"
check "a service can be added" answers ipvsadm -A -t 10.0.0.1:81 -s rr
check "a service can be deleted" answers ipvsadm -D -t 10.0.0.1:81
check "the tasks run, with the last nice" wait_until tasks_nice "$EST_ID" 3
check "and on the last CPUs" wait_until tasks_on "$EST_ID" "$ALL"
check_eq "no task is stuck in state D" "" "$(stuck_tasks)"
check "all services can be deleted, and no task is left then" \
	clears
check "no kernel warning" kernel_quiet
