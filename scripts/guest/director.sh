# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A client, a director and two web servers, each in a network namespace of its own,
# in a guest.  Sourced by scripts that run there, not run.

VIP=10.1.0.100

link()	# NS1 DEV1 ADDR1 NS2 DEV2 ADDR2
{
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$4" addr add "$6" dev "$5"
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}

# The director has $VIP, and no service yet; server N is 10.2.N.2.
director_up()
{
	local n

	for n in client director server1 server2; do
		ip netns add "$n"
		ip -n "$n" link set lo up
	done
	link client eth0 10.1.0.2/24 director eth0 10.1.0.1/24
	for n in 1 2; do
		link "server$n" eth0 "10.2.$n.2/24" director "eth$n" "10.2.$n.1/24"
		ip -n "server$n" route add default via "10.2.$n.1"
		mkdir -p "/tmp/server$n"
		echo "hello from server $n" >"/tmp/server$n/index.html"
		ip netns exec "server$n" busybox httpd -p 80 -h "/tmp/server$n"
	done
	ip -n director addr add "$VIP/32" dev eth0
	ip netns exec director sysctl -qw net.ipv4.ip_forward=1
}
