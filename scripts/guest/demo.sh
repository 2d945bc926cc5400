#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo itself, run in a guest by scripts/demo: a client, a director and two
# web servers in network namespaces, and a look at the director's estimator.
set -euo pipefail

case ${1:-} in
-h | --help)
	echo "usage: none; run scripts/demo"
	exit 0
	;;
esac

explain() { printf '\n# %s\n' "$*"; }

# Prints a command, then runs it in the director's namespace.
director()
{
	echo "director\$ $*"
	ip netns exec director "$@"
}

link()	# NS1 DEV1 ADDR1 NS2 DEV2 ADDR2
{
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$4" addr add "$6" dev "$5"
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}

set_up()
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
	ip -n director addr add 10.1.0.100/32 dev eth0
	ip netns exec director sysctl -qw net.ipv4.ip_forward=1
}

# Not wget -T: the static busybox crashes on it.
fetch() { ip netns exec client timeout 5 wget -q -O - http://10.1.0.100/; }

# Requests over and over, by a client that need not start a process for each:
# in an emulated guest that alone would keep its processors busy.
traffic()
{
	ip netns exec client bash -c '
		exec 8<> <(sleep inf)	# nothing ever comes: a pause without a process
		while :; do
			exec 9<>/dev/tcp/10.1.0.100/80 || continue
			printf "GET / HTTP/1.0\r\n\r\n" >&9
			while read -r -t 5 -u 9 _; do :; done
			exec 9>&-
			read -r -t 0.05 -u 8 _
		done' 2>/dev/null
}

# Builtins only: starting a program for each process takes seconds here.
tasks()
{
	local dir name key value cpus any=''
	local -a stat

	printf '%6s  %-22s %-8s %s\n' PID TASK CPUS NICE
	for dir in /proc/[0-9]*; do
		{ read -r name <"$dir/comm"; } 2>/dev/null || continue
		[[ $name == ipvs-e:* ]] || continue
		any=1 cpus=''
		read -r -a stat <"$dir/stat"
		while read -r key value; do
			[[ $key != Cpus_allowed_list: ]] || cpus=$value
		done <"$dir/status"
		printf '%6s  %-22s %-8s %s\n' "${dir#/proc/}" "$name" "$cpus" "${stat[18]}"
	done
	[[ $any ]] || echo "(no estimation task)"
}

has_sysctl() { ip netns exec director test -e "/proc/sys/net/ipv4/vs/$1"; }

explain "A client, a director and two web servers; the service is NATed (masq)."
set_up
director ipvsadm -A -t 10.1.0.100:80 -s rr
director ipvsadm -a -t 10.1.0.100:80 -r 10.2.1.2:80 -m
director ipvsadm -a -t 10.1.0.100:80 -r 10.2.2.2:80 -m
explain "The client fetches a page of the service; the servers take turns."
for _ in 1 2 3 4; do
	echo "client\$ wget -qO- http://10.1.0.100/"
	fetch
done

traffic &
explain "From now on the client fetches pages all the time."
sleep 6

explain "The rates are estimated by kernel tasks, ipvs-e:<netns>:<context>, not in softirq."
tasks
if has_sysctl est_cpulist; then
	explain "The first task measured how many estimators a chain may hold (chain_max), and placed ours:"
	director cat /proc/net/ip_vs_est
fi
explain "Counters of the service and of each server:"
director ipvsadm -Ln --stats
explain "Their rates, per second, averaged over the last seconds:"
director ipvsadm -Ln --rate
explain "The totals of the namespace, in hexadecimal:"
director cat /proc/net/ip_vs_stats

if ! has_sysctl est_cpulist; then
	explain "These modules have no estimation tasks: the tour ends here."
	exit 0
fi

explain "est_cpulist: the tasks may be kept on some CPUs; new ones take over at once."
director sysctl -w net.ipv4.vs.est_cpulist=2-3
sleep 0.5
tasks
explain "est_nice: and they may be made nicer, or less nice."
director sysctl -w net.ipv4.vs.est_nice=10
sleep 0.5
tasks
explain "run_estimation=0 stops the tasks: rates read 0 ..."
director sysctl -w net.ipv4.vs.run_estimation=0
sleep 1
tasks
director ipvsadm -Ln --rate
explain "... but the counters go on:"
director ipvsadm -Ln --stats
sleep 1
director ipvsadm -Ln --stats
explain "run_estimation=1 starts them again."
director sysctl -w net.ipv4.vs.run_estimation=1
sleep 3
tasks
director ipvsadm -Ln --rate
