# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Floods, and the rates that they make, compared with what is counted at the same
# time: so it does not matter how fast a guest is, but that it is as fast all the
# while.
#
# Environment: IPVS_TEST_TRIES=4 times 10 s in which rates may become right.

TRIES=${IPVS_TEST_TRIES:-4}
# Seconds of traffic before rates are compared, and over which they are then
WARM=12
WINDOW=10

# What rates are looked at, by name: a service, or nothing for the total
declare -A RATED=()
# What is counted in a second, and the rates that are shown
declare -A WANT=() FOUND=()

FLOOD_RESULTS=$(mktemp -d)
FLOOD_PIDS=()

# COMMAND runs in the client until it is stopped; its output goes to a file.
flood_start()	# NAME COMMAND...
{
	local name=$1

	shift
	ip netns exec "$CLIENT" "$@" >"$FLOOD_RESULTS/$name" &
	FLOOD_PIDS+=($!)
}

flood_stop()
{
	local pid

	for pid in ${FLOOD_PIDS[@]+"${FLOOD_PIDS[@]}"}; do
		kill "$pid" && wait "$pid"
	done
	FLOOD_PIDS=()
}

# How many datagrams or connections: of "sent N ..." or "made N"
flood_sent()	# NAME
{
	local sent

	read -r _ sent _ <"$FLOOD_RESULTS/$1"
	echo "$sent"
}

# To be called at exit
flood_end()
{
	flood_stop
	rm -rf "$FLOOD_RESULTS"
}

rated_read()	# NETNS counters|rates NAME
{
	if [[ ! ${RATED[$3]} ]]; then
		"total_$2" "$1"
	else
		# shellcheck disable=SC2086  # words are wanted
		"service_$2" "$1" ${RATED[$3]}
	fi
}

# A second, rounded, of what was counted in so many microseconds.
rates_between()	# "BEFORE" "AFTER" MICROSECONDS
{
	local before after rates=() i

	read -r -a before <<<"$1"
	read -r -a after <<<"$2"
	for i in 0 1 2 3 4; do
		rates+=($((((after[i] - before[i]) * 1000000 + $3 / 2) / $3)))
	done
	echo "${rates[@]}"
}

# Compares the rates that are shown with what is counted in WINDOW seconds before.
rated_right()	# NETNS
{
	local name right=0
	local -A begin counted

	for name in "${!RATED[@]}"; do
		counted[$name]=$(rated_read "$1" counters "$name")
		begin[$name]=${EPOCHREALTIME/[.,]/}
	done
	sleep "$WINDOW"
	for name in "${!RATED[@]}"; do
		WANT[$name]=$(rates_between "${counted[$name]}" \
			"$(rated_read "$1" counters "$name")" \
			$((${EPOCHREALTIME/[.,]/} - begin[$name])))
		FOUND[$name]=$(rated_read "$1" rates "$name")
		within "$PERCENT" "${WANT[$name]}" "${FOUND[$name]}" || right=1
	done
	return $right
}

# Waits until all are right at a time, and leaves what check_rated compares.
rated_wait()	# NETNS
{
	local try

	sleep "$WARM"
	for ((try = 0; try < TRIES; try++)); do
		! rated_right "$1" || break
	done
}

check_rated()	# NAME
{
	diag "$1: counted ${WANT[$1]}, shown ${FOUND[$1]}"
	check "$1: rates within $PERCENT %" within "$PERCENT" "${WANT[$1]}" \
		"${FOUND[$1]}"
}
