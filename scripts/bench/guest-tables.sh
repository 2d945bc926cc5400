# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of scripts/bench/guest.sh: what users wait for, full tables and dumps of them.
# Sourced, not run.
# shellcheck disable=SC2154 # variables of that script

restore()	# FILE
{
	in_director ipvsadm -R <"$1"
}

# Slab and per-CPU memory, kB, once it has stopped changing.  What whoever was measured
# before has left in the slabs goes first: it would be had for nothing.
memory()
{
	local last=0 this same=0 i

	for i in /sys/kernel/slab/*/shrink; do
		[[ ! -w $i ]] || echo 1 >"$i"
	done
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

	at="$machine services=$services"
	# The first service starts what there is to start
	in_director ipvsadm -A -u 192.0.2.1:80 -s rr
	sleep 1
	before=$(memory)
	timed restore "$rules"
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
	row "$1" dump "$machine services=$services" "$2" "$took" us
}

table_round()	# KERNEL ROUND
{
	load_modules "$1"
	fill "$1" "$2"
	measure_dump "$1" "$2"
	timed in_director ipvsadm -C
	row "$1" clear "$machine services=$services" "$2" "$took" us
	unload_modules
	sleep 3
}

# Each service counts on all processors that there are.  The flood is stopped for the
# dump: it is to show what reading costs, not who gets the processor.
measure_active_dump()	# KERNEL
{
	local cpu floods=() i

	load_modules "$1"
	restore "$rules"
	restore "$servers"
	for ((cpu = 0; cpu < cpus; cpu++)); do
		ip netns exec client taskset -c "$cpu" /bench/udp_flood \
			-a "$active" -r $((active * 2)) 10.128.0.0 80 >/dev/null &
		floods+=($!)
	done
	sleep "$settle"
	for ((i = 1; i <= rounds; i++)); do
		kill -STOP "${floods[@]}"
		read -r _ _ took < <(in_director /bench/dump_services)
		kill -CONT "${floods[@]}"
		row "$1" dump_active "$machine services=$services" "$i" "$took" us
		sleep 2
	done
	kill "${floods[@]}"
	wait "${floods[@]}" || true
	check_active
	unload_modules
	sleep 3
}
