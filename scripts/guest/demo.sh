#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo itself, run in a guest by scripts/demo: a client, a director and two
# web servers in network namespaces, and a look at the director's estimator.
set -euo pipefail
# shellcheck source=scripts/guest/director.sh
. "$(dirname "$0")/director.sh"

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

# Not wget -T: the static busybox crashes on it.
fetch() { ip netns exec client timeout 5 wget -q -O - http://$VIP/; }

# Requests over and over, by a client that need not start a process for each:
# in an emulated guest that alone would keep its processors busy.
traffic()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	ip netns exec client bash -c '
		exec 8<> <(sleep inf)	# nothing ever comes: a pause without a process
		while :; do
			exec 9<>/dev/tcp/$0/80 || continue
			printf "GET / HTTP/1.0\r\n\r\n" >&9
			while read -r -t 5 -u 9 _; do :; done
			exec 9>&-
			read -r -t 0.05 -u 8 _
		done' $VIP 2>/dev/null
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
director_up
director ipvsadm -A -t $VIP:80 -s rr
director ipvsadm -a -t $VIP:80 -r 10.2.1.2:80 -m
director ipvsadm -a -t $VIP:80 -r 10.2.2.2:80 -m
explain "The client fetches a page of the service; the servers take turns."
for _ in 1 2 3 4; do
	echo "client\$ wget -qO- http://$VIP/"
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
