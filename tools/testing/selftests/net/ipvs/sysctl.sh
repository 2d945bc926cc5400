#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sysctls of the estimator take what they should and read back as they
# should; what is no valid value is refused with the right error and leaves the
# old one.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_ipvs
need taskset
need_helpers write_errno
own_netns "$0" "$@"

ALL=$(<"$VS/est_cpulist")
MINE=$(task_status self Cpus_allowed_list)
LAST=$(hotplug_cpu)

ktap_plan 69

check_eq "est_cpulist is the CPUs of kthreads by default" \
	"$(task_status 2 Cpus_allowed_list)" "$ALL"
check_eq "est_nice is 0 by default" 0 "$(<"$VS/est_nice")"
check_eq "run_estimation is 1 by default" 1 "$(<"$VS/run_estimation")"

takes "$VS"/est_nice -20
takes "$VS"/est_nice $'-7\n' -7
for v in 1 19; do
	if (($(nice_max))); then
		takes "$VS"/est_nice "$v"
	else
		refuses "$VS"/est_nice "$v" EOPNOTSUPP
	fi
done
for v in 20 -21 1000 2147483648 -2147483649 99999999999999999999 abc 1x 5.5 \
	- $'\n' ' '; do
	refuses "$VS"/est_nice "$v" EINVAL
done
takes "$VS"/est_nice 0

takes "$VS"/run_estimation 0
takes "$VS"/run_estimation 1
takes "$VS"/run_estimation 2
takes "$VS"/run_estimation -1
takes "$VS"/run_estimation $'1\n' 1
for v in abc 1x 0.5 99999999999 - $'\n'; do
	refuses "$VS"/run_estimation "$v" EINVAL
done

takes "$VS"/est_cpulist 0
takes "$VS"/est_cpulist $'0\n' 0
takes "$VS"/est_cpulist $' 0 \n' 0
takes "$VS"/est_cpulist all "$MINE"
takes "$VS"/est_cpulist 0-N "$MINE"
for v in abc 1- -1 3-1 0x 0-1- 1:2 0-3:1/0 '0;1' 0.1 \
	default ',' 0-0:0/1 $'0\nabc'; do
	refuses "$VS"/est_cpulist "$v" EINVAL
done
for v in 4096 99999 0,99999 0-99999 4294967296 18446744073709551616; do
	refuses "$VS"/est_cpulist "$v" "EINVAL|ERANGE|EOVERFLOW"
done
# Some programs truncate a file so; an empty list is an empty line.
for v in est_cpulist est_nice run_estimation; do
	old=$(<"$VS/$v")
	check_eq "$v: a write of nothing succeeds and changes nothing" "0 $old" \
		"$("$TEST_DIR/write_errno" "$VS/$v" '') $(<"$VS/$v")"
done
takes "$VS"/est_cpulist ''$'\n' ''
refuses "$VS"/est_cpulist abc EINVAL

if [[ $LAST ]]; then
	takes "$VS"/est_cpulist "0,$LAST" "$([[ $LAST == 1 ]] && echo 0-1 || echo "0,$LAST")"
	takes "$VS"/est_cpulist "0-$LAST:1/$((LAST + 1))" 0
	write_value "$VS/est_cpulist" 0
	check_eq "est_cpulist is cut to the CPUs that the writer may use" \
		"0 $LAST" \
		"$(taskset -c "$LAST" "$TEST_DIR/write_errno" \
			"$VS/est_cpulist" "0-$LAST") $(<"$VS/est_cpulist")"
	check_eq "est_cpulist refuses CPUs that the writer may not use" \
		"EINVAL $LAST" \
		"$(taskset -c "$LAST" "$TEST_DIR/write_errno" \
			"$VS/est_cpulist" 0) $(<"$VS/est_cpulist")"

	back_online() { set_online "$LAST" 1; }
	ktap_at_exit back_online
	write_value "$VS/est_cpulist" 0
	set_online "$LAST" 0
	refuses "$VS"/est_cpulist "$LAST" EINVAL
	takes "$VS"/est_cpulist "0,$LAST" "$([[ $LAST == 1 ]] && echo 0-1 || echo "0,$LAST")"
	set_online "$LAST" 1
else
	for v in "a list" "groups of a list" "a list cut" "forbidden CPUs" "an offline CPU" \
		"an online and an offline CPU"; do
		ktap_skip "est_cpulist: $v" "there is one CPU only"
	done
fi

# Programs of old write one value after the other, where that is allowed.
STRICT=/proc/sys/kernel/sysctl_writes_strict
strict=$(<"$STRICT")
strict_again() { echo "$strict" >"$STRICT"; }
ktap_at_exit strict_again
write_twice() { { echo 0; echo 1; } >"$VS/run_estimation"; }
echo 1 >"$STRICT"
write_twice
check_eq "the second of two writes is ignored" 0 "$(<"$VS/run_estimation")"
echo -1 >"$STRICT"
write_twice
check_eq "unless kernel.sysctl_writes_strict allows it" 1 "$(<"$VS/run_estimation")"
