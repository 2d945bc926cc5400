#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a user without privilege gets who makes a user and a network namespace:
# services, but no sysctl of estimation to write and one kthread at most; memory
# that is charged to the memory cgroup of who added the services, which it is not
# in namespaces of the initial user namespace; and nothing that stays, however
# many namespaces are made.
#
# Environment:
#	IPVS_TEST_FILL=160000		services, at most, to fill a kthread
#	IPVS_TEST_CHARGED=4000		services that are charged to a cgroup
#	IPVS_TEST_NAMESPACES=500	namespaces at a time

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=memcg.sh
. "$(dirname "$0")/memcg.sh"
# shellcheck source=users.sh
. "$(dirname "$0")/users.sh"

FILL=${IPVS_TEST_FILL:-160000}
FILL_STEP=$((FILL < 20000 ? FILL : 20000))
CHARGED=${IPVS_TEST_CHARGED:-4000}
NAMESPACES=${IPVS_TEST_NAMESPACES:-500}

SYSCTLS=(est_cpulist=0 est_nice=-5 run_estimation=0)
HELPER=$TEST_DIR/sockopt_services

# A counter takes 8 bytes, and there are 5 on each possible CPU.
COUNTERS=$((5 * 8 * $(sed 's/.*-//' /sys/devices/system/cpu/possible) + 5 * 8))
# What struct ip_vs_stats takes at least, without the rest of a service.
OBJECT=200

# --- A namespace made by the user --------------------------------------------

namespace_of_user()
{
	HOLDER_NS=(-U -n)
	holder_up "${AS_USER[@]}" unshare -Ur -n || diag "the namespace is not there"
}

# One as "ip netns add" makes it, in the initial user namespace.
namespace_of_root()
{
	HOLDER_NS=(-n)
	holder_up unshare -n || diag "the namespace is not there"
}

services() { in_holder "$HELPER" "$@"; }

# --- Sysctls -----------------------------------------------------------------

sysctls()	# COMMAND_PREFIX...
{
	local s

	for s in "${SYSCTLS[@]}"; do
		"$@" cat "$VS/${s%=*}" 2>/dev/null || echo "hidden"
	done | xargs
}

write_sysctl()	# NAME=VALUE COMMAND_PREFIX...
{
	# shellcheck disable=SC2016  # for the other shell
	"${@:2}" sh -c 'echo "$1" 2>/dev/null >"$0" && cat "$0"' \
		"$VS/${1%=*}" "${1#*=}" 2>/dev/null
}

# Hidden by some kernels, read-only in others.
test_sysctls()
{
	local s host defaults there

	host=$(sysctls env)
	# Not those of here, which somebody may have changed
	defaults=$(sysctls unshare --net)
	there=$(sysctls in_holder)
	diag "est_cpulist, est_nice, run_estimation there: $there"
	check "none is there, or all have their defaults" \
		grep -qxF -e "hidden hidden hidden" -e "$defaults" <<<"$there"
	for s in "${SYSCTLS[@]}"; do
		check_eq "$s is written with privilege" "${s#*=}" \
			"$(write_sysctl "$s" unshare --net)"
		check_eq "$s is refused without" "refused" \
			"$(write_sysctl "$s" in_holder || echo refused)"
	done
	check_eq "nothing has changed there" "$there" "$(sysctls in_holder)"
	check_eq "nor in the initial namespace" "$host" "$(sysctls env)"
}

# --- Kthreads ----------------------------------------------------------------

# The kthread had no room for an estimator, and another one was not to be had.
is_full()
{
	grep -q "netns $EST_ID: .* room for 1 kthreads" <(log_since_mark)
}

several_tasks()
{
	(($(est_count "$EST_ID") > 1))
}

# Sets FILLED to the number of services.  A fast machine may put more than FILL
# into one kthread; many possible CPUs (QEMU: -smp 4,maxcpus=64) make it fewer.
fill_kthread()
{
	local end

	while ((FILLED < FILL)); do
		services add "$FILLED" "$FILL_STEP" >/dev/null
		FILLED=$((FILLED + FILL_STEP))
		end=$((SECONDS + 5))
		while ((SECONDS < end)); do
			# Either is the answer
			if is_full || several_tasks; then
				return
			fi
			sleep 0.5
		done
	done
}

test_kthread()
{
	local begin before pid rules='-A -t 10.255.0.1:80 -s rr'

	before=$(est_ids)
	if in_holder ipvsadm -R <<<"$rules" 2>/dev/null; then
		diag "ipvsadm works there, by socket options"
		in_holder ipvsadm -C
		wait_until ids_are "$before" || diag "a task is left"
	else
		diag "ipvsadm is refused there"
	fi

	check_eq "services are added there" "10 10 0" \
		"$(services add 0 10 servers)"
	check_eq "they are listed there" "10 10" "$(services list)"
	wait_until est_has_new_id "$before" || diag "no task has started"
	EST_ID=$(est_new_ids "$before")
	pid=$(est_pids "$EST_ID" | grep .) || pid="a task"
	check_eq "they have one task" "ipvs-e:$EST_ID:0" \
		"$(est_tasks "$EST_ID" | cut -d ' ' -f 2-)"
	check "its nice is 0" tasks_nice "$EST_ID" 0

	FILLED=10
	begin=$SECONDS
	fill_kthread
	diag "$FILLED services added in $((SECONDS - begin)) s"
	if is_full; then
		check_eq "more services than a kthread can hold have that one" \
			"$pid" "$(est_pids "$EST_ID" | xargs)"
	else
		diag "a kthread here may hold more than $FILLED services"
		check_eq "$FILLED services have that one" \
			"$pid" "$(est_pids "$EST_ID" | xargs)"
	fi
	check_eq "they are all there" "$FILLED 10" "$(services list)"
	check_eq "they are flushed" "0 0 0" \
		"$(services flush) $(services list)"
	check "and the task is gone" wait_until no_tasks "$EST_ID"
}

# --- Memory ------------------------------------------------------------------

# Adds services and servers from the cgroup.  With no memory left there the
# kernel would kill the helper, if it were allowed to, before adding fails.
charged_add()	# FIRST COUNT
{
	(
		echo -1000 >"/proc/$BASHPID/oom_score_adj"
		services charged "$1" "$2" 3 4 \
			3>"$MEMCG/cgroup.procs" 4>"$MEMCG_TOP/cgroup.procs"
	)
}

charged()	# WHAT BYTES
{
	(($(memcg_charge "$1") >= $2))
}

not_charged()	# WHAT BYTES
{
	(($(memcg_charge "$1") <= $2))
}

charges()
{
	echo "percpu $(memcg_charge percpu), slab $(memcg_charge slab_unreclaimable)," \
		"kernel $(memcg_charge kernel), current $(memcg_charge current) bytes"
}

test_charge()
{
	local n=$((2 * CHARGED)) peak

	namespace_of_user
	diag "before: $(charges)"
	check_eq "services are added from a cgroup" "$CHARGED $CHARGED 0" \
		"$(charged_add 0 "$CHARGED")"
	check "$n counters of $COUNTERS bytes are charged to it" \
		wait_until charged percpu $((n * COUNTERS))
	check "the objects around them are, too" \
		wait_until charged slab_unreclaimable $((n * OBJECT))
	check "kernel memory is not less than both" \
		wait_until charged kernel $((n * (COUNTERS + OBJECT)))
	check "nor is all that is charged" \
		charged current $((n * (COUNTERS + OBJECT)))
	diag "with $CHARGED services and servers: $(charges)"
	peak=$(memcg_charge current)

	holder_down
	check "the counters' charge ends with the namespace" \
		wait_until not_charged percpu $((n * COUNTERS / 100))
	# The kernel keeps an object or two of its own, however many there were
	check "the objects' charge does, too" wait_until \
		not_charged slab_unreclaimable $((n * OBJECT / 100 + 4096))
	# What CPUs keep of a charge for the next time, some pages, is no leak
	check "and so the sum goes down" wait_until \
		not_charged current $((peak - n * COUNTERS))
	diag "without the namespace: $(charges)"
}

# The table of mh has 32 KB, if the kernel's IP_VS_MH_TAB_INDEX is what it is by default.
test_charge_scheduler()
{
	local n=40 table=$((32 << 10)) before

	if ! modprobe -q ip_vs_mh; then
		ktap_skip_some 2 "what a scheduler keeps is charged" "no mh here"
		return
	fi
	namespace_of_user
	before=$(memcg_charge kernel)
	check_eq "services with mh are added from a cgroup" "$n $n 0" \
		"$(SCHEDULER=mh charged_add 0 "$n")"
	check "their tables are charged to it" \
		wait_until charged kernel $((before + n * table * 9 / 10))
	diag "with $n services: $(charges)"
	holder_down
}

test_limit()
{
	local max=$(($(memcg_charge current) + (8 << 20))) tries services servers error

	namespace_of_user
	# Twice as many as can be charged
	tries=$((max / (COUNTERS + OBJECT)))
	echo "$max" >"$MEMCG/memory.max"
	read -r services servers error < <(charged_add 0 "$tries")
	diag "$services services, $servers servers, then $error with $max bytes"
	check_eq "adding fails when the cgroup is full" ENOMEM "$error"
	check "not at once" test "$((services > 0 && services < tries))" = 1
	check_eq "what was added is there, and no more" "$services $servers" \
		"$(services list)"
	echo max >"$MEMCG/memory.max"
	check_eq "it goes on when the cgroup is given more" "100 100 0" \
		"$(charged_add "$services" 100)"
	check_eq "the table has both" \
		"$((services + 100)) $((servers + 100))" "$(services list)"
	check_eq "they are flushed" "0 0 0" \
		"$(services flush) $(services list)"
	holder_down
	check "the charge ends with them" wait_until not_charged percpu 0
}

# A node's agent has a limit that fits itself, and a table that does not.
test_not_charged()
{
	local room=$((2 << 20)) before grown n need

	# Twice as many as there would be room for
	n=$((room / (COUNTERS + OBJECT)))
	need=$((2 * n * (COUNTERS + OBJECT)))
	namespace_of_root
	before=$(memcg_charge current)
	echo $((before + room)) >"$MEMCG/memory.max"
	check_eq "a table of root's is larger than its cgroup's limit" \
		"$n $n 0" "$(charged_add 0 "$n")"
	grown=$(($(memcg_charge current) - before))
	diag "$need bytes at least for it, $grown were charged"
	check "nothing of it is charged" test $((grown < need / 4)) = 1
	check_eq "the table is there" "$n $n" "$(services list)"
	# Not left to the end of the namespace, which nobody waits for here
	check_eq "it is flushed" "0 0 0" "$(services flush) $(services list)"
	holder_down
	echo max >"$MEMCG/memory.max"
}

# --- Many namespaces ---------------------------------------------------------

MAX_NET=/proc/sys/user/max_net_namespaces
MAX_USER=/proc/sys/user/max_user_namespaces

limits_back()
{
	echo "$OLD_MAX_NET" >"$MAX_NET"
	echo "$OLD_MAX_USER" >"$MAX_USER"
}

# All that the helper prints before it waits, of its processes the numbers.
read_ready()	# FD
{
	local line

	PIDS=()
	# They are made at the same time, so the first may be ready when all are
	while read -r -t $((IPVS_TEST_WAIT + NAMESPACES)) line <&"$1"; do
		[[ $line =~ ^[0-9]+$ ]] || break
		PIDS+=("$line")
	done
	[[ ${line:-} == ready ]] || { diag "'${line:-}'"; return 1; }
}

test_namespaces()
{
	local ids refs in out helper most begin

	ids=$(est_ids)
	refs=$(</sys/module/ip_vs/refcnt)
	((OLD_MAX_NET > 2 * NAMESPACES)) || echo $((2 * NAMESPACES)) >"$MAX_NET"
	((OLD_MAX_USER > 2 * NAMESPACES)) || echo $((2 * NAMESPACES)) >"$MAX_USER"
	coproc "${AS_USER[@]}" "$HELPER" namespaces "$NAMESPACES"
	helper=$COPROC_PID
	in=${COPROC[1]}
	exec {out}<&"${COPROC[0]}"

	begin=$SECONDS
	check "$NAMESPACES namespaces with a service" read_ready "$out"
	diag "made in $((SECONDS - begin)) s"
	check_eq "the kernel lists each service" "$NAMESPACES" \
		"$(printf '/proc/%s/net/ip_vs\n' "${PIDS[@]}" |
		   xargs cat | grep -c '^TCP ')"
	check "each has a task" wait_until new_ids_are "$ids" "$NAMESPACES"
	most=$(est_tasks | awk -F : '
		++n[$2] > most	{ most = n[$2] }
		END		{ print most }')
	check_eq "and no more than one" 1 "$most"
	# Namespaces of the user are counted until they are freed
	echo 1 >"$MAX_NET"
	check "their user may have no other" test \
		"$(new_namespace || echo refused)" = refused

	begin=$SECONDS
	exec {in}>&-
	read -r -t "$IPVS_TEST_WAIT" most <&"$out" || diag "no answer"
	check_eq "each kept its service to the end" "$NAMESPACES" "$most"
	wait "$helper" || diag "the helper has failed"
	exec {out}<&-
	check "their tasks are gone with them" wait_until new_ids_are "$ids" 0
	check "all of the user's namespaces are freed" wait_until new_namespace
	limits_back
	check_eq "nothing of IPVS is in use for them" "$refs" \
		"$(wait_until refs_are "$refs"; cat /sys/module/ip_vs/refcnt)"
	diag "gone in $((SECONDS - begin)) s"
}

refs_are()	# COUNT
{
	[[ $(</sys/module/ip_vs/refcnt) == "$1" ]]
}

need_ipvs
need setpriv unshare nsenter
need_helpers sockopt_services
[[ -e $MAX_NET ]] || ktap_skip_all "no user namespaces"
"${AS_USER[@]}" test -x "$HELPER" || ktap_skip_all "a user cannot run $HELPER"
OLD_MAX_NET=$(<"$MAX_NET")
OLD_MAX_USER=$(<"$MAX_USER")
new_namespace || ktap_skip_all "a user may make no namespaces"

ktap_plan 48
kernel_mark
ktap_at_exit limits_back
ktap_at_exit holder_down
namespace_of_user
test_sysctls
test_kthread
holder_down

if memcg_up; then
	ktap_at_exit memcg_down
	test_charge
	test_charge_scheduler
	test_limit
	test_not_charged
else
	ktap_skip_some 21 "memory is charged" "no memory controller of cgroup2"
fi
test_namespaces
check "no kernel warning" kernel_quiet
