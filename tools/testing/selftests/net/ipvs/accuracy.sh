#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Estimated rates follow true ones as a moving average of weight 1/4 every 2 s
# does, for traffic that begins (step), comes at once (burst), grows (ramp) and
# ends (decay); and they stay right when the kthread is short of CPU time.
#
# What was seen is printed as '# data IDLE|BUSY SHAPE MS PLANNED COUNTED ESTIMATED':
# the rate that should be sent, packets that were counted, the rate that is shown;
# so this test also makes plots, and runs on other kernels for comparison.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_ipvs
need_helpers udp_flood
need taskset
own_netns "$0" "$@"

SHAPES=(step burst ramp decay)
RATE=200	# of step and decay, a second
BURST=1000	# packets, in a second
START=4000	# step, burst and ramp begin, ms
STOP=20000	# decay begins
END=44000
RAMP_STEP=10	# a second, each second
RAMP_END=28000
pids=()
results=$(mktemp -d)

service() { echo "192.0.2.1:$((5000 + $1))"; }

clean_up()
{
	local pid

	for pid in ${pids[@]+"${pids[@]}"}; do
		kill "$pid"
	done
	ipvsadm -C
	rm -rf "$results"
}

# --- Traffic -----------------------------------------------------------------

sleep_until()	# MS
{
	local ms=$((BEGIN + $1 - $(now_ms)))

	((ms <= 0)) || sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

# So many packets at this rate.  FROM tells those apart that run at a time.
send_packets()	# SHAPE RATE COUNT [FROM]
{
	"$TEST_DIR/udp_flood" -n "$3" -r "$2" -p $((20000 + $1 * 1000 + ${4:-0})) \
		192.0.2.1 $((5000 + $1)) >/dev/null
}

send_step()
{
	sleep_until $START
	send_packets 0 $RATE $((RATE * (END - START) / 1000))
}

send_burst()
{
	sleep_until $START
	send_packets 1 $BURST $BURST
}

send_ramp()
{
	local ms rate=0

	for ((ms = START; ms < END; ms += 1000)); do
		((ms >= RAMP_END)) || rate=$((rate + RAMP_STEP))
		sleep_until $ms
		send_packets 2 $rate $rate $((ms / 1000)) &
	done
	wait
}

send_decay()
{
	send_packets 3 $RATE $((RATE * STOP / 1000))
}

# What should be sent of each shape at a time
planned()	# MS
{
	local ms=$1 steps step=0 burst=0 ramp=0 decay=0

	if ((ms >= START)); then
		step=$RATE
		((ms >= START + 1000)) || burst=$BURST
		steps=$(((ms < RAMP_END ? ms : RAMP_END - 1) / 1000 -
			START / 1000 + 1))
		ramp=$((steps * RAMP_STEP))
	fi
	((ms >= STOP)) || decay=$RATE
	echo "$step $burst $ramp $decay"
}

# --- A run -------------------------------------------------------------------

# Packets in, or their rate, of the services in their order
shown()	# --stats|--rate
{
	ipvsadm -Ln "$1" --exact | awk '$1 == "UDP" { print $2, $4 }' | sort |
		awk '{ printf "%s ", $2 }'
}

run_shapes()	# IDLE|BUSY
{
	local i ms rates counts estimates

	for i in "${!SHAPES[@]}"; do
		ipvsadm -A -u "$(service "$i")" -s rr
		ipvsadm -a -u "$(service "$i")" -r 198.51.100.1:9 -m
	done
	# Placed, and sampled once
	sleep 4
	BEGIN=$(now_ms)
	pids=()
	for i in "${SHAPES[@]}"; do
		"send_$i" &
		pids+=($!)
	done
	while (($(now_ms) - BEGIN < END)); do
		read -r -a estimates <<<"$(shown --rate)"
		ms=$(($(now_ms) - BEGIN))
		read -r -a counts <<<"$(shown --stats)"
		read -r -a rates <<<"$(planned $ms)"
		for i in "${!SHAPES[@]}"; do
			echo "data $1 ${SHAPES[i]} $ms ${rates[i]} ${counts[i]}" \
				"${estimates[i]}"
		done
		sleep 0.4
	done >"$results/$1"
	wait "${pids[@]}" || true
	pids=()
	sed 's/^/# /' "$results/$1"
	ipvsadm -C
}

# --- What the estimates must be ----------------------------------------------

# What all expressions below may use, for grid times S, multiples of 250 ms:
# sum[S] is how many packets were counted by then, avg[S] what a sample taken at S
# makes of this one and all those each 2 s before.  Prints what is outside of
# low..high.
judge()	# IDLE|BUSY SHAPE AWK_STATEMENTS
{
	awk -v shape="$2" -v p="$PERCENT" '
		# Between two looks as if packets came evenly
		function at(t)
		{
			if (t <= time[1])
				return 0
			while (next_look < n && time[next_look] < t)
				next_look++
			if (time[next_look] < t)
				return count[n]
			return count[next_look] - (time[next_look] - t) * \
				(count[next_look] - count[next_look - 1]) / \
				(time[next_look] - time[next_look - 1])
		}
		function make_grid(    s)
		{
			next_look = 2
			for (s = 0; s <= time[n]; s += 250) {
				sum[s] = at(s)
				avg[s] = avg[s - 2000] + ((sum[s] - \
					sum[s - 2000]) / 2 - avg[s - 2000]) / 4
			}
		}
		# Samples are each 2 s, at any phase, and late by less than a
		# period: the last one was within two
		function averages(t,    s)
		{
			low = 1e9
			high = 0
			for (s = int(t / 250) * 250; s > t - 3750; s -= 250) {
				low = avg[s] + 0 < low ? avg[s] + 0 : low
				high = avg[s] + 0 > high ? avg[s] + 0 : high
			}
		}
		# The most that was counted in a second so far, the least that a
		# sample covers
		function most(t,    s)
		{
			low = high = 0
			for (s = 1000; s <= t; s += 250)
				if (sum[s] - sum[s - 1000] > high)
					high = sum[s] - sum[s - 1000]
		}
		$3 == shape { time[++n] = $4; count[n] = $6; est[n] = $7 }
		END {
			if (n < 10 || !count[n]) {
				print n + 0 " looks, " count[n] + 0 " packets"
				exit
			}
			make_grid()
			for (i = 2; i <= n; i++) {
				'"$3"'
				if (est[i] < low * (1 - p / 100) - 5 ||
				    est[i] > high * (1 + p / 100) + 5)
					print time[i] " ms: " est[i] \
						" is not in " low " to " high
			}
		}' "$results/$1" || echo "awk has failed"
}

check_follows()	# NAME SHAPE
{
	check_eq "$1" "" "$(judge IDLE "$2" 'averages(time[i])' | sed -n 1,5p)"
}

check_not_above()	# NAME SHAPE
{
	check_eq "$1" "" "$(judge BUSY "$2" 'most(time[i])' | sed -n 1,5p)"
}

last_estimate()	# IDLE|BUSY SHAPE
{
	awk -v shape="$2" '$3 == shape { est = $7 } END { print est }' "$results/$1"
}

# A second in the last 10 s
last_rate()	# IDLE|BUSY SHAPE
{
	awk -v shape="$2" -v from=$((END - 10000)) '
		$3 == shape && $4 >= from {
			if (!first) {
				first = $4
				before = $6
			}
			rate = $4 > first ? ($6 - before) * 1000 / ($4 - first) : 0
		}
		END { printf "%d\n", rate }' "$results/$1"
}

test_idle()
{
	run_shapes IDLE
	check_follows "a step is followed as by an average of weight 1/4" step
	check_follows "so is a burst" burst
	check_follows "so is a ramp" ramp
	check_follows "so is the end of traffic" decay
}

# A task that takes what it can, where the kthreads run
test_busy()
{
	local cpu=1 busy

	[[ -e /sys/devices/system/cpu/cpu1 ]] || cpu=0
	nice_max >"$VS/est_nice"
	echo $cpu >"$VS/est_cpulist"
	taskset -c $cpu sh -c 'while :; do :; done' &
	busy=$!
	run_shapes BUSY
	kill "$busy"
	wait "$busy" 2>/dev/null || true
	check_not_above "late: a step is not overshot" step
	check_not_above "late: nor is a ramp" ramp
	check "late: a steady rate is right in the end" within $((PERCENT * 2)) \
		"$(last_rate BUSY step)" "$(last_estimate BUSY step)"
	check "late: and no traffic is none, but for what is left" \
		test "$(last_estimate BUSY decay)" -le $((RATE / 20))
}

ktap_plan 9
ktap_at_exit clean_up
kernel_mark
ip route add local 192.0.2.1 dev lo
ip route add local 198.51.100.1 dev lo
test_idle
test_busy
check "no kernel warning" kernel_quiet
