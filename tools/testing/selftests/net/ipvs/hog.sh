# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Part of isolation.sh: a real-time task that keeps all others from CPU 3.

HOG=''
HELPERS=()

# Workers of unbound workqueues, the kernel's threads that are bound to no CPU, those
# of RCU among them, and what kthreadd has just made may sit on CPU 3 as well, where
# nothing pulls them away from the hog: they would be what starves.  Not so the tasks
# that it is about.
helpers_away()
{
	local pid cpus

	WQ_WAS=$(<"$WQ_CPUS")
	echo 3 >"$WQ_CPUS"
	HELPERS=()
	for pid in $(pgrep -P 2) 2; do
		cpus=$(task_status "$pid" Cpus_allowed_list) || continue
		# One of one CPU is bound to it
		[[ $cpus == *[-,]* ]] || continue
		[[ $(cat "/proc/$pid/comm" 2>/dev/null) != ipvs-e:* ]] || continue
		taskset -pc 0-1 "$pid" >/dev/null 2>&1 || continue
		HELPERS+=("$pid $cpus")
	done
}

helpers_back()
{
	local h

	echo "$WQ_WAS" >"$WQ_CPUS"
	for h in "${HELPERS[@]}"; do
		taskset -pc "${h#* }" "${h% *}" >/dev/null 2>&1 || true
	done
}

# A real-time task takes all of CPU 3, but what its softirqs need: nothing in the
# kernel that waits for a grace period would end otherwise.  This script and what it
# starts go before it, wherever they are put.  It ends by itself, should they not.
hog_up()
{
	helpers_away
	chrt -f -p 60 "$(pgrep -x ksoftirqd/3)"
	chrt -f -p 60 $$
	RT_RUNTIME=$(</proc/sys/kernel/sched_rt_runtime_us)
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	# Linux 6.12 has another limit for such tasks
	FAIR=/sys/kernel/debug/sched/fair_server/cpu3/runtime
	[[ ! -e $FAIR ]] || FAIR_RUNTIME=$(<"$FAIR")
	[[ ! -e $FAIR ]] || echo 0 >"$FAIR"
	# shellcheck disable=SC2016  # for the inner shell
	taskset -c 3 chrt -f 50 bash -c 'while ((SECONDS < $1)); do :; done' - \
		$((5 * IPVS_TEST_WAIT)) &
	HOG=$!
}

hog_down()
{
	[[ $HOG ]] || return 0
	kill -9 "$HOG" 2>/dev/null || true
	wait "$HOG" 2>/dev/null || true
	HOG=''
	helpers_back
	chrt -o -p 0 "$(pgrep -x ksoftirqd/3)"
	[[ ! -e $FAIR ]] || echo "$FAIR_RUNTIME" >"$FAIR" || true
	echo "$RT_RUNTIME" >/proc/sys/kernel/sched_rt_runtime_us || true
	chrt -o -p 0 $$
}

hog_ticks()
{
	local stat

	read -r stat <"/proc/$HOG/stat"
	read -r -a stat <<<"${stat##*) }"
	echo "${stat[11]}"
}

# It has had the CPU for a while
hog_runs() { (($(hog_ticks) >= ${1:-0} + 50)); }
