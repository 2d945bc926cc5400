#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What fails leaves nothing behind: a call of the kernel fails at one place at
# a time, the command reports an error, the table is as before, and the command
# succeeds when it is repeated. Where kthreads fail they try again.
#
# Needs the module est_fault, built for the kernel that runs.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=fault.sh
. "$(dirname "$0")/fault.sh"

# Other user namespaces than the initial one see no sysctls
[[ ${1:-} == --starts ]] || need_ipvs
need_helpers sockopt_services
need_fault
[[ ${1:-} == --* ]] || own_netns "$0" "$@"

SERVICE=(-t 192.0.2.1:80)
SERVER=(-r 198.51.100.1:80)

clean_up()
{
	functions_work
	ipvsadm -C
}

# Lets a function fail once while the command runs. Succeeds if it did and the
# command has failed with it.
fails()	# FUNCTION VALUE COMMAND...
{
	local func=$1 value=$2 out rc=0 hits

	shift 2
	function_fails "$func" 1 "$value" || return
	out=$("$@" 2>&1) || rc=$?
	hits=$(<"$FAULT_NOW/hits")
	functions_work
	((hits && rc)) && [[ $out =~ [Mm]emory ]] && return
	diag "$func failed $hits times, '$*' ended with $rc: $out"
	return 1
}

table()
{
	ipvsadm -Sn
}

# The command fails with the function, changes nothing, and succeeds then.
fails_clean()	# NAME FUNCTION VALUE COMMAND...
{
	local name=$1 before ok=1

	before=$(table)
	shift
	fails "$@" || ok=
	[[ $(table) == "$before" ]] || { diag "the table has changed"; ok=; }
	shift 2
	"$@" || { diag "'$*' fails when repeated"; ok=; }
	check "$name" test -n "$ok"
}

log_says()	# TEXT
{
	grep -qF "$1" <(log_since_mark)
}

log_silent()	# TEXT
{
	! log_says "$1"
}

# Runs in a namespace of its own, whose kthread 0 starts from nothing.
recovers_there()
{
	local rc=0

	local_up
	local_service
	local_flood
	wait_until function_failed && wait_until has_rate "${UDP[@]}" || rc=1
	local_flood_stop
	((rc == 0)) || diag "$(<"$FAULT_NOW/hits") failed; $(ipvsadm -Ln --rate)"
	return $rc
}

# Runs in a user namespace too, where ipvsadm may do nothing.
starts_there()
{
	local before

	ip link set lo up
	before=$(est_ids)
	"$TEST_DIR/sockopt_services" add 1 1
	wait_until function_failed && wait_until est_has_new_id "$before"
}

# A call fails so many times in tasks of that name, and then COMMAND... succeeds
# with --recovers, or --starts.
with_fault()	# FUNCTION VALUE TASK SKIP TIMES COMMAND...
{
	local rc=0

	function_fails "$1" "$5" "$2" comm="$3" skip="$4" || return
	"${@:6}" || rc=$?
	functions_work
	return $rc
}

# Rates come up all the same.
recovers()	# FUNCTION VALUE TASK SKIP TIMES
{
	with_fault "$@" unshare --net bash "$0" --recovers
}

# So does a task in a namespace made without privilege.
starts()	# FUNCTION VALUE TASK SKIP TIMES
{
	with_fault "$@" unshare --user --map-root-user --net bash "$0" --starts
}

new_netns()
{
	unshare --net true
}

case ${1:-} in
--recovers) recovers_there; exit ;;
--starts) starts_there; exit ;;
esac

ktap_plan 18
ktap_at_exit clean_up
kernel_mark

n=0
for f in ip_vs_start_estimator:-12 ip_vs_stats_init:-12; do
	# Not the same server again: that would come from the trash
	n=$((n + 1))
	fails_clean "a service, ${f%:*} fails" "${f%:*}" "${f#*:}" \
		ipvsadm -A "${SERVICE[@]}" -s rr
	fails_clean "a server, ${f%:*} fails" "${f%:*}" "${f#*:}" \
		ipvsadm -a "${SERVICE[@]}" -r 203.0.113.$n:80 -m
	ipvsadm -C
done

# A server stays in the trash for a minute, at least
ipvsadm -A "${SERVICE[@]}" -s rr
ipvsadm -a "${SERVICE[@]}" "${SERVER[@]}" -m
ipvsadm -d "${SERVICE[@]}" "${SERVER[@]}"
fails_clean "a server from the trash, ip_vs_start_estimator fails" \
	ip_vs_start_estimator -12 ipvsadm -a "${SERVICE[@]}" "${SERVER[@]}" -m
ipvsadm -d "${SERVICE[@]}" "${SERVER[@]}"
function_fails ip_vs_stats_init 1 -12
check "the server was in the trash all the time" \
	ipvsadm -a "${SERVICE[@]}" "${SERVER[@]}" -m
functions_work
ipvsadm -C

for f in ip_vs_estimator_net_init:-12 ip_vs_est_ctx_alloc:0 \
	 ip_vs_est_hotplug_add:-12 ip_vs_stats_create:0 \
	 ip_vs_start_estimator:-12; do
	fails_clean "a namespace, ${f%:*} fails" "${f%:*}" "${f#*:}" new_netns
done

# --- kthreads ----------------------------------------------------------------

# The first services need what fails some times; then their rates appear.
check "rates come up, kthread_create_on_node fails 3 times" \
	recovers kthread_create_on_node -12 kworker 0 3
check "it was said in the log" log_says "cannot create kthread 0, error -12"
kernel_mark
check "so does a task in a namespace made without privilege" \
	starts kthread_create_on_node -12 kworker 0 3
check "of which the log says nothing" log_silent "cannot create kthread"
check "rates come up, ip_vs_stats_create fails 3 times" \
	recovers ip_vs_stats_create 0 ipvs-e 0 3
if grep -q ' kmalloc_trace$' /proc/kallsyms; then
	# The first is the object to calibrate with, then come rows
	check "rates come up, rows cannot be allocated 3 times" \
		recovers kmalloc_trace 0 ipvs-e 1 3
else
	ktap_skip "rates come up, rows cannot be allocated 3 times" \
		"no kmalloc_trace"
fi

check "the kernel has not warned" kernel_quiet
