#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Estimation comes up whatever fails when it starts: each allocation in turn
# that making a kthread needs, a limit on threads, each allocation of kthread 0
# until rates appear. Per-CPU memory, of which neither kmemleak nor fail-nth
# knows, does not leak when what follows it fails: the memory cgroup of the
# caller says what is still there, in a namespace of another user namespace than
# the initial one, where it is charged.
#
# Needs a kernel with CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and
# CONFIG_FAIL_PAGE_ALLOC and the module est_fault built for it.
#
#	IPVS_TEST_NTH=500	allocations in a start, at most

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=inject.sh
. "$TEST_DIR/inject.sh"
# shellcheck source=memcg.sh
. "$TEST_DIR/memcg.sh"
# shellcheck source=users.sh
. "$TEST_DIR/users.sh"

need_ipvs
need_injection
need_helpers echo_server many_adds udp_flood
[[ ${1:-} == --start ]] || own_netns "$0" "$@"

LIMIT=${IPVS_TEST_NTH:-500}
KTHREADD=/proc/2/task/2/fail-nth
THREADS_MAX=/proc/sys/kernel/threads-max
OLD_THREADS_MAX=$(<$THREADS_MAX)
# That kthreads cannot be created is what this is about
KERNEL_TROUBLE=${KERNEL_TROUBLE%|IPVS:*}

clean_up()
{
	echo "$OLD_THREADS_MAX" >$THREADS_MAX
	echo 0 >$KTHREADD
	inject_restore
	ipvsadm -C
	rm -rf "$TMP"
	holder_down
	memcg_down
}

# --- Kthreads cannot be created ----------------------------------------------

# The messages so far of work that will try again.
refused()	# [ERROR]
{
	dmesg | grep -c "IPVS: netns $EST_ID: cannot create kthread 0, error ${1:-}" ||
		true
}

estimation_off()
{
	echo 0 >$VS/run_estimation
	wait_until no_tasks "$EST_ID"
}

estimation_on()
{
	echo 1 >$VS/run_estimation
	wait_until tasks_run "$EST_ID"
}

# All kthreads are made by kthreadd, and few others at this time.
kthread_sweep()
{
	local n left=0 failed=0 before

	before=$(refused)
	for ((n = 1; n <= LIMIT; n++)); do
		estimation_off || break
		echo "$n" >$KTHREADD
		estimation_on || break
		left=$(<$KTHREADD)
		echo 0 >$KTHREADD
		((left == 0)) || break
		failed=$((failed + 1))
	done
	echo 0 >$KTHREADD
	diag "kthreadd: $failed failures," \
		"$(($(refused) - before)) times there was no kthread"
	((failed && left)) && (($(refused) > before)) &&
		wait_until tasks_run "$EST_ID"
}

# Nothing can be forked then, so bash waits and looks by itself.
thread_limit()
{
	local lines=() found=0 before log=$TMP/log pid end

	estimation_off || return
	before=$(refused -11)
	mkfifo "$TMP/never"
	exec {never}<>"$TMP/never"
	dmesg -w >"$log" &
	pid=$!
	end=$((SECONDS + IPVS_TEST_WAIT))
	echo 20 >$THREADS_MAX
	echo 1 >$VS/run_estimation
	while ((found <= before && SECONDS < end)); do
		read -rt 0.2 <&"$never" || true
		mapfile -t lines <"$log"
		found=0
		for line in "${lines[@]}"; do
			[[ $line != *"netns $EST_ID: cannot create"*"-11;"* ]] ||
				found=$((found + 1))
		done
	done
	echo "$OLD_THREADS_MAX" >$THREADS_MAX
	kill "$pid"
	exec {never}>&-
	diag "$((found - before)) times there was no kthread"
	((found > before)) && wait_until tasks_run "$EST_ID"
}

# --- The first start of a namespace ------------------------------------------

# Until it is armed kthread 0 cannot even calibrate; then its Nth allocation
# fails, and it goes on. Prints what is left of N.
start_armed()	# N TASK
{
	local nth=/proc/$2/task/$2/fail-nth

	echo "$1" >"$nth"
	functions_work
	wait_until has_rate "${UDP[@]}" || return
	cat "$nth"
	echo 0 >"$nth"
}

# In a namespace of its own, whose kthread 0 starts from nothing.
start_there()	# N | FUNCTION TIMES VALUE
{
	local before rc=0

	local_up
	if [[ $1 == ip_vs_* ]]; then
		function_fails "$1" "$2" "$3" || return
	else
		function_fails ip_vs_stats_create 1000000 0 || return
	fi
	before=$(est_ids)
	local_service
	wait_until est_has_new_id "$before" || return

	local_flood
	if [[ $1 == ip_vs_* ]]; then
		wait_until function_failed && wait_until has_rate "${UDP[@]}" || rc=1
	else
		start_armed "$1" "$(est_pids "$(est_new_ids "$before")")" ||
			rc=1
	fi
	local_flood_stop
	return $rc
}

start_sweep()
{
	local n left='' failed=0

	for ((n = 1; n <= LIMIT; n++)); do
		left=$(unshare --net bash "$0" --start "$n") || { left=; break; }
		((left == 0)) || break
		failed=$((failed + 1))
	done
	functions_work
	diag "kthread 0: $failed failures, ${left:-?} left of $n"
	((failed && left > 0))
}

start_fails()	# FUNCTION TIMES VALUE
{
	local rc=0

	unshare --net bash "$0" --start "$@" || rc=$?
	functions_work
	return $rc
}

# --- Per-CPU memory ----------------------------------------------------------

# The network namespace of a user namespace, entered with all privileges that
# there are.
charged_up()
{
	HOLDER_NS=(-n)
	holder_up unshare --user --map-root-user --net
}

in_group()	# COMMAND...
{
	(
		echo "$BASHPID" >"$MEMCG/cgroup.procs"
		in_holder "$@"
	)
}

# What the kernel shows may be old until there is much that it does not show yet:
# so let there be.
group_flush()
{
	(
		echo "$BASHPID" >"$MEMCG/cgroup.procs"
		head -c 16M /dev/zero >"/dev/shm/flush.$$"
		rm "/dev/shm/flush.$$"
	)
}

group_percpu()
{
	group_flush
	memcg_charge percpu
}

# The group has the memory of its processes as well, which a CPU that is idle may
# keep for a while after their end: some 100 bytes each.
group_has()	# BYTES
{
	(($(group_percpu) >= $1))
}

group_below()	# BYTES
{
	(($(group_percpu) < $1))
}

# The first chunk of per-CPU memory, 28 KB beside what the kernel itself has, is
# charged to nobody: so let others have it.
FILL=2000

# Sets ONE: the per-CPU memory of a service.
measure_one()
{
	ONE=0
	many_services "$FILL" 220 | ipvsadm -R
	in_group "$TEST_DIR/many_adds" 1 service >/dev/null
	# Five counters, and what they are consistent by
	wait_until group_has $((40 * $(nproc))) || return
	ONE=$(group_percpu)
	in_holder ipvsadm -D -u 192.0.2.2:5000
	diag "a service has $ONE bytes of per-CPU memory"
	wait_until group_below "$ONE"
}

# The figure lags behind. But when it has the service that was added last, it
# has everything before it too; what is freed after a grace period still goes.
# What leaked each time would be as much again as often as something failed: less
# than half of that is what processes have.
no_percpu_leak()	# FUNCTION THING TIMES VALUE
{
	local failed rc=0

	((ONE > 0)) || return
	function_fails "$1" "$3" "$4" || return
	failed=$(in_group "$TEST_DIR/many_adds" "$3" "$2")
	function_failed || rc=1
	functions_work
	in_group "$TEST_DIR/many_adds" 1 service >/dev/null
	wait_until group_has $((40 * $(nproc))) || rc=1
	wait_until group_below $((ONE + $3 * ONE / 2)) || rc=1
	diag "$2, $1: $failed of $3 failed, $(group_percpu) bytes with a service"
	in_holder ipvsadm -D -u 192.0.2.2:5000
	wait_until group_below "$ONE" || rc=1
	((rc == 0 && failed == $3))
}

PERCPU_CASES=(
	"ip_vs_stats_init service 20 -12"
	"ip_vs_stats_init server 20 -12"
	"ip_vs_start_estimator service 20 -12"
	"ip_vs_start_estimator server 20 -12"
	"ip_vs_stats_create netns 3 0"
	"ip_vs_start_estimator netns 3 -12"
	"ip_vs_est_ctx_alloc netns 3 0"
	"ip_vs_est_hotplug_add netns 3 -12"
)

check_percpu()
{
	local rest=("${PERCPU_CASES[@]}") one name="per-CPU memory does not leak"

	if ! memcg_up || ! charged_up 2>/dev/null; then
		for one in "a service has some" "${rest[@]}"; do
			ktap_skip "$name: $one" "no memory cgroup that tells"
		done
		return
	fi
	in_holder ipvsadm -A "${UDP[@]}" -s rr
	check "per-CPU memory of a service is seen, and goes" measure_one
	for one in "${rest[@]}"; do
		# shellcheck disable=SC2086  # words are wanted
		check "$name: ${one% *}" no_percpu_leak $one
	done
	in_holder ipvsadm -C
	ipvsadm -C
}

# --- The tests ---------------------------------------------------------------

if [[ ${1:-} == --start ]]; then
	start_there "${@:2}"
	exit
fi

est_find_id env || ktap_skip_all "no kthread comes up"
ktap_plan $((8 + ${#PERCPU_CASES[@]}))
TMP=$(mktemp -d)
ktap_at_exit clean_up
kernel_mark
inject_setup
leaks_forget

ipvsadm -A "${UDP[@]}" -s rr
check "a kthread comes up, whatever fails when it is made" kthread_sweep
check "a kthread comes up, after there was no thread to be had" thread_limit
ipvsadm -C

check "rates come up, whatever fails at first" start_sweep
# Those to calibrate with
check "rates come up, counters cannot be allocated 3 times" \
	start_fails ip_vs_stats_create 3 0
# A spare, wanted when the first row is made; the row can be used without it
check "rates come up, a context cannot be allocated" \
	start_fails ip_vs_est_ctx_alloc 1 0

check_percpu
check_leaks
check "the kernel has not warned" kernel_quiet
