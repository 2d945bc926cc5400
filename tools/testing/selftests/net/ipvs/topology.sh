# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A client, a director and two servers, each in a network namespace:
#
#	client eth0 ------- eth0 director eth1 ------- eth0 server1
#	  |  |                            eth2 ------- eth0 server2
#	  |  +- eth1 -------------------------------- eth1 server1
#	  +---- eth2 -------------------------------- eth1 server2
#
# Servers answer NATed clients through the director; what comes from the virtual
# addresses, which they have on lo for direct routing, goes straight to the
# client.

CLIENT=client-$$
DIRECTOR=director-$$
SERVER1=server1-$$
SERVER2=server2-$$

# Indexed by IP version
# shellcheck disable=SC2034
CLIENT_IP=([4]=10.1.0.2 [6]=fd01::2)
VIP=([4]=10.1.0.100 [6]=fd01::100)
SERVER1_IP=([4]=10.2.1.2 [6]=fd02:1::2)
SERVER2_IP=([4]=10.2.2.2 [6]=fd02:2::2)
# Length of the network header
# shellcheck disable=SC2034
HEADER=([4]=20 [6]=40)

in_client() { ip netns exec "$CLIENT" "$@"; }
in_director() { ip netns exec "$DIRECTOR" "$@"; }
in_server1() { ip netns exec "$SERVER1" "$@"; }
in_server2() { ip netns exec "$SERVER2" "$@"; }

# An address and port as they are written together.
endpoint()	# ADDRESS PORT
{
	if [[ $1 == *:* ]]; then
		echo "[$1]:$2"
	else
		echo "$1:$2"
	fi
}

topology_netns()	# NETNS
{
	ip netns add "$1"
	ip netns exec "$1" sh -c '
		echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
		echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
		ip link set lo up'
}

topology_link()	# NETNS DEV V4 V6 NETNS DEV V4 V6
{
	ip link add "$2" netns "$1" type veth peer name "$6" netns "$5"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" addr add "$4" dev "$2" nodad
	ip -n "$5" addr add "$7" dev "$6"
	ip -n "$5" addr add "$8" dev "$6" nodad
	ip -n "$1" link set "$2" up
	ip -n "$5" link set "$6" up
}

topology_server()	# NETNS NUMBER
{
	topology_link "$1" eth0 "10.2.$2.2/24" "fd02:$2::2/64" \
		"$DIRECTOR" "eth$2" "10.2.$2.1/24" "fd02:$2::1/64"
	topology_link "$1" eth1 "10.3.$2.2/24" "fd03:$2::2/64" \
		"$CLIENT" "eth$2" "10.3.$2.1/24" "fd03:$2::1/64"
	ip -n "$1" addr add "${VIP[4]}/32" dev lo
	ip -n "$1" addr add "${VIP[6]}/128" dev lo nodad
	ip -n "$1" route add default via "10.2.$2.1"
	ip -n "$1" -6 route add default via "fd02:$2::1"
	ip -n "$1" rule add from "${VIP[4]}" lookup 100
	ip -n "$1" -6 rule add from "${VIP[6]}" lookup 100
	ip -n "$1" route add default via "10.3.$2.1" table 100
	ip -n "$1" -6 route add default via "fd03:$2::1" table 100
}

topology_up()
{
	need ip iptables ip6tables iptables-save ip6tables-save
	ktap_at_exit topology_down
	topology_create
}

topology_create()
{
	topology_netns "$CLIENT"
	topology_netns "$DIRECTOR"
	topology_netns "$SERVER1"
	topology_netns "$SERVER2"
	topology_link "$CLIENT" eth0 10.1.0.2/24 fd01::2/64 \
		"$DIRECTOR" eth0 10.1.0.1/24 fd01::1/64
	topology_server "$SERVER1" 1
	topology_server "$SERVER2" 2
	ip -n "$DIRECTOR" addr add "${VIP[4]}/32" dev eth0
	ip -n "$DIRECTOR" addr add "${VIP[6]}/128" dev eth0 nodad
	in_director sh -c '
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

topology_down()
{
	local ns pids

	for ns in "$CLIENT" "$DIRECTOR" "$SERVER1" "$SERVER2"; do
		pids=$(ip netns pids "$ns" 2>/dev/null) || continue
		# shellcheck disable=SC2086
		[[ ! $pids ]] || kill $pids || true
		ip netns del "$ns" || true
	done
}

# Echo servers on both servers at their own and the virtual address; -q: a sink.
topology_serve()	# [-q] PORT
{
	local opt=() v

	[[ $1 != -q ]] || { opt=(-q); shift; }
	for v in 4 6; do
		in_server1 "$TEST_DIR/echo_server" "${opt[@]}" "${SERVER1_IP[v]}" "$1"
		in_server1 "$TEST_DIR/echo_server" "${opt[@]}" "${VIP[v]}" "$1"
		in_server2 "$TEST_DIR/echo_server" "${opt[@]}" "${SERVER2_IP[v]}" "$1"
		in_server2 "$TEST_DIR/echo_server" "${opt[@]}" "${VIP[v]}" "$1"
	done >/dev/null
}

# A service with both servers.
topology_service()	# VERSION -m|-g SERVER_PORT SERVICE...
{
	local v=$1 method=$2 port=$3

	shift 3
	in_director ipvsadm -A "$@" -s rr
	in_director ipvsadm -a "$@" "$method" \
		-r "$(endpoint "${SERVER1_IP[v]}" "$port")"
	in_director ipvsadm -a "$@" "$method" \
		-r "$(endpoint "${SERVER2_IP[v]}" "$port")"
}

iptables_of()	# VERSION
{
	if [[ $1 == 6 ]]; then
		echo ip6tables
	else
		echo iptables
	fi
}

# A rule in the mangle table that counts under a name.
rule_add()	# NETNS VERSION NAME CHAIN MATCH...
{
	local ns=$1 tool name=$3 chain=$4

	tool=$(iptables_of "$2")
	shift 4
	ip netns exec "$ns" "$tool" -w -t mangle -A "$chain" "$@" \
		-m comment --comment "$name"
}

# What it has counted: packets and bytes.
rule_read()	# NETNS VERSION NAME
{
	ip netns exec "$1" "$(iptables_of "$2")-save" -c -t mangle |
		sed -n "/--comment \"\\?$3\"\\? *\$/s/^\[\([0-9]*\):\([0-9]*\)\].*/\1 \2/p"
}

rules_flush()	# NETNS
{
	ip netns exec "$1" iptables -w -t mangle -F
	ip netns exec "$1" ip6tables -w -t mangle -F
}

# Waits until nothing is under way any more: the rules count no packet for 0.5 s.
rules_settle()	# NETNS VERSION
{
	local last='' now i

	for ((i = 0; i < IPVS_TEST_WAIT; i++)); do
		now=$(ip netns exec "$1" "$(iptables_of "$2")-save" -c -t mangle |
			grep '^\[') || return 0
		[[ $now != "$last" ]] || return 0
		last=$now
		sleep 0.5
	done
	return 1
}

# Queues are long enough for what a slow guest leaves lying, and neighbours are
# known: then nothing that is sent is lost on its way to the director.
lose_nothing()
{
	local mac

	echo 100000 >/proc/sys/net/core/netdev_max_backlog
	mac=$(ip -n "$DIRECTOR" -br link show dev eth0 | awk '{ print $3 }')
	ip -n "$CLIENT" neigh replace "${VIP[4]}" lladdr "$mac" dev eth0 nud permanent
	mac=$(ip -n "$SERVER1" -br link show dev eth0 | awk '{ print $3 }')
	ip -n "$DIRECTOR" neigh replace "${SERVER1_IP[4]}" lladdr "$mac" dev eth1 \
		nud permanent
}

# All that the client has sent is through the director: an answer from there to
# each CPU has waited for what this CPU had to do before.
all_through()
{
	local cpu

	for ((cpu = 0; cpu < $(grep -c ^processor /proc/cpuinfo); cpu++)); do
		taskset -c "$cpu" ip netns exec "$CLIENT" \
			ping -q -c 1 -W "$IPVS_TEST_WAIT" 10.1.0.1 >/dev/null ||
			return 1
	done
}
