#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module's parameters are what new network namespaces begin with, those of
# users too, and nothing to those that exist.  They come with a reload of the
# module, from its command line and from modprobe.d, and are checked as the
# sysctls are.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=users.sh
. "$(dirname "$0")/users.sh"

PARAMS=/sys/module/ip_vs/parameters
UNSET="1 0 default"

need_ipvs
need taskset unshare nsenter setpriv
need_helpers write_errno sockopt_services
need_ipvs_module

OLD=$$-old
LAST=$(hotplug_cpu)
LAST=${LAST:-0}

# --- What is there -----------------------------------------------------------

# run_estimation, est_nice and est_cpulist, an empty list as '-'.
values()	# DIRECTORY [COMMAND_PREFIX...]
{
	local dir=$1 f out=() v

	shift
	for f in run_estimation est_nice est_cpulist; do
		v=$("$@" cat "$dir/$f")
		out+=("${v:--}")
	done
	echo "${out[@]}"
}

params() { values $PARAMS env; }

# Of a namespace made for it
new_sysctls() { values $VS unshare --net; }

# What the machine's own modprobe.d says does not count
load() { modprobe -q -C "$dir/none" "$@" ip_vs && modprobe -q ip_vs_rr; }

load_with()	# PARAMETER=VALUE...
{
	modprobe -C "$dir/none" ip_vs "$@" 2>/dev/null && modprobe -q ip_vs_rr
}

reload_with()	# PARAMETER=VALUE...
{
	wait_until ipvs_unload && load_with "$@"
}

load_refused()	# PARAMETER=VALUE
{
	! modprobe -C "$dir/none" ip_vs "$1" 2>/dev/null && [[ ! -e /sys/module/ip_vs ]]
}

# --- A namespace of a user ---------------------------------------------------

holder_service()
{
	in_holder "$TEST_DIR/sockopt_services" add 0 1 >/dev/null
}

# Its tasks have this nice value and these CPUs
holder_tasks()	# NICE CPUS
{
	tasks_nice '*' "$1" && tasks_on '*' "$2"
}

# Nothing is estimated but in that namespace, so every task is its own
test_user()
{
	reload_with run_estimation=0 || diag "not loaded"
	holder_start "${AS_USER[@]}" unshare -Ur -n
	holder_service || diag "no service"
	sleep 2
	check_eq "a user's namespace begins with run_estimation=0" "" \
		"$(est_tasks)"
	holder_down

	write_value $PARAMS/run_estimation 1
	write_value $PARAMS/est_nice -5
	write_value $PARAMS/est_cpulist "$LAST"
	holder_start "${AS_USER[@]}" unshare -Ur -n
	holder_service || diag "no service"
	check "or with est_nice and est_cpulist" \
		wait_until holder_tasks -5 "$LAST"
	holder_down
	wait_until no_tasks '*' || diag "left: $(est_tasks)"
}

# --- Writing -----------------------------------------------------------------

test_written()
{
	local v

	takes $PARAMS/run_estimation 0
	takes $PARAMS/run_estimation $'-7\n' -7
	for v in $'\n' abc 1x 0.5 99999999999; do
		refuses $PARAMS/run_estimation "$v" EINVAL
	done
	takes $PARAMS/est_nice -20
	if (($(nice_max))); then
		takes $PARAMS/est_nice 19
	else
		refuses $PARAMS/est_nice 19 EOPNOTSUPP
	fi
	for v in $'\n' 20 -21 abc 5.5 99999999999; do
		refuses $PARAMS/est_nice "$v" EINVAL
	done
	takes $PARAMS/est_nice -3

	takes $PARAMS/est_cpulist $'all\n' \
		"$(task_status self Cpus_allowed_list)"
	takes $PARAMS/est_cpulist default
	takes $PARAMS/est_cpulist $'\n' ''
	takes $PARAMS/est_cpulist "$LAST"
	for v in abc defaults ',' 1- 3-1 0-0:0/1; do
		refuses $PARAMS/est_cpulist "$v" EINVAL
	done
	for v in 4096 0,99999 4294967296; do
		refuses $PARAMS/est_cpulist "$v" "EINVAL|ERANGE|EOVERFLOW"
	done
}

# The list of the parameter, LAST, is not that of the namespace
test_namespaces()
{
	check_eq "a new namespace begins with what was written" \
		"-7 -3 $LAST" "$(new_sysctls)"
	check_eq "one that was there has what it had" "1 0 $DEFAULT" \
		"$(values $VS ip netns exec "$OLD")"
	check_eq "so has the first" "1 0 $DEFAULT" "$(values $VS env)"
	write_value $PARAMS/est_cpulist $'\n'
	check_eq "with no CPU, if that was written" "-7 -3 -" "$(new_sysctls)"
	write_value $PARAMS/est_cpulist default
	check_eq "with the default CPUs of the machine" \
		"-7 -3 $DEFAULT" "$(new_sysctls)"
}

# A list is cut to the CPUs of a writer who is bound to some, but not to those
# of whoever happens to load the module.
test_cut()
{
	local v

	if [[ $LAST == 0 ]]; then
		for v in cut refused "not cut"; do
			ktap_skip "a list is $v" "there is one CPU only"
		done
		return
	fi
	taskset -c "$LAST" "$TEST_DIR/write_errno" $PARAMS/est_cpulist \
		"0-$LAST" >/dev/null
	check_eq "est_cpulist is cut to the CPUs that the writer may use" \
		"$LAST" "$(<$PARAMS/est_cpulist)"
	check_eq "it refuses those that the writer may not use" \
		"EINVAL $LAST" \
		"$(taskset -c "$LAST" "$TEST_DIR/write_errno" \
			$PARAMS/est_cpulist 0) $(<$PARAMS/est_cpulist)"
	ipvs_unload
	taskset -c "$LAST" modprobe -C "$dir/none" ip_vs est_cpulist=0 || true
	check_eq "who loads the module writes nothing" 0 \
		"$(<$PARAMS/est_cpulist)"
}

# --- Loading -----------------------------------------------------------------

test_loaded()
{
	local v

	check "it is loaded with parameters" \
		reload_with run_estimation=0 est_nice=-5 est_cpulist="$LAST"
	check_eq "they are there" "0 -5 $LAST" "$(params)"
	check_eq "the first namespace has them" "0 -5 $LAST" "$(values $VS env)"
	check_eq "so has a new one" "0 -5 $LAST" "$(new_sysctls)"
	check_eq "without any it is as it was" "$UNSET" \
		"$(reload_with; params)"

	mkdir "$dir/modprobe.d"
	echo "options ip_vs run_estimation=0 est_nice=-9 est_cpulist=$LAST" \
		>"$dir/modprobe.d/ipvs.conf"
	for v in 1 2; do
		ipvs_unload
		load -C "$dir/modprobe.d" || true
		check_eq "modprobe.d holds, time $v" "0 -9 $LAST" "$(params)"
	done

	ipvs_unload
	for v in run_estimation=abc est_nice=20 est_nice=abc est_cpulist=abc \
		est_cpulist=4096 est_cpulist=1- est_cpulist; do
		check "it is not loaded with $v" load_refused "$v"
	done
	if (($(nice_max))); then
		check "it is loaded with est_nice=19" load_with est_nice=19
	else
		check "it is not loaded with est_nice=1" load_refused est_nice=1
	fi
	check "with an empty list there is no CPU" empty_list
	check "default is no list" reload_with est_cpulist=default
	check_eq "as if nothing were said" "$UNSET" "$(params)"
}

empty_list()
{
	reload_with est_cpulist= && [[ $(params) == "1 0 -" ]]
}

clean_up()
{
	holder_down
	ip netns del "$OLD" 2>/dev/null
	rm -rf "$dir"
	wait_until ipvs_unload
	modprobe -q ip_vs
}

ktap_plan 60
dir=$(mktemp -d)
mkdir "$dir/none"
ktap_at_exit clean_up
kernel_mark
reload_with || true
DEFAULT=$(<"$VS/est_cpulist")
check_eq "nothing is said by default" "$UNSET" "$(params)"
check_eq "the parameters are root's to write" "644 644 644" \
	"$(stat -c %a $PARAMS/{run_estimation,est_nice,est_cpulist} | xargs)"
ip netns add "$OLD"
test_written
test_namespaces
ip netns del "$OLD"
test_loaded
test_cut
if new_namespace; then
	test_user
else
	for v in run_estimation "est_nice and est_cpulist"; do
		ktap_skip "a user's namespace: $v" "a user may make none"
	done
fi
check "no kernel warning" kernel_quiet
