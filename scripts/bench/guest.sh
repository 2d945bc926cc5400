#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's part of scripts/bench/kernel: measures each of some sets of IPVS
# modules, and prints a line for each figure:
#
#	row TAB kernel TAB metric TAB parameters TAB round TAB value TAB unit
#
# The network is a client, a director and a server in namespaces:
#
#	client eth0 ------- eth0 director eth1 ------- eth0 server
#
# All services are in the director.  The active ones have a real server behind
# a device that swallows what it is given, so that nothing comes back.
set -euo pipefail

usage()
{
	cat <<EOF
usage: guest.sh kernels="ours NAME" [NAME=VALUE]... PART...,
       run by scripts/bench/kernel

A kernel is a set of modules: ours, or ours-NAME, and others that the guest's kernel
brought itself.

  tables   ipvsadm -R and -C, a dump, memory; the kernels in turns
  load     CPU time and wakeups, idle and active; softirq hold
  ping     round trips through the director; the kernels in turns
  wakeups  of the kthreads of many namespaces
  dumps    of a table that is active
EOF
}

kernels='' services=20000 active=1000 rounds=3 windows=5 window=4 settle=8
namespaces='1 20 200' pings=1000
while [[ ${1:-} == *=* ]]; do
	declare "$1"
	shift
done
[[ $kernels && ${1:-} ]] || { usage >&2; exit 2; }
parts=" $* "

# Processors, and how many there might be: what is possible is what is counted on
cpus=$(nproc)
possible=$(tr ',' '\n' </sys/devices/system/cpu/possible |
	awk -F- '{ n += $NF - $1 + 1 } END { print n }')
machine="cpus=$possible"
((possible == cpus)) || machine+=" online=$cpus"
rules=/tmp/rules
servers=/tmp/servers

has_part() { [[ $parts == *" $1 "* ]]; }
in_director() { ip netns exec director "$@"; }
now() { echo "${EPOCHREALTIME/[.,]/}"; }	# microseconds

timed()	# COMMAND...; sets 'took', microseconds
{
	local start

	start=$(now)
	"$@"
	took=$(($(now) - start))
}

row()	# KERNEL METRIC PARAMETERS ROUND VALUE UNIT
{
	local IFS=$'\t'

	echo "row	$*"
}

# For whoever reads this outside, to compare the guest's clock with another.
tick() { printf 'clock\t%s\n' "$(now)"; }

wait_until()	# COMMAND...
{
	local end=$((SECONDS + 120))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# --- The network and the table -----------------------------------------------

set_up()
{
	local ns

	for ns in client director server; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	ip link add eth0 netns client type veth peer name eth0 netns director
	ip link add eth1 netns director type veth peer name eth0 netns server
	ip -n client addr add 10.1.0.2/24 dev eth0
	ip -n director addr add 10.1.0.1/24 dev eth0
	ip -n director addr add 10.2.0.1/24 dev eth1
	ip -n server addr add 10.2.0.2/24 dev eth0
	for ns in client director server; do
		ip -n "$ns" link set eth0 up
	done
	ip -n director link set eth1 up
	ip -n client route add default via 10.1.0.1
	ip -n server route add default via 10.2.0.1
	in_director sysctl -qw net.ipv4.ip_forward=1

	# Every address of a service, and the device that swallows
	ip -n director route add local 10.128.0.0/9 dev lo
	ip -n director link add sink type dummy
	ip -n director addr add 10.3.0.1/24 dev sink
	ip -n director link set sink up
}

# Services are 10.128.0.0 and so on.  The active ones have the lowest addresses,
# but are evenly spread in the order in which services are added.
make_rules()
{
	awk -v n="$services" -v active="$active" \
	    -v rules=$rules -v servers=$servers '
		function service(i)
		{
			return sprintf("-u 10.%d.%d.%d:80", 128 + int(i / 65536),
				       int(i / 256) % 256, i % 256)
		}
		BEGIN {
			stride = active ? int(n / active) : n
			other = active
			for (i = 0; i < n; i++) {
				if (i % stride == 0 && next_active < active)
					s = service(next_active++)
				else
					s = service(other++)
				print "-A " s " -s rr" >rules
			}
			printf "" >servers
			for (i = 0; i < active; i++)
				print "-a " service(i) " -r 10.3.0.2:9 -m" >servers
		}'
}

load_modules()	# KERNEL
{
	local args=() mod

	[[ $1 == ours* || ! -d /stock-modules ]] || args=(-d /stock-modules)
	for mod in ip_vs ip_vs_rr; do
		modprobe ${args[@]+"${args[@]}"} "$mod"
	done
	# What only ours have
	if in_director test -e /proc/net/ip_vs_est; then
		[[ $1 == ours* ]]
	else
		[[ $1 != ours* ]]
	fi || { echo "these are not the modules of $1" >&2; exit 1; }
}

# Or a timer?
has_kthreads()
{
	in_director test -e /proc/sys/net/ipv4/vs/est_cpulist
}

unload_modules()
{
	in_director ipvsadm -C
	# Namespaces that were deleted take their time
	wait_until rmmod ip_vs_rr 2>/dev/null
	wait_until rmmod ip_vs 2>/dev/null
}

# --- All of it ---------------------------------------------------------------

# shellcheck source=scripts/bench/guest-tables.sh
. /bench/guest-tables.sh
# shellcheck source=scripts/bench/guest-load.sh
. /bench/guest-load.sh

tick
set_up
make_rules
for kernel in $kernels; do
	row "$kernel" release "$machine" 0 "$(uname -r)" version
done
if has_part load; then
	trace_setup
	for kernel in $kernels; do
		echo "load: $kernel"
		measure_load "$kernel"
	done
fi
# In turns, so that none is always the first
for part in tables ping; do
	has_part "$part" || continue
	for ((r = 1; r <= rounds; r++)); do
		echo "$part: round $r of $rounds"
		order=$kernels
		((r % 2)) || order=$(tr ' ' '\n' <<<"$kernels" | sort -r | tr '\n' ' ')
		for kernel in $order; do
			"${part/tables/table}_round" "$kernel" "$r"
		done
	done
done
if has_part dumps; then
	for kernel in $kernels; do
		echo "dumps: $kernel"
		measure_active_dump "$kernel"
	done
fi
if has_part wakeups; then
	for kernel in $kernels; do
		echo "wakeups: $kernel"
		measure_wakeups "$kernel"
	done
fi
tick
