#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counters are exact at each read, after real traffic: TCP and UDP, IPv4 and
# IPv6, NAT and direct routing, services by address and by firewall mark.
#
# They are compared with the number of connections made, with counters of
# iptables on the same packets, and, for UDP, with what was sent.
#
# Environment: IPVS_TEST_CONNS=20 connections for each service.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"

CONNS=${IPVS_TEST_CONNS:-20}
SIZE=333
BYTES=5000
SERVER_PORT=7
SERVICES=()

need_ipvs
need_helpers echo_server tcp_client udp_flood

# Makes CONNS connections through a service.  Not from the ports of another one:
# answers of a server's one port belong to a client's port.
traffic()	# VERSION PROTOCOL PORT
{
	local from=$((20000 + $3 % 1000 * CONNS))

	if [[ $2 == tcp ]]; then
		in_client "$TEST_DIR/tcp_client" -n "$CONNS" -s "$BYTES" \
			"${VIP[$1]}" "$3"
	else
		send_echoed "$1" "$3" "$CONNS" -s "$SIZE" -c -p "$from"
	fi
}

# What iptables has counted, as IPVS would.
rules_counters()	# VERSION PORT CONNS
{
	local in out

	read -r -a in <<<"$(rule_read "$DIRECTOR" "$1" "in-$2")"
	read -r -a out <<<"$(rule_read "$DIRECTOR" "$1" "out-$2")"
	echo "$3 ${in[0]} ${out[0]} ${in[1]} ${out[1]}"
}

# Three tests for each service.
test_service()	# VERSION PROTOCOL METHOD PORT SERVICE...
{
	local v=$1 proto=$2 method=$3 port=$4 name known rules found

	shift 4
	name="IPv$v $proto ${method/-m/NAT}"
	name="${name/-g/DR}${1/#-[tu]}"
	name=${name/-f/ fwmark}
	SERVICES+=("$*")

	# A directly routed packet keeps its port.
	topology_service "$v" "$method" "$([[ $method == -m ]] &&
		echo "$SERVER_PORT" || echo "$port")" "$@"
	rule_add "$DIRECTOR" "$v" "in-$port" PREROUTING \
		-d "${VIP[v]}" -p "$proto" --dport "$port"
	rule_add "$DIRECTOR" "$v" "out-$port" POSTROUTING \
		-s "${VIP[v]}" -p "$proto" --sport "$port"

	if ! traffic "$v" "$proto" "$port"; then
		diag "no answer to traffic"
	fi
	# The last ACK of TCP, while UDP has waited for all answers.
	[[ $proto == udp ]] || rules_settle "$DIRECTOR" "$v"
	rules=$(rules_counters "$v" "$port" "$CONNS")
	found=$(service_counters "$DIRECTOR" "$@")
	check_eq "$name: service as iptables has counted" "$rules" "$found"
	check_eq "$name: servers as the service" "$found" \
		"$(servers_counters "$DIRECTOR" "$@")"

	known=$((CONNS * (SIZE + 8 + HEADER[v])))
	if [[ $proto == udp && $method == -m ]]; then
		check_eq "$name: as sent" "$CONNS $CONNS $CONNS $known $known" \
			"$found"
	elif [[ $proto == udp ]]; then
		check_eq "$name: as sent" "$CONNS $CONNS 0 $known 0" "$found"
	else
		# SYN, ACK of SYN-ACK, data, FIN at least; no packet without
		# a header.
		read -r -a found <<<"$found"
		check "$name: at least what was sent" test \
			"$((found[1] >= 4 * CONNS &&
			    found[3] >= CONNS * (BYTES + 4 * (HEADER[v] + 20))))" = 1
	fi
}

# Two tests: the total is the sum of the services, wherever it is read.
test_totals()	# WHEN
{
	local sum

	sum=$(sum_of_services "$DIRECTOR" "${SERVICES[@]}")
	diag "$1: $sum"
	check_eq "$1: ip_vs_stats is the sum of services" "$sum" \
		"$(total_counters "$DIRECTOR")"
	check_eq "$1: ip_vs_stats_percpu has that total" "$sum" \
		"$(percpu_total "$DIRECTOR")"
}

# Counters after each single datagram.
exact_at_once()	# PORT
{
	local before want i

	before=$(service_counters "$DIRECTOR" -u "${VIP[4]}:$1")
	for i in 1 2 3 4 5; do
		in_client "$TEST_DIR/udp_flood" -n 1 -s "$SIZE" -e -p 30000 \
			"${VIP[4]}" "$1" >/dev/null || return 1
		want=$(add_counters "$before" "1 $i $i $((i * (SIZE + 28))) $((i * (SIZE + 28)))")
		[[ $(service_counters "$DIRECTOR" -u "${VIP[4]}:$1") == "$want" ]] ||
			return 1
	done
}

ktap_plan 45
topology_up
topology_serve "$SERVER_PORT"
for port in 1002 1004 1006 1008; do
	topology_serve "$port"
done
# Connections must live until they are used again.
in_director ipvsadm --set 0 0 3000
kernel_mark

port=1000
for v in 4 6; do
	for proto in tcp udp; do
		for method in -m -g; do
			port=$((port + 1))
			test_service "$v" "$proto" "$method" "$port" \
				"-${proto:0:1}" "$(endpoint "${VIP[v]}" "$port")"
		done
	done
done
test_totals "after traffic"

# Firewall marks: of TCP and UDP, but counted by the same service.
for v in 4 6; do
	six=()
	[[ $v == 4 ]] || six=(-6)
	for proto in tcp udp; do
		rule_add "$DIRECTOR" "$v" "mark-$proto" PREROUTING -d "${VIP[v]}" \
			-p "$proto" --dport 2000 -j MARK --set-mark "1$v"
	done
	test_service "$v" udp -m 2000 -f "1$v" "${six[@]}"
done
test_totals "with firewall marks"
check_eq "the per-CPU lines of ip_vs_stats_percpu add up" \
	"$(total_counters "$DIRECTOR")" "$(percpu_sum "$DIRECTOR")"
check "counters are exact after each packet" exact_at_once 1003

# The counters are independent of estimation.
for run in 0 1; do
	in_director ipvsadm -Z
	check_eq "0 at once after -Z, run_estimation was $((1 - run))" "0 0 0 0 0" \
		"$(sum_of_services "$DIRECTOR" "${SERVICES[@]}")"
	check_eq "total 0 at once after -Z" "0 0 0 0 0" \
		"$(total_counters "$DIRECTOR")"
	in_director sh -c "echo $run >$VS/run_estimation"
	traffic 4 udp 1003 || diag "no answer to traffic"
	want=$((CONNS * (SIZE + 28)))
	check_eq "counters after -Z with run_estimation=$run" \
		"0 $CONNS $CONNS $want $want" \
		"$(service_counters "$DIRECTOR" -u "${VIP[4]}:1003")"
	check_eq "total after -Z with run_estimation=$run" \
		"0 $CONNS $CONNS $want $want" "$(total_counters "$DIRECTOR")"
done
check "no kernel warning" kernel_quiet
