#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counters of services that are quiet and then are not.  What passes over an
# estimator may leave out, once no packet has come for a while, must be missed
# by nobody: counters are those of all packets at once after each burst from
# all CPUs, and still so after passes have found nothing more.  Rates of a
# service that was quiet for long are not above what is sent.
#
# Environment: IPVS_TEST_HAMMER=5000 packets from each CPU in each burst,
# IPVS_TEST_RATE=200 packets a second, IPVS_TEST_TCP=40 connections.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=floods.sh
. "$(dirname "$0")/floods.sh"

HAMMER=${IPVS_TEST_HAMMER:-5000}
RATE=${IPVS_TEST_RATE:-200}
TCP=${IPVS_TEST_TCP:-40}
SIZE=60
BURSTS=2
# Seconds in which there are two passes at least
PASSES=6

need_ipvs
need taskset ping
need_helpers echo_server tcp_client udp_flood

LOUD=(-u "${VIP[4]}:53")
CALM=(-u "${VIP[4]}:54")
CONNS=(-t "${VIP[4]}:80")
CPUS=$(cpus_online)

counters_of() { service_counters "$DIRECTOR" "$@"; }

# Each CPU sends from a port of its own, all of them at once.
burst()
{
	local cpu pids=()

	for ((cpu = 0; cpu < CPUS; cpu++)); do
		taskset -c "$cpu" ip netns exec "$CLIENT" \
			"$TEST_DIR/udp_flood" -n "$HAMMER" -s "$SIZE" \
			-p $((20000 + cpu)) "${VIP[4]}" 53 >/dev/null &
		pids+=($!)
	done
	for cpu in "${pids[@]}"; do
		wait "$cpu" || return 1
	done
	all_through
}

# Packets on each CPU: the first two lines are titles, the sum is '~'.
# shellcheck disable=SC2016  # fields of awk
cpus_that_counted()
{
	in_director awk 'NR > 2 && $1 ~ /^[0-9A-F]+$/ && $3 ~ /[1-9A-F]/ { n++ }
			 END { print n + 0 }' /proc/net/ip_vs_stats_percpu
}

# Like sent packets of one size that nobody has answered
sent_are()	# CONNS PACKETS
{
	echo "$1 $2 0 $(($2 * (SIZE + 28))) 0"
}

test_bursts()
{
	local n packets=0

	for ((n = 1; n <= BURSTS; n++)); do
		burst || diag "a sender failed"
		# Connections are as many as senders: ports are used again.
		packets=$((packets + CPUS * HAMMER))
		check_eq "burst $n: exact at once" \
			"$(sent_are "$CPUS" "$packets")" "$(counters_of "${LOUD[@]}")"
		sleep "$PASSES"
		check_eq "burst $n: exact after estimation" \
			"$(sent_are "$CPUS" "$packets")" "$(counters_of "${LOUD[@]}")"
	done
	check_eq "all CPUs have counted" "$CPUS" "$(cpus_that_counted)"
	in_director ipvsadm -Z
	check_eq "0 at once after -Z" "0 0 0 0 0" "$(counters_of "${LOUD[@]}")"
	sleep "$PASSES"
	check_eq "and after estimation" "0 0 0 0 0" "$(counters_of "${LOUD[@]}")"
	burst || diag "a sender failed"
	check_eq "exact at once after that" \
		"$(sent_are 0 $((CPUS * HAMMER)))" "$(counters_of "${LOUD[@]}")"
}

# Passes stop while packets come, and begin again: each of their first ones
# takes counters as a base.
test_switched()
{
	local i

	in_director ipvsadm -Z
	for i in 0 1 0 1; do
		burst &
		in_director sh -c "echo $i >$VS/run_estimation"
		wait $! || diag "a sender failed"
	done
	check_eq "exact while estimation is switched off and on" \
		"$(sent_are 0 $((4 * CPUS * HAMMER)))" "$(counters_of "${LOUD[@]}")"
}

test_connections()
{
	local found

	in_client "$TEST_DIR/tcp_client" -n "$TCP" "${VIP[4]}" 80 ||
		diag "a connection failed"
	read -r found _ <<<"$(counters_of "${CONNS[@]}")"
	check_eq "$TCP connections are read at once" "$TCP" "$found"
	in_director ipvsadm -Z
	read -r found _ <<<"$(counters_of "${CONNS[@]}")"
	check_eq "and 0 after -Z" 0 "$found"
}

# It has been quiet since it was made: what comes now came just now.
test_rates()
{
	local end want found='' spike=''

	want="0 $RATE 0 $((RATE * (SIZE + 28))) 0"
	flood_udp calm 4 54 "$RATE" -s "$SIZE" -p 21000
	end=$((SECONDS + 22))
	while ((SECONDS < end)); do
		found=$(service_rates "$DIRECTOR" "${CALM[@]}")
		not_above "$PERCENT" "1 ${want#0 }" "$found" || spike=$found
		sleep 0.3
	done
	flood_abort
	check_eq "no rate above what is sent after a time of quiet" "" "$spike"
	diag "wanted $want, found $found"
	check "and within $PERCENT % after 22 s" within "$PERCENT" "$want" "$found"
}

ktap_plan $((2 * BURSTS + 10))
topology_up
ktap_at_exit flood_end
lose_nothing
kernel_mark
topology_serve -q 9
topology_serve 7
# Connections must live until they are used again.
in_director ipvsadm --set 0 0 3000
in_director ipvsadm -A "${LOUD[@]}" -s rr
in_director ipvsadm -a "${LOUD[@]}" -r "${SERVER1_IP[4]}:9" -m
in_director ipvsadm -A "${CALM[@]}" -s rr
in_director ipvsadm -a "${CALM[@]}" -r "${SERVER1_IP[4]}:9" -m
topology_service 4 -m 7 "${CONNS[@]}"

test_connections
test_bursts
test_switched
test_rates
check "no kernel warning" kernel_quiet
