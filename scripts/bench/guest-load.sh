# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of scripts/bench/guest.sh: what estimation costs while nobody looks.  Sourced,
# not run.
# shellcheck disable=SC2154 # variables of that script

tracing=/sys/kernel/tracing
trace=/tmp/trace

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
	{ cat "$@" </dev/null 2>/dev/null || true; } |
		awk '{ n += $1 } END { printf "%.0f\n", n }'
}

switches()	# FILE...
{
	{ cat "$@" </dev/null 2>/dev/null || true; } |
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

# The guest's processors: sets 'ran', what all tasks together have had of them, ns: the
# kthreads, and the tasks of RCU and the workers that they cause, also of those that
# have ended, but not what interrupts take of a processor that is idle; and 'idle', when
# none was at anything, in hundredths of a second, the unit of /proc/stat.  Nothing is
# started for it, which would be more than what is looked for.
look()
{
	local f

	ran=0
	while read -ra f; do
		[[ ${f[0]} != cpu* ]] || ran=$((ran + f[7]))
	done </proc/schedstat
	read -ra f </proc/stat
	idle=$((f[4] + f[5]))
}

# Never has anything to read
exec {never}<> <(:)

per_second()	# NUMBER MICROSECONDS
{
	awk -v n="$1" -v us="$2" 'BEGIN { printf "%.2f", n * 1e6 / us }'
}

# One period or some of an otherwise quiet guest: sets us, and what there was in it
watch_window()	# FILE..., schedstat of the kthreads
{
	local start ran idle before

	trace_on
	own=$(cpu_time "$@")
	switched=$(switches "${@/%schedstat/status}")
	start=$(now)
	look
	before=("$ran" "$idle" "${EPOCHREALTIME/[.,]/}")
	read -rt "$window" -u "$never" || true
	look
	window_us=$((${EPOCHREALTIME/[.,]/} - before[2]))
	all=$((ran - before[0]))
	busy=$((window_us * cpus - (idle - before[1]) * 10000))
	switched=$(($(switches "${@/%schedstat/status}") - switched))
	own=$(($(cpu_time "$@") - own))
	us=$(($(now) - start))
	trace_off
}

# Sets tasks and busies: us in each period of 2 s, of each window
windows()	# KERNEL AT; without AT nothing is printed
{
	local kernel=$1 at=$2 round files us window_us own switched all busy hold

	tasks=() busies=()
	for ((round = 1; round <= windows; round++)); do
		mapfile -t files < <(est_files schedstat)
		watch_window ${files[@]+"${files[@]}"}
		tasks+=($((all * 2000 / window_us)))
		busies+=($((busy * 2000000 / window_us)))
		[[ $at ]] || continue
		if ((${#files[@]})); then
			row "$kernel" cpu_time "$at" "$round" \
				$((own * 2000 / us)) us
			row "$kernel" table_wakeups "$at" "$round" \
				"$(per_second "$switched" "$us")" 1/s
		fi
		hold=$(longest_hold)
		[[ ! $hold ]] || row "$kernel" hold "$at" "$round" "$hold" us
	done
}

least()	# NUMBER...
{
	printf '%s\n' "$@" | sort -n | sed -n 1p
}

# The guest without a table: all times are counted from there.  What is more than the
# least is what loading the modules has left to do.
windows_without()	# KERNEL
{
	windows "$1" ''
	tasks_without=$(least "${tasks[@]}")
	busy_without=$(least "${busies[@]}")
	echo "without a table: tasks ${tasks[*]} us, busy ${busies[*]} us in a period"
}

load_windows()	# KERNEL ACTIVE
{
	local at="$machine services=$services active=$2" i

	windows "$1" "$at"
	for i in "${!tasks[@]}"; do
		# What a timer does is not of any task
		! has_kthreads || row "$1" tasks_time "$at" $((i + 1)) \
			$((tasks[i] - tasks_without)) us
		row "$1" busy_time "$at" $((i + 1)) \
			$((busies[i] - busy_without)) us
	done
}

# A datagram to each active service in less than 2 s, over and over
measure_active()	# KERNEL
{
	local flood

	restore "$servers"
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
ping_round()	# KERNEL ROUND
{
	local at="$machine services=$services" cpu each=$((pings / cpus)) p50 p99 max

	load_modules "$1"
	restore "$rules"
	sleep "$settle"
	for ((cpu = 0; cpu < cpus; cpu++)); do
		ip netns exec client taskset -c "$cpu" \
			ping -n -i 0.01 -c "$each" 10.2.0.2 || true
	done | sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' | sort -n >/tmp/pings
	awk '{ v[NR] = $1 * 1000 }
	     END {
		print v[int(NR * 0.5 + 0.99)], v[int(NR * 0.99 + 0.99)], v[NR]
	     }' /tmp/pings >/tmp/percentiles
	read -r p50 p99 max </tmp/percentiles
	row "$1" ping_p50 "$at" "$2" "$p50" us
	row "$1" ping_p99 "$at" "$2" "$p99" us
	row "$1" ping_max "$at" "$2" "$max" us
	row "$1" ping_lost "$at" "$2" \
		$((each * cpus - $(wc -l </tmp/pings))) packets
	unload_modules
	sleep 3
}

measure_load()	# KERNEL
{
	load_modules "$1"
	sleep "$settle"
	windows_without "$1"
	fill "$1" 0
	sleep "$settle"
	load_windows "$1" 0
	((!active)) || measure_active "$1"
	unload_modules
	sleep 3
}

measure_wakeups()	# KERNEL
{
	local have=0 want files round start before after us

	load_modules "$1"
	has_kthreads || { unload_modules; return 0; }
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
			row "$1" wakeups "$machine netns=$want" "$round" \
				"$(per_second $((after - before)) "$us")" 1/s
		done
	done
	for (( ; have; have--)); do
		ip netns del "est$((have - 1))"
	done
	unload_modules
}
