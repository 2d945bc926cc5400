#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A server that is deleted while it has connections goes to the trash, and comes
# back from there when it is added again.  Done in a tight loop under traffic,
# its counters stay those of the service, no rate gets higher than what is sent,
# and after 20 s of peace the rates are what is counted.
#
# Environment: IPVS_TEST_RATE=200 packets a second, IPVS_TEST_LOOP=10 seconds in
# the loop and IPVS_TEST_TIMES=100 times at least, IPVS_TEST_STEADY=20 seconds of
# peace.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=floods.sh
. "$(dirname "$0")/floods.sh"

RATE=${IPVS_TEST_RATE:-200}
LOOP=${IPVS_TEST_LOOP:-10}
TIMES=${IPVS_TEST_TIMES:-100}
STEADY=${IPVS_TEST_STEADY:-20}
SIZE=100

need_ipvs
need_helpers echo_server udp_flood

SERVICE=(-u "${VIP[4]}:53")
SERVER=(-r "${SERVER1_IP[4]}:7")
BYTES=$((RATE * (SIZE + 28)))
WANT="0 $RATE $RATE $BYTES $BYTES"

server_counters() { servers_counters "$DIRECTOR" "${SERVICE[@]}"; }
own_counters() { service_counters "$DIRECTOR" "${SERVICE[@]}"; }

# For one process: so it is many times a second.
revivals()
{
	local n

	for ((n = 0; n < 50; n++)); do
		echo "-d ${SERVICE[*]} ${SERVER[*]}"
		echo "-a ${SERVICE[*]} ${SERVER[*]} -m"
	done
}

revive_loop()
{
	local end=$((SECONDS + LOOP)) n=0 found

	while ((SECONDS < end || n < TIMES)); do
		revivals | in_director ipvsadm -R || return 1
		n=$((n + 50))
		found=$(servers_rates "$DIRECTOR" "${SERVICE[@]}")
		not_above "$PERCENT" "$WANT" "$found" || {
			diag "server: wanted at most $WANT, found $found"
			spikes=$((spikes + 1))
		}
		found=$(total_rates "$DIRECTOR")
		not_above "$PERCENT" "$WANT" "$found" || {
			diag "total: wanted at most $WANT, found $found"
			spikes=$((spikes + 1))
		}
	done
	revived=$n
}

# The rates at which the service counts, the lowest and the highest of 5 s each.
# Counters are read at some time between two looks at the clock.
watch_peace()	# SECONDS
{
	local end=$((SECONDS + $1)) i n from_early from_late early late was now

	low=() high=()
	from_early=$(now_ms)
	read -r -a was <<<"$(own_counters)"
	from_late=$(now_ms)
	while ((SECONDS < end)); do
		sleep 5
		early=$(now_ms)
		read -r -a now <<<"$(own_counters)"
		late=$(now_ms)
		for i in "${!now[@]}"; do
			n=$(((now[i] - was[i]) * 1000 / (late - from_early)))
			((n >= ${low[i]:-n})) || low[i]=$n
			: "${low[i]:=$n}"
			n=$(((now[i] - was[i]) * 1000 / (early - from_late)))
			((n <= ${high[i]:-n})) || high[i]=$n
			: "${high[i]:=$n}"
		done
		was=("${now[@]}") from_early=$early from_late=$late
	done
	diag "counted from ${low[*]} to ${high[*]}"
}

# An average of samples is not outside of what they are made of, but for what the
# loop has left in it.
as_counted()	# "RATES..."
{
	local rates i

	read -r -a rates <<<"$1"
	((${#rates[@]} == ${#low[@]} && rates[1] > 0)) || return 1
	for i in "${!rates[@]}"; do
		((rates[i] * 100 >= low[i] * (100 - PERCENT) &&
		  rates[i] * 100 <= high[i] * (100 + PERCENT))) || return 1
	done
}

ktap_plan 10
topology_up
ktap_at_exit flood_end
kernel_mark
topology_serve 7
in_director ipvsadm -A "${SERVICE[@]}" -s rr
in_director ipvsadm -a "${SERVICE[@]}" "${SERVER[@]}" -m
# An echo that comes after its socket is closed gets an error, which is counted
rule_add "$CLIENT" 4 errors OUTPUT -p icmp -j DROP
rule_add "$SERVER1" 4 arrived PREROUTING -p udp --dport 7

flood_udp service 4 53 "$RATE" -s "$SIZE" -p 10000
sleep 2

spikes=0 revived=0
check "the server is deleted and added all the time" revive_loop
diag "$revived times"
check_eq "no rate was above what is sent" 0 "$spikes"

watch_peace "$STEADY"
for what in service_rates servers_rates; do
	found=$("$what" "$DIRECTOR" "${SERVICE[@]}")
	diag "sent $WANT, found $found"
	check "$what within $PERCENT % of what is counted" as_counted "$found"
done
found=$(total_rates "$DIRECTOR")
diag "sent $WANT, found $found"
check "total rates within $PERCENT % of what is counted" as_counted "$found"

flood_stop
counters_settle "$DIRECTOR"
sleep 1
counted=$(own_counters)
check_eq "counters of the server are those of the service" "$counted" \
	"$(server_counters)"
check_eq "and of the namespace" "$counted" "$(total_counters "$DIRECTOR")"

# Each deletion may fall between the counting of a packet and its sending.
read -r -a arrived <<<"$(rule_read "$SERVER1" 4 arrived)"
read -r -a counted <<<"$counted"
diag "$((arrived[0] - counted[1])) packets more than counted have arrived," \
	"of ${arrived[0]}"
check "all but $revived packets that arrived were counted" test \
	"$((counted[1] <= arrived[0] && counted[1] >= arrived[0] - revived))" = 1
check_eq "bytes belong to the packets" "$((counted[1] * (SIZE + 28)))" \
	"${counted[3]}"
check "no kernel warning" kernel_quiet
