#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rates are within 10 % of what is sent after 20 s of steady traffic, of
# services, servers and the namespace; they read 0 while estimation is off, and
# neither switching it on again nor zeroing the counters makes them higher than
# what is sent.  Counters are exact all along.
#
# Environment: IPVS_TEST_RATE=200 packets a second, IPVS_TEST_STEADY=20 seconds
# of traffic before rates are looked at.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=floods.sh
. "$(dirname "$0")/floods.sh"

RATE=${IPVS_TEST_RATE:-200}
STEADY=${IPVS_TEST_STEADY:-20}
# Seconds that rates are watched after a switch
WATCH=5
SIZE=100
CONN_RATE=$((RATE / 4))

need_ipvs
need_helpers echo_server udp_flood

VS_WRITER=(in_director)

# Rates of a service: cps inpps outpps inbps outbps.
bytes_at() { echo $(($1 * (SIZE + 8 + HEADER[$2]))); }

NAT=(-u "${VIP[4]}:53")
NAT6=(-u "[${VIP[6]}]:53")
DIRECT=(-u "${VIP[4]}:54")
CONNS=(-u "${VIP[4]}:55")

want_nat="0 $RATE $RATE $(bytes_at "$RATE" 4) $(bytes_at "$RATE" 4)"
want_nat6="0 $RATE $RATE $(bytes_at "$RATE" 6) $(bytes_at "$RATE" 6)"
want_direct="0 $RATE 0 $(bytes_at "$RATE" 4) 0"
want_conns="$CONN_RATE $CONN_RATE 0 $(bytes_at "$CONN_RATE" 4) 0"
want_total=$(add_counters "$want_nat" "$want_nat6" "$want_direct" "$want_conns")

check_rates()	# NAME WANTED FOUND
{
	diag "$1: wanted $2, found $3"
	check "$1 within $PERCENT %" within "$PERCENT" "$2" "$3"
}

# No rate is higher than what is sent, for some seconds; and estimation works,
# as the rates are there in the end.
no_spike()
{
	local end=$((SECONDS + WATCH)) found='' n=0

	while ((SECONDS < end || n < 5)); do
		found=$(total_rates "$DIRECTOR")
		not_above "$PERCENT" "$want_total" "$found" || {
			diag "wanted at most $want_total, found $found"
			return 1
		}
		found=$(service_rates "$DIRECTOR" "${NAT[@]}")
		not_above "$PERCENT" "$want_nat" "$found" || {
			diag "wanted at most $want_nat, found $found"
			return 1
		}
		n=$((n + 1))
		sleep 0.2
	done
	diag "$n looks, at last $found"
	wait_until rates_there
}

rates_there()
{
	[[ $(total_rates "$DIRECTOR") =~ [1-9] ]]
}

# SENT datagrams and not one more have been counted.
check_sent()	# NAME PORT ANSWERED CONNS SERVICE...
{
	local name=$1 answered=$2 conns=$3 v=4 sent bytes

	shift 3
	[[ $2 != \[* ]] || v=6
	sent=$(flood_sent "$name")
	bytes=$(bytes_at "$sent" "$v")
	if [[ $conns == each ]]; then
		conns=$sent
	fi
	check_eq "$name: counters are what was sent ($sent)" \
		"$conns $sent $((answered * sent)) $bytes $((answered * bytes))" \
		"$(service_counters "$DIRECTOR" "$@")"
}

ktap_plan 26
topology_up
ktap_at_exit flood_end
kernel_mark
topology_serve 7
topology_serve -q 54
topology_serve -q 9

in_director ipvsadm -A "${NAT[@]}" -s rr
in_director ipvsadm -a "${NAT[@]}" -r "${SERVER1_IP[4]}:7" -m
in_director ipvsadm -A "${NAT6[@]}" -s rr
in_director ipvsadm -a "${NAT6[@]}" -r "[${SERVER2_IP[6]}]:7" -m
in_director ipvsadm -A "${DIRECT[@]}" -s rr
in_director ipvsadm -a "${DIRECT[@]}" -r "${SERVER1_IP[4]}:54" -g
topology_service 4 -m 9 "${CONNS[@]}"
check_eq "rates are 0 before traffic" "0 0 0 0 0" "$(total_rates "$DIRECTOR")"

flood_udp nat 4 53 "$RATE" -s "$SIZE" -p 10000
flood_udp nat6 6 53 "$RATE" -s "$SIZE" -p 10001
flood_udp direct 4 54 "$RATE" -s "$SIZE" -p 10002
flood_udp conns 4 55 "$CONN_RATE" -s "$SIZE" -c -p 12000
# A period more, as the first one has been in part without traffic.
sleep $((STEADY + 2))

check_rates "NAT" "$want_nat" "$(service_rates "$DIRECTOR" "${NAT[@]}")"
check_rates "IPv6 NAT" "$want_nat6" "$(service_rates "$DIRECTOR" "${NAT6[@]}")"
check_rates "DR" "$want_direct" "$(service_rates "$DIRECTOR" "${DIRECT[@]}")"
check_rates "connections" "$want_conns" \
	"$(service_rates "$DIRECTOR" "${CONNS[@]}")"
check_rates "NAT server" "$want_nat" "$(servers_rates "$DIRECTOR" "${NAT[@]}")"
check_rates "two servers" "$want_conns" \
	"$(servers_rates "$DIRECTOR" "${CONNS[@]}")"
check_rates "total" "$want_total" "$(total_rates "$DIRECTOR")"

set_vs run_estimation 0
check_eq "off: rates of a service are 0 at once" "0 0 0 0 0" \
	"$(service_rates "$DIRECTOR" "${NAT[@]}")"
check_eq "off: rates of a server are 0" "0 0 0 0 0" \
	"$(servers_rates "$DIRECTOR" "${NAT[@]}")"
check_eq "off: rates of the total are 0" "0 0 0 0 0" \
	"$(total_rates "$DIRECTOR")"
read -r _ before _ <<<"$(service_counters "$DIRECTOR" "${NAT[@]}")"
sleep 5
read -r _ after _ <<<"$(service_counters "$DIRECTOR" "${NAT[@]}")"
check "off: counters go on" test "$after" -gt "$before"
check_eq "off: rates stay 0" "0 0 0 0 0" "$(total_rates "$DIRECTOR")"
set_vs run_estimation 1
check "on again: no rate above what is sent" no_spike

set_vs est_cpulist ''
check_eq "an empty est_cpulist: rates are 0" "0 0 0 0 0" \
	"$(total_rates "$DIRECTOR")"
sleep 3
set_vs est_cpulist 0
check "a list again: no rate above what is sent" no_spike

flood_stop
counters_settle "$DIRECTOR"
check_sent nat 1 1 "${NAT[@]}"
check_sent nat6 1 1 "${NAT6[@]}"
check_sent direct 0 1 "${DIRECT[@]}"
check_sent conns 0 each "${CONNS[@]}"

flood_udp nat 4 53 "$RATE" -s "$SIZE" -p 10003
sleep 3
in_director ipvsadm -Z
check "-Z: no rate above what is sent" no_spike
flood_stop
counters_settle "$DIRECTOR"
in_director ipvsadm -Z
check_eq "-Z: rates are 0 at once" "0 0 0 0 0" "$(total_rates "$DIRECTOR")"
check_eq "-Z: rates of a service are 0 at once" "0 0 0 0 0" \
	"$(service_rates "$DIRECTOR" "${NAT[@]}")"
check_eq "-Z: counters are 0 at once" "0 0 0 0 0" \
	"$(service_counters "$DIRECTOR" "${NAT[@]}")"
sleep 5
check_eq "-Z: rates stay 0 without traffic" "0 0 0 0 0" \
	"$(total_rates "$DIRECTOR")"
check "no kernel warning" kernel_quiet
