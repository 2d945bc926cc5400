#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many services are added and deleted: they are all there, kthreads stay within
# their limits, and afterwards the kthreads and the per-CPU memory are back where
# they were.  How long it takes is printed, and no test.
#
# Environment: IPVS_TEST_SERVICES=20000

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SERVICES=${IPVS_TEST_SERVICES:-20000}

need_ipvs
need nsenter
# The log tells the limits of the initial namespace only.
[[ ${IPVS_TEST_NETNS:-} == "$0" ]] || exec 7</proc/self/ns/net
own_netns "$0" "$@"
in_initial() { nsenter --net=/proc/self/fd/7 -- "$@"; }

rules=$(mktemp)
rm_rules() { rm -f "$rules"; }

# Runs a command and prints how long it took.
timed()	# WHAT COMMAND...
{
	local what=$1 begin rc=0

	shift
	begin=$(now_ms)
	"$@" || rc=$?
	diag "$what: $(($(now_ms) - begin)) ms"
	return "$rc"
}

restore() { ipvsadm -R <"$rules"; }

# Kthreads that the log says there may be.
logged()
{
	dmesg | grep 'IPVS: netns [0-9]*: .* for a kthread' | tail -n 1 |
		sed 's/.* for a kthread, up to \([0-9]*\) kthr.*/\1/'
}

is_logged() { [[ $(logged) ]]; }

# Estimators for a kthread: 48 chains in each of 50 rows.
room() { awk 'NR == 2 { print 2400 * $7 }' /proc/net/ip_vs_est; }

# Kthreads are as many as it takes, and no more than there may be.
count_is_right()
{
	local n need room most

	n=$(est_count "$EST_ID") room=$(room) most=$(logged)
	((room)) || return
	# One estimator is of the total.
	need=$(((SERVICES + 1 + room - 1) / room))
	((need <= most)) || need=$most
	((n >= 1 && n <= most && n >= need))
}

# All services, and the last one of them.
all_there()
{
	[[ $(count_services) == "$SERVICES" ]]
}

# Few services share few rows of one kthread, whatever there was before: column
# 5 is estimators, 6 rows, 7 estimators in a chain at most.
packed()
{
	awk 'NR > 1 { contexts++; ests += $5; rows += $6; max = $7 }
		END { need = int((ests + max - 1) / max)
			exit !(contexts == 1 && rows < 4 * need) }' \
		/proc/net/ip_vs_est
}

ktap_plan 11
ktap_at_exit rm_rules
kernel_mark
many_services "$SERVICES" >"$rules"
est_find_id env || diag "found no id: '$EST_ID'"
in_initial ipvsadm -A -f 1 -s rr
check "the kernel log tells the limits" wait_until is_logged
in_initial ipvsadm -D -f 1
cpus=0
while IFS=- read -r first last; do
	cpus=$((cpus + ${last:-$first} - first + 1))
done < <(tr , '\n' <"$VS/est_cpulist")
check_eq "4 kthreads for each CPU may be there" "$((4 * cpus))" "$(logged)"
# The kernel keeps a free chunk of per-CPU memory for later: let it have that.
timed "ipvsadm -R, first time" restore
ipvsadm -C
wait_until no_tasks "$EST_ID" || diag "tasks are left"
before=$(percpu_settled)

check "$SERVICES services are added" timed "ipvsadm -R" restore
during=$(percpu_kb)
check "they are all there" all_there
check "their kthreads are as many as they need" wait_until count_is_right
sleep 2
diag "$(est_count "$EST_ID") kthreads," \
	"Percpu $before kB before, $during kB with the services"
# One of 100 stays, some in each row.
awk 'NR % 100 { print "-D", $2, $3 }' "$rules" >"$rules.most"
check "most are deleted" timed "ipvsadm -R of -D" ipvsadm -R <"$rules.most"
rm "$rules.most"
check "those left share few rows of one kthread" wait_until packed
diag "rows: $(awk 'NR > 1 { print $6 " for " $5 }' /proc/net/ip_vs_est)"
check "they are deleted" timed "ipvsadm -C" ipvsadm -C
check "no kthread is left" wait_until no_tasks "$EST_ID"

# A second time, so that what is lost adds up. The kernel keeps pages of a chunk
# that it does not need any more, so the figure differs by some from time to
# time; two times all counters, of 40 bytes for each CPU, would be four times as
# much as what is allowed here.
restore && ipvsadm -C
wait_until no_tasks "$EST_ID" || diag "tasks are left"
bound=$((before + SERVICES * 40 * $(cpus_online) / 1024 / 2))
check_percpu_below "per-CPU memory is back" "$before" "$bound"
check "no kernel warning" kernel_quiet
