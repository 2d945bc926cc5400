# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the IPVS tests share: namespaces, counters, rates and kthreads.
#
# Environment of all tests:
#	IPVS_TEST_WAIT=60	seconds that anything may take which is waited
#				for; more on a kernel full of debug options
#	IPVS_TEST_PERCENT=10	that rates may be off by, which are as even as
#				those who send and answer
#	IPVS_TEST_STOCK=3	for comparison with a stock kernel: do not ask
#				for est_cpulist, and wait so many seconds before
#				counters are read, as it shows old ones

IPVS_TEST_WAIT=${IPVS_TEST_WAIT:-60}
# shellcheck disable=SC2034  # of those that source this
PERCENT=${IPVS_TEST_PERCENT:-10}
VS=/proc/sys/net/ipv4/vs
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=ktap.sh
. "$TEST_DIR/ktap.sh"

# --- Prerequisites -----------------------------------------------------------

need()	# COMMAND...
{
	local cmd

	for cmd in "$@"; do
		command -v "$cmd" >/dev/null || ktap_skip_all "no $cmd"
	done
}

need_helpers()	# NAME...
{
	local name

	for name in "$@"; do
		[[ -x $TEST_DIR/$name ]] || ktap_skip_all "$name is not built"
	done
}

need_ipvs()
{
	((EUID == 0)) || ktap_skip_all "not root"
	need ip ipvsadm awk
	[[ -d $VS ]] || modprobe -q ip_vs || ktap_skip_all "no IPVS"
	modprobe -q ip_vs_rr || true
	[[ -e $VS/est_cpulist || ${IPVS_TEST_STOCK:-} ]] ||
		ktap_skip_all "IPVS without est_cpulist"
}

# The rest of the script in a network namespace of its own, which ends with it.
own_netns()	# "$0" "$@"
{
	need unshare
	if [[ ${IPVS_TEST_NETNS:-} != "$1" ]]; then
		IPVS_TEST_NETNS=$1 exec unshare --net "$@"
	fi
	ip link set lo up
}

# --- Writing values ----------------------------------------------------------

# Prints how the write ended, 0 or the error, and what the file holds then.
write_and_read()	# FILE VALUE
{
	echo "$("$TEST_DIR/write_errno" "$1" "$2") $(<"$1")"
}

value_name()	# VERB FILE VALUE
{
	echo "${2##*/} $1 '${3//[$'\n\t']/ }'"
}

# Written without an error, it reads back like this.
takes()	# FILE VALUE [READS]
{
	check_eq "$(value_name takes "$1" "$2")" "0 ${3-$2}" \
		"$(write_and_read "$1" "$2")"
}

# Refused with one of these errors, and the old value is still there.
refuses()	# FILE VALUE ERROR[|ERROR]
{
	local old err now

	old=$(<"$1")
	read -r err now <<<"$(write_and_read "$1" "$2")"
	if [[ "|$3|" == *"|$err|"* && $now == "$old" ]]; then
		ktap_pass "$(value_name refuses "$1" "$2")"
	else
		diag "wanted $3 and '$old', found $err and '$now'"
		ktap_fail "$(value_name refuses "$1" "$2")"
	fi
}

# --- Waiting -----------------------------------------------------------------

# Until the command succeeds; fails after IPVS_TEST_WAIT seconds.
wait_until()	# COMMAND...
{
	local end=$((SECONDS + IPVS_TEST_WAIT))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# --- Reading counters and rates ----------------------------------------------
#
# In this order: connections, packets in, packets out, bytes in, bytes out.
# SERVICE is '-t ADDR:PORT', '-u ADDR:PORT' or '-f MARK [-6]'.

table_service()
{
	awk '$1 ~ /^(TCP|UDP|SCTP|FWM)$/ {
		print $(NF-4), $(NF-3), $(NF-2), $(NF-1), $NF }'
}

# The sum of all servers that are listed.
table_servers()
{
	awk '$1 == "->" && $NF ~ /^[0-9]+$/ {
			for (i = 0; i < 5; i++)
				sum[i] += $(NF - i)
		}
		END {
			printf "%d %d %d %d %d\n", sum[4], sum[3], sum[2],
				sum[1], sum[0]
		}'
}

# Each server's, in the order of numbers: no matter which is the first.
table_each_server()
{
	awk '$1 == "->" && $NF ~ /^[0-9]+$/ {
		print $(NF-4), $(NF-3), $(NF-2), $(NF-1), $NF }' | sort -n | xargs
}

stock_wait()
{
	[[ ! ${IPVS_TEST_STOCK:-} ]] || sleep "$IPVS_TEST_STOCK"
}

list_counters()	# NETNS SERVICE...
{
	local ns=$1

	shift
	stock_wait
	ip netns exec "$ns" ipvsadm -Ln --stats --exact "$@"
}

service_counters()	# NETNS SERVICE...
{
	list_counters "$@" | table_service
}

servers_counters()	# NETNS SERVICE...
{
	list_counters "$@" | table_servers
}

service_rates()	# NETNS SERVICE...
{
	local ns=$1

	shift
	ip netns exec "$ns" ipvsadm -Ln --rate --exact "$@" | table_service
}

servers_rates()	# NETNS SERVICE...
{
	local ns=$1

	shift
	ip netns exec "$ns" ipvsadm -Ln --rate --exact "$@" | table_servers
}

decimal()	# HEX...
{
	local out=() v

	for v in "$@"; do
		out+=($((16#$v)))
	done
	echo "${out[@]}"
}

# Of all services of a namespace, from /proc/net/ip_vs_stats.
total_counters()	# NETNS
{
	stock_wait
	# shellcheck disable=SC2046  # words are wanted
	decimal $(ip netns exec "$1" sed -n 3p /proc/net/ip_vs_stats)
}

total_rates()	# NETNS
{
	# shellcheck disable=SC2046
	decimal $(ip netns exec "$1" sed -n 6p /proc/net/ip_vs_stats)
}

# The '~' line of /proc/net/ip_vs_stats_percpu.
percpu_total()	# NETNS
{
	# shellcheck disable=SC2046
	decimal $(ip netns exec "$1" sed -n 's/^ *~ //p' \
		/proc/net/ip_vs_stats_percpu | head -n 1)
}

# The sum of its lines for each CPU.
percpu_sum()	# NETNS
{
	local sum=(0 0 0 0 0) cpu line i

	while read -r cpu line; do
		[[ $cpu =~ ^[0-9A-F]+$ ]] || continue
		# shellcheck disable=SC2086
		read -r -a line <<<"$(decimal $line)"
		for i in 0 1 2 3 4; do
			sum[i]=$((sum[i] + line[i]))
		done
	done < <(ip netns exec "$1" cat /proc/net/ip_vs_stats_percpu |
		awk '$1 == "~" { exit } NR > 2')
	echo "${sum[@]}"
}

# Waits until nothing is under way any more: the total has not changed for 0.5 s.
counters_settle()	# NETNS
{
	local last='' now i

	for ((i = 0; i < IPVS_TEST_WAIT; i++)); do
		now=$(total_counters "$1")
		[[ $now != "$last" ]] || return 0
		last=$now
		sleep 0.5
	done
	return 1
}

add_counters()	# "5 NUMBERS"...
{
	local sum=(0 0 0 0 0) one i

	for one in "$@"; do
		read -r -a one <<<"$one"
		for i in 0 1 2 3 4; do
			sum[i]=$((sum[i] + one[i]))
		done
	done
	echo "${sum[@]}"
}

# Each of the numbers is within so many percent of its like.
within()	# PERCENT "WANTED..." "FOUND..."
{
	local percent=$1 wanted found i

	read -r -a wanted <<<"$2"
	read -r -a found <<<"$3"
	((${#wanted[@]} && ${#wanted[@]} == ${#found[@]})) || return 1
	for ((i = 0; i < ${#wanted[@]}; i++)); do
		((found[i] * 100 >= wanted[i] * (100 - percent) &&
		  found[i] * 100 <= wanted[i] * (100 + percent))) || return 1
	done
}

# None of the numbers is more than so many percent above its like.
not_above()	# PERCENT "LIMIT..." "FOUND..."
{
	local percent=$1 limit found i

	read -r -a limit <<<"$2"
	read -r -a found <<<"$3"
	((${#limit[@]} && ${#limit[@]} == ${#found[@]})) || return 1
	for ((i = 0; i < ${#limit[@]}; i++)); do
		((found[i] * 100 <= limit[i] * (100 + percent))) || return 1
	done
}

# --- Kthreads ----------------------------------------------------------------
#
# They are called ipvs-e:NETNS:CONTEXT.  NETNS is a number that IPVS gives to
# namespaces; here it is called the id.

# 'PID NAME' of each kthread: all, or those of one namespace.
est_tasks()	# [ID]
{
	local dir name

	for dir in /proc/[0-9]*; do
		# Only kernel threads have an empty command line and this name
		name=''
		read -r name 2>/dev/null <"$dir/comm" || continue
		[[ $name == ipvs-e:${1:-*}:* ]] || continue
		echo "${dir#/proc/} $name"
	done
}

est_pids()	# [ID]
{
	est_tasks "$@" | cut -d ' ' -f 1
}

none_of()	# PID...
{
	local pid

	for pid in "$@"; do
		[[ ! -e /proc/$pid ]] || return 1
	done
}

# A list of CPUs that is written gets new tasks: waits until the old ones are no
# more.  The test's set_vs writes it.
write_cpulist()	# LIST
{
	local pids

	mapfile -t pids < <(est_pids "$EST_ID")
	set_vs est_cpulist "$1"
	wait_until none_of "${pids[@]}" || diag "an old task is left"
}

est_count()	# [ID]
{
	est_tasks "$@" | wc -l
}

est_ids()
{
	est_tasks | cut -d : -f 2 | sort -u
}

ids_are()	# "IDS"
{
	[[ $(est_ids) == "$1" ]]
}

est_new_ids()	# "OLD_IDS"
{
	est_ids | grep -vxF -f <(echo "$1") || true
}

# Sets EST_ID: the id of a namespace without services, found by adding one.
est_find_id()	# COMMAND_PREFIX...
{
	local before

	before=$(est_ids)
	"$@" ipvsadm -A -f 99 -s rr
	wait_until est_has_new_id "$before" || true
	EST_ID=$(est_new_ids "$before")
	"$@" ipvsadm -D -f 99
	[[ $EST_ID =~ ^[0-9]+$ ]]
}

est_has_new_id()	# "OLD_IDS"
{
	[[ $(est_new_ids "$1") ]]
}

tasks_run()	# ID
{
	(($(est_count "$1") > 0))
}

no_tasks()	# ID
{
	(($(est_count "$1") == 0))
}

task_status()	# PID FIELD
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" 2>/dev/null
}

task_nice()	# PID
{
	local stat

	read -r stat <"/proc/$1/stat" || return 1
	# Behind the name, which may contain anything
	read -r -a stat <<<"${stat##*) }"
	echo "${stat[16]}"
}

# There are tasks, and all of them may use exactly these CPUs.
tasks_on()	# ID CPULIST
{
	local pid pids

	pids=$(est_pids "$1")
	[[ $pids ]] || return 1
	for pid in $pids; do
		[[ $(task_status "$pid" Cpus_allowed_list) == "$2" ]] || return 1
	done
}

tasks_nice()	# ID NICE
{
	local pid pids

	pids=$(est_pids "$1")
	[[ $pids ]] || return 1
	for pid in $pids; do
		[[ $(task_nice "$pid") == "$2" ]] || return 1
	done
}

# --- The machine -------------------------------------------------------------

# The greatest est_nice: a kernel with PREEMPT_RT refuses what is above 0.
nice_max()
{
	if grep -w PREEMPT_RT /proc/version >/dev/null; then
		echo 0
	else
		echo 19
	fi
}

# IPVS can be removed and loaded by a test.
need_ipvs_module()
{
	need rmmod modprobe
	[[ -e /sys/module/ip_vs/refcnt ]] || ktap_skip_all "ip_vs is no module"
	[[ ! $(est_ids) ]] || ktap_skip_all "IPVS is in use"
}

# All modules of IPVS and those that use it, until none is left.
ipvs_unload()
{
	local m n

	for ((n = 0; n < 5; n++)); do
		for m in xt_ipvs $(cut -d ' ' -f 1 /proc/modules | grep '^ip_vs_') ip_vs; do
			[[ ! -e /sys/module/$m ]] || rmmod "$m" 2>/dev/null || true
		done
		[[ -e /sys/module/ip_vs ]] || return 0
	done
	return 1
}

# A CPU that can be taken offline, the highest one; empty if there is none.
hotplug_cpu()
{
	local dir

	for dir in $(printf '%s\n' /sys/devices/system/cpu/cpu[0-9]* | sort -rV); do
		if [[ -w $dir/online && ${dir##*/} != cpu0 ]] &&
		   [[ $(<"$dir/online") == 1 ]]; then
			echo "${dir##*/cpu}"
			return
		fi
	done
}

set_online()	# CPU 0|1
{
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online"
}

# kB of per-CPU memory.
percpu_kb()
{
	awk '$1 == "Percpu:" { print $2 }' /proc/meminfo
}

# Waits until it has not changed for 3 s, and prints it.
percpu_settled()
{
	local end=$((SECONDS + IPVS_TEST_WAIT)) last now same=0

	last=$(percpu_kb)
	while ((same < 6 && SECONDS < end)); do
		sleep 0.5
		now=$(percpu_kb)
		if ((now == last)); then
			same=$((same + 1))
		else
			same=0
		fi
		last=$now
	done
	echo "$last"
}

percpu_below()	# KB
{
	(($(percpu_kb) <= $1))
}

KERNEL_TROUBLE='WARNING: |BUG: |Oops: |general protection|refcount_t: |UBSAN: '
KERNEL_TROUBLE+='|INFO: task .* blocked|IPVS: .*cannot'

# Marks a place in the kernel log, for kernel_quiet.
kernel_mark()
{
	KERNEL_MARK="ipvs selftest $(basename "$0") $$ $RANDOM"
	echo "$KERNEL_MARK" >/dev/kmsg
}

# What the kernel has said since kernel_mark.
log_since_mark()
{
	dmesg | awk -v mark="$KERNEL_MARK" '
		index($0, mark)	{ text = ""; next }
				{ text = text $0 "\n" }
		END		{ printf "%s", text }'
}

# The kernel has warned of nothing since kernel_mark.  Lockups and stalls of a
# guest only say that its host gave it no time; and data races of the kernel
# around it are not judged here, but by who reads the whole log.
kernel_quiet()
{
	local found

	found=$(log_since_mark | grep -E "$KERNEL_TROUBLE" |
		grep -v -e 'soft lockup' -e 'BUG: KCSAN') || true
	[[ ! $found ]] || diag "$found"
	[[ ! $found ]]
}

# --- Tables of services ------------------------------------------------------

# Rules for ipvsadm -R: services 10.PREFIX.x.y:80.
many_services()	# COUNT [PREFIX]
{
	awk -v n="$1" -v p="${2:-200}" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "-A -t 10.%d.%d.%d:80 -s rr\n", p + int(i / 62500),
				int(i / 250) % 250, i % 250 + 1
	}'
}

# Without listing them, which takes long when there are many.
count_services()
{
	grep -c '^\(TCP\|UDP\|FWM\) ' /proc/net/ip_vs || true
}
