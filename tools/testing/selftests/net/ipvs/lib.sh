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
# shellcheck source=lib-counters.sh
. "$TEST_DIR/lib-counters.sh"
# shellcheck source=lib-tasks.sh
. "$TEST_DIR/lib-tasks.sh"

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

# For values that are taken: nobody looks at the error.
write_value()	# FILE VALUE
{
	"$TEST_DIR/write_errno" "$1" "$2" >/dev/null
}

# Commands before what writes a sysctl, if that is not the script itself: in which
# namespace, on which CPUs.
VS_WRITER=()

set_vs()	# SYSCTL VALUE
{
	if ((${#VS_WRITER[@]} == 0)); then
		echo "$2" >"$VS/$1"
	else
		# shellcheck disable=SC2016  # for the inner shell
		"${VS_WRITER[@]}" bash -c 'echo "$2" >"$1"' - "$VS/$1" "$2"
	fi
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

# --- Time --------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Until the command succeeds; fails after IPVS_TEST_WAIT seconds.
wait_until()	# COMMAND...
{
	local end=$((SECONDS + IPVS_TEST_WAIT))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
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

cpus_online()
{
	grep -c '^processor' /proc/cpuinfo
}

# With those that are offline
cpus_present()
{
	grep -c . <(printf '%s\n' /sys/devices/system/cpu/cpu[0-9]*)
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

# It gets back to what it was, but for what the bound allows.
check_percpu_below()	# NAME KB_BEFORE KB_BOUND
{
	check "$1" wait_until percpu_below "$3"
	diag "Percpu: $2 kB before, $(percpu_settled) kB after, bound $3 kB"
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
