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
# Only after topology_backup
BACKUP=backup-$$
# Only after topology_other
OTHER=other-$$

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
in_backup() { ip netns exec "$BACKUP" "$@"; }
in_other() { ip netns exec "$OTHER" "$@"; }
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
	local ns=$1 dev=$2 peer_ns=$5 peer=$6

	ip link add "$dev" netns "$ns" type veth peer name "$peer" netns "$peer_ns"
	topology_end_of_link "$ns" "$dev" "$3" "$4"
	topology_end_of_link "$peer_ns" "$peer" "$7" "$8"
}

topology_end_of_link()	# NETNS DEV V4 V6
{
	local ns=$1 dev=$2 v4=$3 v6=$4

	ip -n "$ns" addr add "$v4" dev "$dev"
	ip -n "$ns" addr add "$v6" dev "$dev" nodad
	ip -n "$ns" link set "$dev" up
}

topology_server()	# NETNS NUMBER
{
	local ns=$1 n=$2

	topology_link "$ns" eth0 "10.2.$n.2/24" "fd02:$n::2/64" \
		"$DIRECTOR" "eth$n" "10.2.$n.1/24" "fd02:$n::1/64"
	topology_link "$ns" eth1 "10.3.$n.2/24" "fd03:$n::2/64" \
		"$CLIENT" "eth$n" "10.3.$n.1/24" "fd03:$n::1/64"
	# What comes from the virtual addresses does not go through the director
	ip -n "$ns" addr add "${VIP[4]}/32" dev lo
	ip -n "$ns" addr add "${VIP[6]}/128" dev lo nodad
	ip -n "$ns" route add default via "10.2.$n.1"
	ip -n "$ns" -6 route add default via "fd02:$n::1"
	ip -n "$ns" rule add from "${VIP[4]}" lookup 100
	ip -n "$ns" -6 rule add from "${VIP[6]}" lookup 100
	ip -n "$ns" route add default via "10.3.$n.1" table 100
	ip -n "$ns" -6 route add default via "fd03:$n::1" table 100
}

# Both servers take what comes in tunnels of a kind: ipip, sit (6in4 only), gre or
# gue over IPv4, ip6tnl (4in6 as well), ip6gre or gue6 over IPv6, which needs ip6tnl
# as gue needs ipip.  Fails if the kernel has no such tunnels.
GUE_PORT=6080

topology_tunnels()	# KIND
{
	topology_tunnel "$SERVER1" "${SERVER1_IP[4]}" "${SERVER1_IP[6]}" "$1" &&
		topology_tunnel "$SERVER2" "${SERVER2_IP[4]}" "${SERVER2_IP[6]}" "$1"
}

topology_tunnel()	# NETNS V4 V6 KIND
{
	local ns=$1 v4=$2 v6=$3 kind=$4
	local opt=(local "$v4")

	# There is nothing that loads it
	[[ $kind != gue* ]] || modprobe -q fou || true
	case $kind in
	gue) ip -n "$ns" fou add port "$GUE_PORT" gue ;;
	gue6) ip -n "$ns" -6 fou add port "$GUE_PORT" gue ;;
	*)
		[[ $kind != ip6* ]] || opt=(local "$v6")
		[[ $kind != ip6tnl ]] || opt+=(mode any)
		ip -n "$ns" link add "tun-$kind" type "$kind" "${opt[@]}" &&
			ip -n "$ns" link set "tun-$kind" up ;;
	esac
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

# A second director, that has links of its own to all of them, and one for sync
# daemons: eth3 of both.  It gets traffic after topology_use "$BACKUP".
topology_backup()
{
	local n ns

	topology_netns "$BACKUP"
	topology_link "$CLIENT" eth3 10.4.0.2/24 fd04::2/64 \
		"$BACKUP" eth0 10.4.0.1/24 fd04::1/64
	topology_link "$DIRECTOR" eth3 10.6.0.1/24 fd06::1/64 \
		"$BACKUP" eth3 10.6.0.2/24 fd06::2/64
	for n in 1 2; do
		ns=$SERVER1
		((n == 1)) || ns=$SERVER2
		topology_link "$ns" eth2 "10.5.$n.2/24" "fd05:$n::2/64" \
			"$BACKUP" "eth$n" "10.5.$n.1/24" "fd05:$n::1/64"
		ip -n "$BACKUP" route add "10.2.$n.2" via "10.5.$n.2"
		ip -n "$BACKUP" -6 route add "fd02:$n::2" via "fd05:$n::2"
	done
	ip -n "$BACKUP" route add "${CLIENT_IP[4]}" via 10.4.0.2
	ip -n "$BACKUP" -6 route add "${CLIENT_IP[6]}" via fd04::2
	ip -n "$BACKUP" addr add "${VIP[4]}/32" dev eth0
	ip -n "$BACKUP" addr add "${VIP[6]}/128" dev eth0 nodad
	in_backup sh -c '
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# Which director the client sends to, and the servers answer NATed clients by.
topology_use()	# DIRECTOR|BACKUP
{
	local net=2

	if [[ $1 == "$BACKUP" ]]; then
		ip -n "$CLIENT" route replace "${VIP[4]}" via 10.4.0.1 \
			src "${CLIENT_IP[4]}"
		ip -n "$CLIENT" -6 route replace "${VIP[6]}" via fd04::1 \
			src "${CLIENT_IP[6]}"
		net=5
	else
		ip -n "$CLIENT" route del "${VIP[4]}"
		ip -n "$CLIENT" -6 route del "${VIP[6]}"
	fi
	ip -n "$SERVER1" route replace default via "10.$net.1.1"
	ip -n "$SERVER2" route replace default via "10.$net.2.1"
	ip -n "$SERVER1" -6 route replace default via "fd0$net:1::1"
	ip -n "$SERVER2" -6 route replace default via "fd0$net:2::1"
}

# A namespace that has links to none of them, and stays when they go.
topology_other()
{
	ip netns add "$OTHER"
	ktap_at_exit other_down
	in_other ip link set lo up
}

other_down() { topology_end "$OTHER"; }

topology_down()
{
	local ns

	for ns in "$CLIENT" "$DIRECTOR" "$BACKUP" "$SERVER1" "$SERVER2"; do
		topology_end "$ns"
	done
}

# With what runs in it, if it is there.
topology_end()	# NETNS
{
	local pids

	pids=$(ip netns pids "$1" 2>/dev/null) || return 0
	# shellcheck disable=SC2086
	[[ ! $pids ]] || kill $pids || true
	ip netns del "$1" || true
}

# Echo servers on both servers at their own and the virtual address; -q: a sink,
# -S: SCTP as well.
topology_serve()	# [-q] [-S] PORT...
{
	local opt=() v

	while [[ $1 == -* ]]; do
		opt+=("$1")
		shift
	done
	for v in 4 6; do
		in_server1 "$TEST_DIR/echo_server" "${opt[@]}" "${SERVER1_IP[v]}" "$@"
		in_server1 "$TEST_DIR/echo_server" "${opt[@]}" "${VIP[v]}" "$@"
		in_server2 "$TEST_DIR/echo_server" "${opt[@]}" "${SERVER2_IP[v]}" "$@"
		in_server2 "$TEST_DIR/echo_server" "${opt[@]}" "${VIP[v]}" "$@"
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

# The same with options, and servers that may be of the other IP version.
topology_add()	# NETNS "SERVICE" VERSION SERVER_PORT "OPTIONS" "SERVER_OPTIONS"
{
	local ns=$1 service=$2 v=$3 port=$4 options=$5 server_options=$6 server

	# shellcheck disable=SC2086  # words are wanted
	ip netns exec "$ns" ipvsadm -A $service -s rr $options
	for server in "${SERVER1_IP[v]}" "${SERVER2_IP[v]}"; do
		# shellcheck disable=SC2086
		ip netns exec "$ns" ipvsadm -a $service \
			-r "$(endpoint "$server" "$port")" $server_options
	done
}

# So many datagrams from the client.  Fails if one of them has no echo.
send_echoed()	# VERSION PORT COUNT OPTION...
{
	local v=$1 port=$2 count=$3 sent

	shift 3
	sent=$(in_client "$TEST_DIR/udp_flood" -n "$count" -e \
		-b "${CLIENT_IP[v]}" "$@" "${VIP[v]}" "$port") &&
		[[ $sent == "sent $count received $count "* ]]
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

	for ((cpu = 0; cpu < $(cpus_online); cpu++)); do
		taskset -c "$cpu" ip netns exec "$CLIENT" \
			ping -q -c 1 -W "$IPVS_TEST_WAIT" 10.1.0.1 >/dev/null ||
			return 1
	done
}
