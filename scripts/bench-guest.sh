#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's part of scripts/bench-kernel: measures each of some sets of IPVS
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
usage: bench-guest.sh kernels="ours 6.1" [NAME=VALUE]... PART...,
       run by scripts/bench-kernel

  tables   ipvsadm -R and -C, a dump, memory; the kernels in turns
  load     CPU time of the kthreads, idle and active; softirq hold
  ping     round trips through the director; needs load
  wakeups  of the kthreads of many namespaces
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

cpus=$(nproc)
rules=/tmp/rules
servers=/tmp/servers
tracing=/sys/kernel/tracing
trace=/tmp/trace

has_part() { [[ $parts == *" $1 "* ]]; }
in_director() { ip netns exec director "$@"; }
now() { echo "${EPOCHREALTIME/[.,]/}"; }	# microseconds

row()	# KERNEL METRIC PARAMETERS ROUND VALUE UNIT
{
	local IFS=$'\t'

	echo "row	$*"
}

# For whoever reads this outside, to compare the guest's clock with another.
tick() { printf 'clock\t%s\n' "$(now)"; }

wait_until()	# COMMAND...
{
	local end=$((SECONDS + 60))

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

	[[ $1 != 6.1 ]] || args=(-d /stock-modules)
	for mod in ip_vs ip_vs_rr; do
		modprobe ${args[@]+"${args[@]}"} "$mod"
	done
	# 6.1 alone has no estimation tasks
	if in_director test -e /proc/sys/net/ipv4/vs/est_cpulist; then
		[[ $1 != 6.1 ]]
	else
		[[ $1 == 6.1 ]]
	fi || { echo "these are not the modules of $1" >&2; exit 1; }
}

unload_modules()
{
	in_director ipvsadm -C
	rmmod ip_vs_rr
	wait_until rmmod ip_vs 2>/dev/null
}

# --- What is measured --------------------------------------------------------

timed()	# COMMAND...; sets 'took', microseconds
{
	local start

	start=$(now)
	"$@"
	took=$(($(now) - start))
}

restore()	# FILE
{
	in_director ipvsadm -R <"$1"
}

# Slab and per-CPU memory, kB, once it has stopped changing
memory()
{
	local last=0 this same=0 i

	for ((i = 0; i < 30 && same < 2; i++)); do
		this=$(awk '/^(Slab|Percpu):/ { n += $2 }
			    END { print n }' /proc/meminfo)
		if ((this - last < 256 && last - this < 256)); then
			same=$((same + 1))
		else
			same=0
		fi
		last=$this
		sleep 0.5
	done
	echo "$last"
}

# A full table of services without servers.  Round 0 touches memory and code for
# the first time; only the memory of it counts.
fill()	# KERNEL ROUND
{
	local kernel=$1 round=$2 at before after

	at="cpus=$cpus services=$services"
	# The first service starts what there is to start
	in_director ipvsadm -A -u 192.0.2.1:80 -s rr
	sleep 1
	before=$(memory)
	timed restore $rules
	((!round)) || row "$kernel" restore "$at" "$round" "$took" us
	sleep 4
	after=$(memory)
	row "$kernel" memory "$at" "$round" \
		$(((after - before) * 1024 / services)) bytes
}

# The median of nine: of the same table they differ by a factor of two
measure_dump()	# KERNEL ROUND
{
	local i

	for ((i = 0; i < 9; i++)); do
		in_director /bench/dump_services
	done | sort -k 3,3n >/tmp/dumps
	read -r _ _ took < <(sed -n 5p /tmp/dumps)
	row "$1" dump "cpus=$cpus services=$services" "$2" "$took" us
}

tables_round()	# KERNEL ROUND
{
	load_modules "$1"
	fill "$1" "$2"
	measure_dump "$1" "$2"
	timed in_director ipvsadm -C
	row "$1" clear "cpus=$cpus services=$services" "$2" "$took" us
	unload_modules
	sleep 3
}

# Kthreads as /proc/PID/FILE...
est_files()	# FILE
{
	local dir name

	for dir in /proc/[0-9]*; do
		name=''
		read -r name 2>/dev/null <"$dir/comm" || continue
		[[ $name != ipvs-e:* ]] || echo "$dir/$1"
	done
}

# Sum of nanoseconds on a CPU.  A task may end meanwhile.
cpu_time()	# FILE...
{
	{ cat "$@" 2>/dev/null || true; } |
		awk '{ n += $1 } END { printf "%.0f\n", n }'
}

switches()	# FILE...
{
	{ cat "$@" 2>/dev/null || true; } |
		awk '/^(non)?voluntary_ctxt_switches:/ { n += $2 }
		     END { printf "%.0f\n", n }'
}

# Once and for all: each time that an event is enabled or disabled the kernel
# patches its code, over which the emulator trips now and then.
trace_setup()
{
	echo 0 >$tracing/tracing_on
	echo 4096 >$tracing/buffer_size_kb
	echo mono >$tracing/trace_clock
	echo 1 >$tracing/events/timer/timer_expire_entry/enable
	echo 1 >$tracing/events/timer/timer_expire_exit/enable
}

trace_on()
{
	: >$tracing/trace
	echo 1 >$tracing/tracing_on
}

trace_off()
{
	echo 0 >$tracing/tracing_on
	cat $tracing/trace >$trace
	: >$tracing/trace
}

# The longest run of the estimation timer, us: 0 if other timers are in the
# trace, but not this one.  Nothing if there are none at all.
longest_hold()
{
	awk '
		/: timer_expire_(entry|exit): / {
			for (i = 1; $i !~ /^timer_expire/; i++)
				if ($i ~ /^\[[0-9]+\]$/)
					cpu = $i
			time = $(i - 1) * 1e6
		}
		/: timer_expire_entry: / {
			timers++
			begin[cpu] = 0
			if (/function=estimation_timer( |$)/)
				begin[cpu] = time
		}
		/: timer_expire_exit: / && begin[cpu] {
			if (time - begin[cpu] > most)
				most = time - begin[cpu]
			begin[cpu] = 0
		}
		END {
			if (timers)
				printf "%.0f\n", most
		}' $trace
}

# Some periods of an otherwise quiet guest
load_windows()	# KERNEL ACTIVE
{
	local kernel=$1 at round files start before after us hold

	at="cpus=$cpus services=$services active=$2"
	for ((round = 1; round <= windows; round++)); do
		mapfile -t files < <(est_files schedstat)
		trace_on
		start=$(now)
		((!${#files[@]})) || before=$(cpu_time "${files[@]}")
		sleep "$window"
		((!${#files[@]})) || after=$(cpu_time "${files[@]}")
		us=$(($(now) - start))
		trace_off
		((!${#files[@]})) || row "$kernel" cpu_time "$at" "$round" \
			$(((after - before) * 2000 / us)) us
		hold=$(longest_hold)
		[[ ! $hold ]] || row "$kernel" hold "$at" "$round" "$hold" us
	done
}

# A datagram to each active service in less than 2 s, over and over
measure_active()	# KERNEL
{
	local flood

	restore $servers
	ip netns exec client taskset -c 0 /bench/udp_flood \
		-a "$active" -r $((active * 6 / 10)) 10.128.0.0 80 >/tmp/flood &
	flood=$!
	sleep "$settle"
	load_windows "$1" "$active"
	kill "$flood"
	wait "$flood" || true
	check_active
}

# All the active services, and no other ones, have counted.
check_active()
{
	local counted

	read -r _ counted _ < <(in_director /bench/dump_services)
	((counted == active)) || {
		echo "$counted services were active instead of $active" >&2
		exit 1
	}
}

# From each CPU in turn, since a timer holds up only one of them
measure_pings()	# KERNEL
{
	local at round cpu each

	at="cpus=$cpus services=$services"
	each=$((pings / cpus))
	for ((round = 1; round <= rounds; round++)); do
		for ((cpu = 0; cpu < cpus; cpu++)); do
			ip netns exec client taskset -c "$cpu" \
				ping -n -i 0.01 -c "$each" 10.2.0.2 || true
		done | sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' | sort -n >/tmp/pings
		awk '{ v[NR] = $1 * 1000 }
		     END {
			print v[int(NR * 0.5 + 0.99)], v[int(NR * 0.99 + 0.99)], v[NR]
		     }' /tmp/pings >/tmp/percentiles
		read -r p50 p99 max </tmp/percentiles
		row "$1" ping_p50 "$at" "$round" "$p50" us
		row "$1" ping_p99 "$at" "$round" "$p99" us
		row "$1" ping_max "$at" "$round" "$max" us
		row "$1" ping_lost "$at" "$round" \
			$((each * cpus - $(wc -l </tmp/pings))) packets
	done
}

measure_load()	# KERNEL
{
	load_modules "$1"
	fill "$1" 0
	sleep "$settle"
	load_windows "$1" 0
	! has_part ping || measure_pings "$1"
	# There is no task whose time could be taken
	[[ $1 == 6.1 ]] || ((!active)) || measure_active "$1"
	unload_modules
	sleep 3
}

measure_wakeups()	# KERNEL
{
	local have=0 want files round start before after us

	load_modules "$1"
	for want in $namespaces; do
		for (( ; have < want; have++)); do
			ip netns add "est$have"
			ip netns exec "est$have" ipvsadm -A -u 192.0.2.1:80 -s rr
		done
		sleep "$settle"
		mapfile -t files < <(est_files status)
		((${#files[@]} >= want)) || {
			echo "${#files[@]} tasks in $want namespaces" >&2
			exit 1
		}
		for ((round = 1; round <= windows; round++)); do
			start=$(now)
			before=$(switches "${files[@]}")
			sleep "$window"
			after=$(switches "${files[@]}")
			us=$(($(now) - start))
			row "$1" wakeups "cpus=$cpus netns=$want" "$round" \
				"$(awk -v n=$((after - before)) -v us=$us \
					'BEGIN { printf "%.2f", n * 1e6 / us }')" \
				1/s
		done
	done
}

# --- All of it ---------------------------------------------------------------

tick
set_up
make_rules
for kernel in $kernels; do
	row "$kernel" release "cpus=$cpus" 0 "$(uname -r)" version
done
if has_part load; then
	trace_setup
	for kernel in $kernels; do
		echo "load: $kernel"
		measure_load "$kernel"
	done
fi
if has_part tables; then
	for ((r = 1; r <= rounds; r++)); do
		echo "tables: round $r of $rounds"
		order=$kernels
		((r % 2)) || order=$(tr ' ' '\n' <<<"$kernels" | sort -r | tr '\n' ' ')
		for kernel in $order; do
			tables_round "$kernel" "$r"
		done
	done
fi
if has_part wakeups; then
	# Last, since the namespaces stay
	for kernel in $kernels; do
		[[ $kernel != 6.1 ]] || continue
		echo "wakeups: $kernel"
		measure_wakeups "$kernel"
	done
fi
tick
