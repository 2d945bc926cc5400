#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counters and rates of two directors, one of which the sync daemon tells about
# the connections of the other: no connection that it learns of counts as one, no
# packet counts that has not passed it, and what passes it later is counted there
# as packets of old connections.  Templates keep clients where they are.  A
# connection whose service is not known has no counters, until it is.
#
# Environment: IPVS_TEST_CONNS=10 connections for each service,
# IPVS_TEST_RATE=40 packets a second.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=rated.sh
. "$(dirname "$0")/rated.sh"

CONNS=$((${IPVS_TEST_CONNS:-10} / 2 * 2))
RATE=${IPVS_TEST_RATE:-40}
SIZE=333
SERVER_PORT=7

need_ipvs
need_helpers echo_server tcp_client udp_flood

# By name: service, IP version, port of servers, and where clients send from
declare -A SERVICE=(
	[NAT]="-u ${VIP[4]}:2001"
	[NAT6]="-u [${VIP[6]}]:2002"
	[persistent]="-u ${VIP[4]}:2003"
	[one-packet]="-u ${VIP[4]}:2004"
	[TCP]="-t ${VIP[4]}:2005"
	[late]="-u ${VIP[4]}:2006"
)
declare -A PORT=([NAT]=2001 [NAT6]=2002 [persistent]=2003 [one-packet]=2004
	[TCP]=2005 [late]=2006)
declare -A FROM=([NAT]=20000 [NAT6]=21000 [persistent]=22000 [one-packet]=23000
	[late]=24000)
NAMES=(NAT NAT6 persistent one-packet TCP late)

version_of()	# NAME
{
	if [[ $1 == *6 ]]; then
		echo 6
	else
		echo 4
	fi
}

add_service()	# NETNS NAME
{
	local v port=$SERVER_PORT method=-m options=''

	v=$(version_of "$2")
	case $2 in
	persistent)
		options='-p 3000'
		method=-g ;;
	one-packet)
		options=-o
		method=-g ;;
	esac
	[[ $method == -m ]] || port=${PORT[$2]}
	topology_add "$1" "${SERVICE[$2]}" "$v" "$port" "$options" "$method"
}

# A datagram and its echo of each of CONNS ports, counting from FROM; all of them
# ROUNDS times.
send_udp()	# NAME ROUNDS [FROM]
{
	local v i

	v=$(version_of "$1")
	for ((i = 0; i < $2; i++)); do
		send_echoed "$v" "${PORT[$1]}" "$CONNS" -s "$SIZE" -c \
			-p "${3:-${FROM[$1]}}" || diag "no answer to traffic of $1"
	done
}

counters_of()	# NETNS NAME
{
	# shellcheck disable=SC2086
	service_counters "$1" ${SERVICE[$2]}
}

# What a service counts of so many packets; out as well if it is NAT.
counted()	# NAME CONNS PACKETS
{
	local bytes

	bytes=$(($3 * (SIZE + 8 + HEADER[$(version_of "$1")])))
	case $1 in
	persistent | one-packet) echo "$2 $3 0 $bytes 0" ;;
	*) echo "$2 $3 $3 $bytes $bytes" ;;
	esac
}

entries_are()	# NETNS NAME COUNT
{
	(($(entries "$1" "${PORT[$2]}") == $3))
}

# Active and inactive connections of each server.
server_conns()	# NETNS NAME
{
	# shellcheck disable=SC2086
	ip netns exec "$1" ipvsadm -Ln ${SERVICE[$2]} |
		awk '$1 == "->" && $NF ~ /^[0-9]+$/ { print $(NF-1) + $NF }' | xargs
}

server_conns_are()	# NETNS NAME "COUNTS"
{
	[[ $(server_conns "$1" "$2") == "$3" ]]
}

# The total is the sum of services, so nothing else is counted: no messages of
# sync daemons, and no connections without a service.
check_total()	# NAME NETNS SERVICE_NAME...
{
	local services=() name=$1 ns=$2 s

	shift 2
	for s in "$@"; do
		services+=("${SERVICE[$s]}")
	done
	check_eq "$name: total is the sum of services" \
		"$(sum_of_services "$ns" "${services[@]}")" "$(total_counters "$ns")"
}

start_daemons()
{
	in_director sh -c "echo 3 4 >$VS/sync_threshold"
	in_director ipvsadm --start-daemon master --mcast-interface eth3 \
		--syncid 7
	in_backup ipvsadm --start-daemon backup --mcast-interface eth3 --syncid 7
}

# --- The master, and what the backup learns ----------------------------------

# Three packets of each connection, after which it is synced.
test_master()
{
	local name

	for name in NAT NAT6 persistent late; do
		send_udp "$name" 3
		check_eq "master, $name: as sent" \
			"$(counted "$name" "$CONNS" $((3 * CONNS)))" \
			"$(counters_of "$DIRECTOR" "$name")"
	done
	send_udp one-packet 1
	check_eq "master, one-packet: as sent" \
		"$(counted one-packet "$CONNS" "$CONNS")" \
		"$(counters_of "$DIRECTOR" one-packet)"
	in_client "$TEST_DIR/tcp_client" -n "$CONNS" -s 1000 "${VIP[4]}" \
		"${PORT[TCP]}" || diag "no answer to traffic of TCP"
	check_eq "master, TCP: connections as made" "$CONNS" \
		"$(counters_of "$DIRECTOR" TCP | cut -d ' ' -f 1)"
	counters_settle "$DIRECTOR"
	check_total master "$DIRECTOR" "${NAMES[@]}"
}

test_learnt()
{
	local name want

	for name in NAT NAT6 persistent TCP late; do
		want=$CONNS
		# One template
		[[ $name != persistent ]] || want=$((want + 1))
		check "backup, $name: has learnt all connections" \
			wait_until entries_are "$BACKUP" "$name" "$want"
	done
	check_eq "backup, one-packet: there is none to learn" 0 \
		"$(entries "$BACKUP" "${PORT[one-packet]}")"
	for name in NAT NAT6 TCP; do
		check_eq "backup, $name: its servers have the connections" \
			"$((CONNS / 2)) $((CONNS / 2))" \
			"$(server_conns "$BACKUP" "$name")"
	done
	for name in NAT NAT6 persistent one-packet TCP; do
		check_eq "backup, $name: nothing is counted" "0 0 0 0 0" \
			"$(counters_of "$BACKUP" "$name")"
	done
	check_eq "backup: nothing is counted in all" "0 0 0 0 0" \
		"$(total_counters "$BACKUP")"
}

# --- The backup takes over ---------------------------------------------------

# Which have counted anything
persistent_servers()	# NETNS
{
	# shellcheck disable=SC2086
	list_counters "$1" ${SERVICE[persistent]} |
		awk '$1 == "->" && $NF ~ /^[0-9]+$/ && $4 { print $2 }'
}

test_takeover()
{
	local name server

	# Not where the scheduler would send new connections
	server=$(persistent_servers "$DIRECTOR")
	# shellcheck disable=SC2086
	in_backup ipvsadm -e ${SERVICE[persistent]} -g -w 0 -r "$server"
	topology_use "$BACKUP"
	for name in NAT NAT6 persistent late; do
		send_udp "$name" 1
	done
	for name in NAT NAT6 persistent; do
		check_eq "takeover, $name: packets of old connections" \
			"$(counted "$name" 0 "$CONNS")" \
			"$(counters_of "$BACKUP" "$name")"
	done
	# Answered, as send_udp says else, but of no service
	check_total "takeover, unknown service" "$BACKUP" NAT NAT6 persistent

	for name in NAT NAT6 persistent one-packet; do
		send_udp "$name" 1 $((FROM[$name] + 500))
	done
	for name in NAT NAT6 persistent; do
		check_eq "takeover, $name: and new connections" \
			"$(counted "$name" "$CONNS" $((2 * CONNS)))" \
			"$(counters_of "$BACKUP" "$name")"
	done
	check_eq "takeover, one-packet: as sent" \
		"$(counted one-packet "$CONNS" "$CONNS")" \
		"$(counters_of "$BACKUP" one-packet)"
	check_eq "takeover, persistent: all are where the template says" \
		"$server" "$(persistent_servers "$BACKUP")"
}

# --- A service that the backup learns of later -------------------------------

test_late()
{
	local half=$((CONNS / 2))

	check_eq "late: there are connections" "$CONNS" \
		"$(entries "$BACKUP" "${PORT[late]}")"
	add_service "$BACKUP" late
	topology_use "$DIRECTOR"
	# Once more when the seventh packet of each is through
	send_udp late 4
	check_eq "late: master counts what passes it" \
		"$(counted late "$CONNS" $((7 * CONNS)))" \
		"$(counters_of "$DIRECTOR" late)"
	check "late: connections find their servers" \
		wait_until server_conns_are "$BACKUP" late "$half $half"
	check_eq "late: but nothing is counted" "0 0 0 0 0" \
		"$(counters_of "$BACKUP" late)"
	topology_use "$BACKUP"
	send_udp late 1
	check_eq "late: until there are packets" "$(counted late 0 "$CONNS")" \
		"$(counters_of "$BACKUP" late)"
}

# --- Rates -------------------------------------------------------------------

# Of packets through the backup, of an old connection: so of no connections.
test_rates()
{
	local before sent

	RATED=([NAT]=${SERVICE[NAT]} [total]='')
	before=$(counters_of "$BACKUP" NAT)
	flood_udp NAT 4 "${PORT[NAT]}" "$RATE" -s "$SIZE" -b "${CLIENT_IP[4]}" \
		-p "${FROM[NAT]}"
	rated_wait "$BACKUP"
	flood_stop
	counters_settle "$BACKUP"
	check_rated NAT
	check_rated total
	sent=$(flood_sent NAT)
	check_eq "NAT: counters are what was sent" \
		"$(add_counters "$before" "$(counted NAT 0 "$sent")")" \
		"$(counters_of "$BACKUP" NAT)"
}

# -----------------------------------------------------------------------------

ktap_plan 41
topology_up
ktap_at_exit flood_end
topology_backup
kernel_mark
topology_serve "$SERVER_PORT" "${PORT[persistent]}" "${PORT[one-packet]}"
for name in "${NAMES[@]}"; do
	add_service "$DIRECTOR" "$name"
	[[ $name == late ]] || add_service "$BACKUP" "$name"
done
# Connections must live until they are used again.
in_director ipvsadm --set 0 0 3000
in_backup ipvsadm --set 0 0 3000
start_daemons

test_master
test_learnt
test_takeover
test_late
test_rates
check_total backup "$BACKUP" "${NAMES[@]}"
check "no kernel warning" kernel_quiet
