#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counters are exact, and rates right, where a packet is more or less than a
# connection's next one: one-packet scheduling, where each is a connection;
# tunnels (IPIP, GUE, GRE; IPv4 and IPv6 in each other), where what counts is the
# packet without what it is wrapped in; persistence, whose templates are no
# connections; and SCTP.
#
# Counters are compared with what was sent, for SCTP with those of iptables on
# the same packets; rates with what was counted in the same time.
#
# Environment: IPVS_TEST_CONNS=20 datagrams, connections or associations for each
# service, IPVS_TEST_RATE=40 packets a second for each.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=rated.sh
. "$(dirname "$0")/rated.sh"

CONNS=$((${IPVS_TEST_CONNS:-20} / 2 * 2))
RATE=${IPVS_TEST_RATE:-40}
BYTES=5000
SINK_PORT=9
SERVER_PORT=7
KINDS=' '

need_ipvs
need_helpers echo_server tcp_client udp_flood

# What was counted before a flood began, by its name
declare -A BEFORE

# shellcheck source=forwarded.sh
. "$TEST_DIR/forwarded.sh"

# --- One-packet scheduling ---------------------------------------------------

# All from one port: without it they are one connection.
test_one_packet()	# VERSION PORT
{
	local v=$1 port=$2 s

	s=$(udp_service "$v" "$port")
	add_service "$s" "$v" "$port" -o -g
	send_udp "$v" "$port" 20000
	check_service "IPv$v one packet DR" "$s" \
		"$(all_of "$v" "$CONNS" "$CONNS")" \
		"$(half_each "$v" "$CONNS" "$CONNS")"
}

# Answers do not come back through NAT, as there is no connection then.
test_one_packet_nat()	# VERSION PORT
{
	local v=$1 s

	s=$(udp_service "$v" "$2")
	add_service "$s" "$v" "$SINK_PORT" -o -m
	in_client "$TEST_DIR/udp_flood" -n "$CONNS" -s "$SIZE" -p 20000 \
		"${VIP[v]}" "$2" >/dev/null
	all_through
	check_service "IPv$v one packet NAT" "$s" \
		"$(all_of "$v" "$CONNS" "$CONNS")" \
		"$(half_each "$v" "$CONNS" "$CONNS")"
}

# The template that keeps a client's packets on one server is no connection.
test_one_packet_persistent()	# VERSION PORT
{
	local v=$1 port=$2 s

	s=$(udp_service "$v" "$port")
	add_service "$s" "$v" "$port" '-o -p 300' -g
	send_udp "$v" "$port" 20000
	check_service "IPv$v one packet persistent" "$s" \
		"$(all_of "$v" "$CONNS" "$CONNS")" \
		"$(one_only "$v" "$CONNS" "$CONNS")"
}

# --- Tunnels -----------------------------------------------------------------

# Three tests.  MATCH is what packets of the tunnel are when they come to the
# servers, OVERHEAD what they are longer by.
test_tunnel()	# NAME KIND VERSION SERVER_VERSION PORT OVERHEAD "MATCH" "OPTIONS"
{
	local name=$1 v=$3 dv=$4 port=$5 s wire

	if [[ $KINDS != *" $2 "* ]]; then
		ktap_skip "$name: as sent" "no tunnels of kind $2"
		ktap_skip "$name: its servers" "no tunnels of kind $2"
		ktap_skip "$name: on the wire" "no tunnels of kind $2"
		return
	fi
	s=$(udp_service "$v" "$port")
	# shellcheck disable=SC2086
	rule_add "$SERVER1" "$dv" "tunnel-$port" PREROUTING $7
	# shellcheck disable=SC2086
	rule_add "$SERVER2" "$dv" "tunnel-$port" PREROUTING $7
	add_service "$s" "$dv" "$port" "${9:-}" "-i $8"
	send_udp "$v" "$port" 21000 -c
	check_service "$name" "$s" \
		"$(all_of "$v" "$CONNS" "$CONNS")" \
		"$(half_each "$v" "$CONNS" "$CONNS")"
	wire="$((CONNS / 2)) $(($(bytes_of "$v" $((CONNS / 2))) + $6 * CONNS / 2))"
	check_eq "$name: on the wire" "$wire $wire" \
		"$(rule_read "$SERVER1" "$dv" "tunnel-$port") $(
			rule_read "$SERVER2" "$dv" "tunnel-$port")"
}

test_tunnels()
{
	local kind

	for kind in ipip sit gre gue ip6tnl ip6gre gue6; do
		if topology_tunnels "$kind"; then
			KINDS+="$kind "
		fi
	done
	local gue="--tun-type gue --tun-port $GUE_PORT"

	test_tunnel "IPIP" ipip 4 4 1011 20 '-p 4' ''
	test_tunnel "6in6" ip6tnl 6 6 1012 40 '-p 41' ''
	test_tunnel "6in4" sit 6 4 1013 20 '-p 41' ''
	test_tunnel "4in6" ip6tnl 4 6 1014 40 '-p 4' ''
	test_tunnel "GUE" gue 4 4 1015 32 "-p udp --dport $GUE_PORT" "$gue"
	test_tunnel "GUE with checksum" gue 4 4 1016 32 \
		"-p udp --dport $GUE_PORT" "$gue --tun-csum"
	test_tunnel "GUE over IPv6" gue6 6 6 1017 52 \
		"-p udp --dport $GUE_PORT" "$gue"
	test_tunnel "GRE" gre 4 4 1018 24 '-p 47' '--tun-type gre'
	test_tunnel "GRE over IPv6" ip6gre 6 6 1019 44 '-p 47' '--tun-type gre'
	test_tunnel "one packet IPIP" ipip 4 4 1020 20 '-p 4' '' -o
}

# --- Persistence -------------------------------------------------------------

# NAT, so that there are packets out.
test_persistent()	# VERSION PORT
{
	local v=$1 s want

	s=$(udp_service "$v" "$2")
	add_service "$s" "$v" "$SERVER_PORT" '-p 300' -m
	send_udp "$v" "$2" 22000 -c
	want="$CONNS $CONNS $CONNS $(bytes_of "$v" "$CONNS") $(bytes_of "$v" "$CONNS")"
	check_service "IPv$v persistent" "$s" "$want" \
		"0 0 0 0 0 $want"
	check_eq "IPv$v persistent: and one template, not counted" $((CONNS + 1)) \
		"$(entries "$DIRECTOR" "$2")"
}

# Clients of a network are one: CONNS connections of each.
test_persistent_network()	# PORT
{
	local s want

	s=$(udp_service 4 "$1")
	add_service "$s" 4 "$SERVER_PORT" '-p 300 -M 255.255.255.0' -m
	send_udp 4 "$1" 23000 -c
	send_udp 4 "$1" 24000 -c -b 10.1.0.3
	want=$(bytes_of 4 $((2 * CONNS)))
	want="$((2 * CONNS)) $((2 * CONNS)) $((2 * CONNS)) $want $want"
	check_service "persistent network" "$s" "$want" \
		"0 0 0 0 0 $want"
}

# A service of all ports that have none of their own.
test_persistent_ports()	# PORT PORT
{
	local s

	s=$(udp_service 6 0)
	add_service "$s" 6 0 '-p 300' -g
	send_udp 6 "$1" 25000 -c
	send_udp 6 "$2" 26000 -c
	check_service "persistent on all ports" "$s" \
		"$(all_of 6 $((2 * CONNS)) $((2 * CONNS)))" \
		"$(one_only 6 $((2 * CONNS)) $((2 * CONNS)))"
}

test_persistent_mark()	# PORT PORT
{
	local port

	for port in "$1" "$2"; do
		rule_add "$DIRECTOR" 4 mark PREROUTING -d "${VIP[4]}" \
			-p udp --dport "$port" -j MARK --set-mark 7
	done
	add_service '-f 7' 4 0 '-p 300' -g
	send_udp 4 "$1" 25000 -c
	send_udp 4 "$2" 26000 -c
	check_service "persistent mark" '-f 7' \
		"$(all_of 4 $((2 * CONNS)) $((2 * CONNS)))" \
		"$(one_only 4 $((2 * CONNS)) $((2 * CONNS)))"
	rules_flush "$DIRECTOR"
}

# --- SCTP --------------------------------------------------------------------

SCTP_TESTS=3
has_sctp() { modprobe -q sctp; [[ -d /proc/net/sctp ]]; }

test_sctp()	# NAME VERSION PORT SERVER_PORT METHOD
{
	local name=$1 v=$2 s in out found

	s="--sctp-service $(endpoint "${VIP[v]}" "$3")"
	rule_add "$DIRECTOR" "$v" sctp-in PREROUTING -d "${VIP[v]}" -p sctp
	rule_add "$DIRECTOR" "$v" sctp-out POSTROUTING -s "${VIP[v]}" -p sctp
	add_service "$s" "$v" "$4" '' "$5"
	in_client "$TEST_DIR/tcp_client" -S -n "$CONNS" -s "$BYTES" \
		-b "${CLIENT_IP[v]}" "${VIP[v]}" "$3" || diag "no answer to traffic"
	rules_settle "$DIRECTOR" "$v"

	read -r -a in <<<"$(rule_read "$DIRECTOR" "$v" sctp-in)"
	read -r -a out <<<"$(rule_read "$DIRECTOR" "$v" sctp-out)"
	# shellcheck disable=SC2086
	found=$(service_counters "$DIRECTOR" $s)
	check_eq "$name: as iptables has counted" \
		"$CONNS ${in[0]} ${out[0]} ${in[1]} ${out[1]}" "$found"
	# shellcheck disable=SC2086
	check_eq "$name: its servers" "$found" "$(servers_counters "$DIRECTOR" $s)"
	# INIT, COOKIE-ECHO, data, SHUTDOWN, SHUTDOWN-COMPLETE at least
	check "$name: at least what was sent" test \
		"$((in[0] >= 5 * CONNS && in[1] >= CONNS * (BYTES + 5 * HEADER[v])))" = 1
	rules_flush "$DIRECTOR"
}

test_all_sctp()
{

	if ! has_sctp; then
		ktap_skip_some $((4 * SCTP_TESTS)) "SCTP" "the kernel has none"
		return
	fi
	topology_serve -S 3000 3002 3004
	test_sctp "IPv4 SCTP NAT" 4 3001 3000 -m
	test_sctp "IPv4 SCTP DR" 4 3002 3002 -g
	test_sctp "IPv6 SCTP NAT" 6 3003 3000 -m
	test_sctp "IPv6 SCTP DR" 6 3004 3004 -g
}

# --- Totals ------------------------------------------------------------------

# Two tests: the total is the sum of all services, and CPUs add up to it.
test_totals()	# WHEN
{
	local sum

	sum=$(sum_of_services "$DIRECTOR" "${SERVICES[@]}")
	check_eq "$1: total is the sum of services" "$sum" \
		"$(total_counters "$DIRECTOR")"
	check_eq "$1: so is the sum of the per-CPU lines" "$sum" "$(percpu_sum "$DIRECTOR")"
}

# --- Rates -------------------------------------------------------------------

# Begins to count, as flood_start begins to send.
rated_flood()	# NAME "SERVICE" COMMAND...
{
	RATED[$1]=$2
	BEFORE[$1]=$(rated_read "$DIRECTOR" counters "$1")
	flood_start "$1" "${@:3}"
}

rated_flood_udp()	# NAME VERSION PORT FROM_PORT OPTION...
{
	local name=$1 v=$2 port=$3 from=$4

	shift 4
	rated_flood "$name" "$(udp_service "$v" "$port")" "$TEST_DIR/udp_flood" -n 0 \
		-r "$RATE" -s "$SIZE" -b "${CLIENT_IP[v]}" -p "$from" "$@" \
		"${VIP[v]}" "$port"
}

start_floods()
{
	local s

	RATED[total]=''
	rated_flood_udp one-packet 4 1001 27000
	[[ $KINDS != *' ipip '* ]] || rated_flood_udp IPIP 4 1011 27001
	[[ $KINDS != *' gue6 '* ]] || rated_flood_udp GUE6 6 1017 27002
	# Each is a connection, whose answer would find its port closed
	s=$(udp_service 4 1035)
	add_service "$s" 4 "$SINK_PORT" '-p 300' -m
	rated_flood_udp persistent 4 1035 30000 -c
	if has_sctp; then
		rated_flood SCTP "--sctp-service ${VIP[4]}:3001" \
			"$TEST_DIR/tcp_client" -S -n 0 -r $((RATE / 2)) \
			-b "${CLIENT_IP[4]}" "${VIP[4]}" 3001
	fi
}

# Two tests for each that is RATED, one for the total.
test_rates()
{
	local name

	rated_wait "$DIRECTOR"
	flood_stop
	counters_settle "$DIRECTOR"
	for name in one-packet IPIP GUE6 persistent SCTP total; do
		if [[ ! ${RATED[$name]+x} ]]; then
			ktap_skip "$name: rates" "the kernel has none"
			ktap_skip "$name: counters are what was sent" "so"
			continue
		fi
		check_rated "$name"
		[[ $name == total ]] || check_sent "$name"
	done
}

check_sent()	# NAME
{
	local name=$1 sent v=4 conns=1 want

	sent=$(flood_sent "$name")
	case $name in
	one-packet | persistent) conns=$sent ;;
	GUE6) v=6 ;;
	SCTP)
		read -r want _ <<<"${BEFORE[SCTP]}"
		check_eq "$name: as many connections as were made" \
			$((want + sent)) \
			"$(rated_read "$DIRECTOR" counters SCTP | cut -d ' ' -f 1)"
		return ;;
	esac
	want=$(add_counters "${BEFORE[$name]}" "$(all_of "$v" "$conns" "$sent")")
	check_eq "$name: counters are what was sent" "$want" \
		"$(rated_read "$DIRECTOR" counters "$name")"
}

# -----------------------------------------------------------------------------

ktap_plan 78
topology_up
ktap_at_exit flood_end
kernel_mark
ip -n "$CLIENT" addr add 10.1.0.3/24 dev eth0
# Connections must live until they are used again.
in_director ipvsadm --set 0 0 3000
topology_serve "$SERVER_PORT" 1001 1002 1004 {1011..1020} {1041..1044}
topology_serve -q "$SINK_PORT"

test_one_packet 4 1001
test_one_packet 6 1002
test_one_packet_nat 4 1003
test_one_packet_persistent 4 1004
test_tunnels
test_persistent 4 1031
test_persistent 6 1032
test_persistent_network 1033
test_persistent_ports 1041 1042
test_persistent_mark 1043 1044
test_all_sctp
test_totals "after traffic"

start_floods
test_rates
test_totals "after floods"
check "no kernel warning" kernel_quiet
