# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Functions of the kernel that fail, by the module est_fault, and the service of a
# namespace that sends to itself, whose rates are to come up all the same.

FAULT=$TEST_DIR/est_fault/est_fault.ko
FAULT_NOW=/sys/module/est_fault/parameters

need_fault()
{
	[[ -f $FAULT ]] || ktap_skip_all "est_fault.ko is not built"
}

# The next calls of a function fail, so many; the module's other parameters say in
# which tasks, and after how many that do not.
function_fails()	# FUNCTION TIMES VALUE [PARAMETER=VALUE...]
{
	insmod "$FAULT" func="$1" times="$2" value="$3" "${@:4}"
}

functions_work()
{
	[[ ! -e $FAULT_NOW ]] || rmmod est_fault
}

# All calls that were to fail have done so.
function_failed()
{
	(($(<$FAULT_NOW/hits) == $(<$FAULT_NOW/times)))
}

# --- A service that has traffic ----------------------------------------------

UDP=(-u 192.0.2.1:5000)

local_up()
{
	ip link set lo up
	ip addr add 192.0.2.1/32 dev lo
}

local_service()
{
	printf '%s\n' "-A ${UDP[*]} -s rr" \
		"-a ${UDP[*]} -r 192.0.2.1:5000 -g" | ipvsadm -R
}

local_flood()
{
	LOCAL_SERVER=$("$TEST_DIR/echo_server" -q 192.0.2.1 5000)
	"$TEST_DIR/udp_flood" -r 200 192.0.2.1 5000 >/dev/null 2>&1 &
	LOCAL_FLOOD=$!
}

local_flood_stop()
{
	kill "$LOCAL_FLOOD" "$LOCAL_SERVER"
	wait "$LOCAL_FLOOD" || true
}
