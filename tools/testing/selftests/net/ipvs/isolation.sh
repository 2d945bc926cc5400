#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kthreads stay on the CPUs that they are meant for, whatever the kernel does
# to the affinity of all: CPUs isolated at boot, cpuset partitions of both kinds
# made and undone, CPUs that go offline meanwhile, taskset.  A task that a real-time
# task keeps from its only CPU can be stopped.
#
# It is to be run on kernels booted with each of these, and without any:
#
# Kernel parameters: isolcpus=2,3
# Kernel parameters: nohz_full=2,3
#
# CPUs 0 and 1 are never isolated, 2 and 3 may be.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_ipvs
need taskset chrt pgrep
[[ -e /sys/devices/system/cpu/cpu3 ]] || ktap_skip_all "fewer than four CPUs"
[[ ! -e /sys/devices/system/cpu/cpu4 ]] || ktap_skip_all "more than four CPUs"

# Which of them it was, and that the kernel has understood
BOOT=''
for word in $(</proc/cmdline); do
	case $word in
	isolcpus=2,3) file=isolated ;;
	nohz_full=2,3) file=nohz_full ;;
	*) continue ;;
	esac
	BOOT=$word
	[[ $(cat "/sys/devices/system/cpu/$file" 2>/dev/null) == 2-3 ]] ||
		ktap_skip_all "this kernel does not know $word"
done
DEFAULT=${BOOT:+0-1}
DEFAULT=${DEFAULT:-0-3}
# The same without CPU 1
DEFAULT_NOT_1=${BOOT:+0}
DEFAULT_NOT_1=${DEFAULT_NOT_1:-0,2-3}

# shellcheck source=isolated.sh
. "$TEST_DIR/isolated.sh"
# shellcheck source=hog.sh
. "$TEST_DIR/hog.sh"

# --- Partitions --------------------------------------------------------------

# Are the CPUs of isolated partitions no housekeeping CPUs?  Not on those newer ones,
# on which a root partition, which was tried first, takes nothing from kthreads.
ROOT_TAKES=''

# The list is the default.
test_partition_default()	# KIND
{
	local want=$DEFAULT list=$DEFAULT

	if ! part_make "$1" 1; then
		ktap_skip_some 7 "default list, $1 partition" "no such partition here"
		part_undo
		return
	fi
	! kthreads_lose || want=$DEFAULT_NOT_1
	[[ $1 != root || $want == "$DEFAULT" ]] || ROOT_TAKES=1
	[[ $1 != isolated || $ROOT_TAKES ]] || list=$DEFAULT_NOT_1
	check "$1 partition on CPU 1: a task is on $want" wait_until on "$want"
	task_looked
	check "and stays there" on "$want"
	new_task
	check "so is a new task" wait_until on "$want"
	renice
	check "and est_nice changes nothing" on "$want"
	check_eq "/proc/net/ip_vs_est shows the task's CPUs" "$want" "$(shown_cpus)"
	check_eq "est_cpulist are the housekeeping CPUs" "$list" \
		"$(get_vs est_cpulist)"
	part_undo
	check "$1 partition undone: it has all of them" wait_until on "$DEFAULT"
}

test_partition_list()	# KIND
{
	local left=0-1

	if ! part_make "$1" 1; then
		ktap_skip_some 8 "written list, $1 partition" "no such partition here"
		part_undo
		return
	fi
	part_undo
	write_cpulist 0
	wait_until on 0 || diag "the task is not on CPU 0"
	part_make "$1" 1
	check "$1 partition elsewhere: est_cpulist=0 is CPU 0" wait_until on 0
	part_undo
	check "$1 partition elsewhere undone: it still is" wait_until on 0

	write_cpulist 0-1
	wait_until on 0-1 || diag "the task is not on CPUs 0-1"
	part_make "$1" 1
	! kthreads_lose || left=0
	check "$1 partition on CPU 1 of 0-1: CPU $left is left" wait_until on "$left"
	renice
	check "est_nice leaves it so" on "$left"
	new_task
	check "a new task gets a written list as it is" wait_until on 0-1
	part_undo
	check "$1 partition undone: 0-1 again" wait_until on 0-1

	write_cpulist 1
	wait_until on 1 || diag "the task is not on CPU 1"
	part_make "$1" 1
	check "$1 partition on all of the list: the list" wait_until on 1
	part_undo
	check "$1 partition undone: the list" wait_until on 1
}

# Without CPU 3 at first.
test_partition_offline()
{
	write_cpulist 3
	wait_until on 3 || diag "the task is not on CPU 3"
	set_online 3 0
	if ! part_make root 1; then
		ktap_skip_some 4 "partition while a CPU is offline" "no such partition here"
		part_undo
		set_online 3 1
		return
	fi
	check "a CPU offline, a partition made: estimation goes on" \
		wait_until tasks_run "$EST_ID"
	set_online 3 1
	check "the CPU is back: so is the task" wait_until on 3
	part_undo
	check "the partition undone: it still is" wait_until on 3

	write_cpulist 0,3
	wait_until on 0,3 || diag "the task is not on CPUs 0 and 3"
	set_online 3 0
	part_make root 1
	part_undo
	part_make root 1
	set_online 3 1
	part_undo
	check "all of that at once: the list in the end" wait_until on 0,3
}

nice_written() { [[ $(get_vs est_nice) != 0 ]]; }

# While est_reload_work runs all the time, so also between the moment from which on it
# sees that CPU 1 is isolated and the one when the kernel moves the task.
isolate_while_reloading()
{
	local pid

	set_vs est_nice 0
	# Not in_ns, of which the kill would reach the shell alone
	# shellcheck disable=SC2016  # for the inner shell
	ip netns exec "$NS" \
		bash -c 'while echo -1 >"$1" && echo -2 >"$1"; do :; done' - \
		"$VS/est_nice" &
	pid=$!
	wait_until nice_written || diag "est_nice is not written"
	part_make isolated 1
	kill "$pid"
	wait "$pid" || true
}

# A CPU comes, or CPUs are isolated, that have nothing to do with the list: newer
# kernels go back to what a task was first given.
test_unrelated()
{
	local left=0-1 rounds=1 i

	write_cpulist 0-1
	wait_until on 0-1 || diag "the task is not on CPUs 0-1"
	if ! part_make isolated 1; then
		ktap_skip_some 2 "what is unrelated" "no such partition here"
		part_undo
		return
	fi
	! kthreads_lose || left=0
	wait_until on "$left" || diag "the task is not on CPU $left"
	set_online 3 0
	set_online 3 1
	task_looked
	check "a CPU comes: CPU 1 stays with its partition" on "$left"
	part_undo

	write_cpulist 0,2
	wait_until on 0,2 || diag "the task is not on CPUs 0 and 2"
	# These moments are near to each other; and only what was isolated at boot
	# can be lost.
	[[ $BOOT != isolcpus=* ]] || rounds=3
	for ((i = 0; i < rounds; i++)); do
		part_undo
		isolate_while_reloading
		task_looked
		wait_until on 0,2 || break
	done
	check_eq "CPU 1 is isolated: the list stays 0 and 2" "$rounds" "$i"
	part_undo
}

# The partition's own CPU goes and comes: so does the partition.
test_partition_dies()
{
	write_cpulist 0
	wait_until on 0 || diag "the task is not on CPU 0"
	if ! part_make root 1; then
		ktap_skip_some 3 "the partition's CPU offline" "no such partition here"
		part_undo
		return
	fi
	# Linux 6.12 does not let the last CPU of a partition go
	if ! set_online 1 0 2>/dev/null; then
		ktap_skip_some 3 "the partition's CPU offline" "it must stay"
		part_undo
		return
	fi
	check "the partition's CPU offline: est_cpulist=0 is CPU 0" wait_until on 0
	set_online 1 1
	task_looked
	check "and back" wait_until on 0
	part_undo
	check "and the partition undone" wait_until on 0
}

# --- Who is not to be disturbed ----------------------------------------------

reload_cpus()
{
	sed -n 's/.* \[0*\([0-9]\)\] .*function ip_vs_est_reload.*/\1/p' \
		"$1/trace" | sort -u | xargs
}

# Nothing of ours runs on an isolated CPU, where the sysctl was written.
test_writer()
{
	local tr=/sys/kernel/tracing ev cpus i VS_WRITER=(in_ns taskset -c 3)

	ev=$tr/events/workqueue/workqueue_execute_start
	if [[ ! $BOOT ]]; then
		ktap_skip_some 2 "written on an isolated CPU" "booted without one"
		return
	elif [[ ! -e $ev ]]; then
		ktap_skip_some 2 "written on an isolated CPU" "no workqueue tracepoints"
		return
	fi
	echo >"$tr/trace"
	echo 1 >"$ev/enable"
	for ((i = 0; i < 10; i++)); do
		NICE=$(((NICE - 1) % 10))
		set_vs est_nice "$NICE"
		wait_until tasks_nice "$EST_ID" "$NICE" ||
			diag "est_nice is not applied"
	done
	echo 0 >"$ev/enable"
	cpus=$(reload_cpus "$tr")
	diag "est_reload_work ran on CPUs $cpus"
	check "the trace shows est_reload_work" test "$cpus"
	# Newer kernels let unbound work go where nohz_full= is, which
	# /sys/devices/virtual/workqueue/cpumask is there to change.
	if (($(wq_cpus) & 0xc)); then
		ktap_skip "on no isolated CPU" "unbound work is allowed there"
	else
		check "on no isolated CPU" not_word "[23]" "$cpus"
	fi
}

not_word() { ! grep -qw "$1" <<<"$2"; }

# --- Who is in the way -------------------------------------------------------

# Of the last period: estimators that were looked at.  Whoever enters a namespace leaves
# work to the CPU that it is on, which the real-time task must not have.
period_shown()	# 1 OR 0
{
	[[ $(in_ns_off_3 cat /proc/net/ip_vs_est |
		awk '$1 == 0 { print ($10 + $11 > 0) }') == "$1" ]]
}
in_ns_off_3() { (taskset -pc 0-2 "$BASHPID" >/dev/null && in_ns "$@"); }

# A task that gets its CPU wakes up once in a period.
test_hog()
{
	local pid ticks

	write_cpulist 3
	wait_until on 3 || diag "the task is not on CPU 3"
	set_vs est_nice "$(nice_max)"
	check "the last period is shown" wait_until period_shown 1
	hog_up
	wait_until hog_runs || diag "the real-time task does not run"
	check "that of a starved kthread is not" wait_until period_shown 0
	write_cpulist 0
	check "another list replaces a starved kthread" wait_until on 0
	pid=$(task)
	check "and the next one runs" wait_until woken_since "$pid" \
		"$(task_status "$pid" voluntary_ctxt_switches)"

	write_cpulist 3
	wait_until on 3 || diag "the task is not on CPU 3"
	sleep 3
	set_vs run_estimation 0
	check "run_estimation=0 stops a starved kthread" wait_until no_tasks "$EST_ID"
	check "the real-time task is still there" hog_runs
	set_vs run_estimation 1
	wait_until on 3 || diag "the task is not on CPU 3"
	# Newer kernels remember this
	taskset -pc 3 "$(task)" >/dev/null
	sleep 3
	ticks=$(hog_ticks)
	ns_del
	check "the end of its namespace stops a starved kthread" \
		wait_until no_tasks "$EST_ID"
	check "and comes to its end, for the next one does" next_ns_ends
	check "and the real-time task runs on" wait_until hog_runs "$ticks"
	hog_down
}

test_partitions()
{
	if ! has_cpuset; then
		ktap_skip_some 39 "partitions" "no cgroup v2 cpuset"
		return
	fi
	test_partition_default root
	test_partition_default isolated
	test_partition_list root
	test_partition_list isolated
	if [[ -w /sys/devices/system/cpu/cpu1/online &&
	      -w /sys/devices/system/cpu/cpu3/online ]]; then
		test_partition_offline
		test_partition_dies
		test_unrelated
	else
		ktap_skip_some 9 "partitions and offline CPUs" "no CPU can go offline"
	fi
}

back_online()
{
	set_online 1 1
	set_online 3 1
}

ktap_plan 64
kernel_mark
ktap_at_exit ns_del
ktap_at_exit back_online
ktap_at_exit kthreadd_back
ktap_at_exit no_parts
ktap_at_exit hog_down
diag "booted with ${BOOT:-nothing special}"

ns_up
check_eq "est_cpulist are the housekeeping CPUs" "$DEFAULT" "$(get_vs est_cpulist)"
check "so are the task's" wait_until on "$DEFAULT"
check_eq "/proc/net/ip_vs_est shows them" "$DEFAULT" "$(shown_cpus)"
set_vs run_estimation 0
wait_until no_tasks "$EST_ID" || diag "the task does not stop"
check_eq "and the list where there is no task" "$DEFAULT" "$(shown_cpus)"
set_vs run_estimation 1
wait_until tasks_run "$EST_ID" || diag "no task"

# First: in Linux 6.1 partitions let the workers of all workqueues go anywhere
test_writer
test_partitions
test_taskset
test_taskset_offline
test_taskset_online
test_hog
check "no kernel warning" kernel_quiet
