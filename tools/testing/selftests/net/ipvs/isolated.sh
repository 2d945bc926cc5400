# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Part of isolation.sh: a namespace with a task, partitions, and what taskset does.

CGROUP=/sys/fs/cgroup
PART=$CGROUP/ipvs-est-$$
# Stays while the test runs: the kernel patches its page allocator for the first
# cpuset that is made and the last that goes, and emulators stumble over it.
KEPT=$CGROUP/ipvs-est-$$-kept
NS=est-iso-$$
NICE=0
# Where unbound work may be
WQ_CPUS=/sys/devices/virtual/workqueue/cpumask

in_ns() { ip netns exec "$NS" "$@"; }
get_vs() { in_ns cat "$VS/$1"; }

# A writer gives no CPUs that it has not itself.
# shellcheck disable=SC2034  # of lib.sh
VS_WRITER=(in_ns taskset -c 0-3)

# A namespace with a service and its task.  Sets EST_ID.
ns_up()
{
	ip netns add "$NS"
	est_find_id in_ns || diag "found no id: '$EST_ID'"
	in_ns ipvsadm -A -t 10.0.0.1:80 -s rr
	wait_until tasks_run "$EST_ID" || diag "no task"
}

ns_del() { ip netns del "$NS" 2>/dev/null; }

# One that comes later ends later, of which its devices tell.
link_gone() { ! ip link show dev "$1" >/dev/null 2>&1; }

next_ns_ends()
{
	ip netns add "$NS-2"
	ip link add "$NS" type veth peer name inner netns "$NS-2"
	ip netns del "$NS-2"
	wait_until link_gone "$NS"
}

task() { est_pids "$EST_ID" | sed -n 1p; }
on() { tasks_on "$EST_ID" "$1"; }
# It has CPUs, and those of the list alone: 0 is not in it
not_on_0() { [[ $(task_status "$(task)" Cpus_allowed_list) == [1-3]* ]]; }

# A new task is another one, with another number.
new_task()
{
	set_vs run_estimation 0
	wait_until no_tasks "$EST_ID" || diag "the task does not stop"
	set_vs run_estimation 1
	wait_until tasks_run "$EST_ID" || diag "no new task"
}

# Something else than CPUs changes, and has been applied.  Below 0, which kernels
# for real time take too.
renice()
{
	NICE=$(((NICE - 1) % 10))
	set_vs est_nice "$NICE"
	wait_until tasks_nice "$EST_ID" "$NICE" || diag "est_nice is not applied"
}

woken_since()	# PID SWITCHES
{
	(($(task_status "$1" voluntary_ctxt_switches) >= $2 + 3))
}

# The task has looked at its CPUs, which it does once in a period, and what it
# has found has been applied.
task_looked()
{
	local pid

	pid=$(task)
	wait_until woken_since "$pid" "$(task_status "$pid" voluntary_ctxt_switches)" ||
		diag "the task does not wake up"
	renice
}

wq_cpus() { echo $((16#$(tr -d , <"$WQ_CPUS"))); }

shown_cpus() { in_ns cat /proc/net/ip_vs_est | awk '$1 == 0 { print $3 }'; }

# --- Partitions --------------------------------------------------------------

has_cpuset()
{
	grep -qsw cpuset "$CGROUP/cgroup.controllers" || return 1
	# A name that is refused tells no more than that
	echo +cpuset 2>/dev/null >"$CGROUP/cgroup.subtree_control" || return 1
	mkdir "$PART" || return 1
	[[ -e $PART/cpuset.cpus.partition ]] || { rmdir "$PART"; return 1; }
	mkdir "$KEPT"
	rmdir "$PART"
}

# Fails where the kernel does not make it.
part_make()	# KIND CPUS
{
	mkdir "$PART"
	echo "$2" >"$PART/cpuset.cpus"
	echo "$1" >"$PART/cpuset.cpus.partition"
	[[ $(<"$PART/cpuset.cpus.partition") == "$1" ]]
}

part_undo()
{
	[[ -d $PART ]] || return 0
	echo member >"$PART/cpuset.cpus.partition"
	rmdir "$PART"
}

no_parts()
{
	part_undo
	[[ ! -d $KEPT ]] || rmdir "$KEPT"
}

# Does the partition take CPU 1 from kthreads?  All do, but newer kernels take it
# by isolated ones only.  Their parent shows it.
kthreads_lose() { ! has_cpu1 "$(task_status 2 Cpus_allowed_list)"; }

has_cpu1()	# LIST that begins with 0, 1 or nothing
{
	[[ $1 =~ ^(1([-,].*)?|0-.*|0,1.*)$ ]]
}

# --- taskset -----------------------------------------------------------------

# What kthreadd had, while a test has narrowed it
KTHREADD_CPUS=

kthreadd_back()
{
	[[ ! $KTHREADD_CPUS ]] || taskset -pc "$KTHREADD_CPUS" 2 >/dev/null
	KTHREADD_CPUS=
}

test_taskset()
{
	write_cpulist 0-1
	wait_until on 0-1 || diag "the task is not on CPUs 0-1"
	taskset -pc 1 "$(task)" >/dev/null
	task_looked
	check "taskset within the list is left alone" on 1
	check_eq "and shown" 1 "$(shown_cpus)"
	taskset -pc 1,2 "$(task)" >/dev/null
	check "of CPUs within and without it keeps those within" wait_until on 1
	taskset -pc 2,3 "$(task)" >/dev/null
	check "where none is within it has the list" wait_until on 0-1
	taskset -pc 0 "$(task)" >/dev/null
	write_cpulist 0,2
	check "a list that is written replaces what taskset said" wait_until on 0,2
}

# What taskset leaves of the list is offline: those of the list are taken, though newer
# kernels cut whatever a task is given to what taskset said, CPUs that are offline, too.
test_taskset_offline()
{
	if [[ ! -w /sys/devices/system/cpu/cpu1/online ]]; then
		ktap_skip_some 3 "taskset and offline CPUs" "no CPU can go offline"
		return
	fi
	write_cpulist 1-3
	wait_until on 1-3 || diag "the task is not on CPUs 1-3"
	set_online 1 0
	taskset -pc 0,1 "$(task)" >/dev/null
	check "what taskset leaves of the list is offline: the rest of it" \
		wait_until not_on_0
	set_online 1 1

	# As tuned does; what kthreadd was given so its children inherit
	KTHREADD_CPUS=$(task_status 2 Cpus_allowed_list)
	taskset -pc 0,1 2 >/dev/null
	write_cpulist 2
	write_cpulist 1-3
	check "a list is obeyed whatever CPUs kthreadd has" wait_until on 1-3
	set_online 1 0
	new_task
	check "also without that of them" wait_until not_on_0
	set_online 1 1
	kthreadd_back
}

# A CPU comes that nobody's CPUs are about.
test_taskset_online()
{
	if [[ ! -w /sys/devices/system/cpu/cpu3/online ]]; then
		ktap_skip "a CPU comes" "no CPU can go offline"
		return
	elif grep -q ' T kthread_affine_preferred$' /proc/kallsyms; then
		ktap_skip "a CPU comes" "this kernel gives tasks CPUs then"
		return
	fi
	write_cpulist 0,2
	wait_until on 0,2 || diag "the task is not on CPUs 0 and 2"
	taskset -pc 0 "$(task)" >/dev/null
	set_online 3 0
	set_online 3 1
	task_looked
	check "a CPU comes: taskset within the list is left alone" on 0
}
