# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The rates that floods make, compared with what is counted at the same time and
# averaged here as an estimator does, a quarter of the way in 2 s.  So it does not
# matter how fast a guest is, nor that it is faster at one time than at another.
# What is shown is as of the last sample, which may be 2 s old and a little more: it
# is compared with what the average was since, for SCTP comes in bursts on a busy
# machine, when what was held up is made good.
#
# Environment: IPVS_TEST_TRIES=4 times 10 s in which rates may become right.

# shellcheck source=floods.sh
. "$TEST_DIR/floods.sh"

TRIES=${IPVS_TEST_TRIES:-4}
# Seconds of traffic before rates are compared, and from one try to the next
WARM=22
WINDOW=10
# How old a sample may be, in microseconds: 2 s, 0.4 s by which it may have been early
# and the next is not, and a tick or so
OLDEST=2500000

# What rates are looked at, by name: a service, or nothing for the total
declare -A RATED=()
# What the rates should be by what was counted, the least and the most, and what is
# shown
declare -A LOW=() HIGH=() FOUND=()

RATED_SAMPLES=$FLOOD_RESULTS/.samples

rated_read()	# NETNS counters|rates NAME
{
	if [[ ! ${RATED[$3]} ]]; then
		"total_$2" "$1"
	else
		# shellcheck disable=SC2086  # words are wanted
		"service_$2" "$1" ${RATED[$3]}
	fi
}

# What was counted until now, a line for each: NAME MICROSECONDS COUNTERS...
rated_sample()	# NETNS
{
	local name counters

	for name in "${!RATED[@]}"; do
		counters=$(rated_read "$1" counters "$name")
		echo "$name ${EPOCHREALTIME/[.,]/} $counters"
	done >>"$RATED_SAMPLES"
}

# The rates of NAME by its samples, from those that were shown at first on: the least
# and the most, a line each, that they were while the last sample may have been taken.
# What is left of an average after 2 s is 3/4, after a tenth of one the 20th root of
# it; busybox has no powers.
rated_average()	# NAME
{
	awk -v name="$1" -v oldest="$OLDEST" '
	$1 != name	{ next }
	!shown++	{ for (i = 0; i < 5; i++) avg[i] = $(3 + i); next }
	at		{
		s = ($2 - at) / 1000000
		left = 1
		for (i = 0; i < 10 * s; i++)
			left *= 0.985719
		for (i = 0; i < 5; i++) {
			rate = ($(3 + i) - was[i]) / s
			avg[i] += (1 - left) * (rate - avg[i])
			past[n, i] = avg[i]
		}
		taken[n++] = $2
	}
			{
		at = $2
		for (i = 0; i < 5; i++)
			was[i] = $(3 + i)
	}
	END		{
		# The first that is too old ends the second that is old enough
		for (k = n - 1; k >= 0; k--) {
			for (i = 0; i < 5; i++) {
				if (k == n - 1 || past[k, i] < low[i])
					low[i] = past[k, i]
				if (k == n - 1 || past[k, i] > high[i])
					high[i] = past[k, i]
			}
			if (taken[k] < at - oldest)
				break
		}
		for (i = 0; i < 5; i++)
			printf "%.0f%s", low[i], i < 4 ? " " : "\n"
		for (i = 0; i < 5; i++)
			printf "%.0f%s", high[i], i < 4 ? " " : "\n"
	}' "$RATED_SAMPLES"
}

rated_as_counted()	# NAME
{
	not_above "$PERCENT" "${HIGH[$1]}" "${FOUND[$1]}" &&
		not_below "$PERCENT" "${LOW[$1]}" "${FOUND[$1]}"
}

# Samples for so many seconds, then compares all.
rated_right()	# NETNS SECONDS
{
	local end=$((SECONDS + $2)) name right=0

	while ((SECONDS < end)); do
		rated_sample "$1"
		sleep 1
	done
	for name in "${!RATED[@]}"; do
		rated_sample "$1"
		FOUND[$name]=$(rated_read "$1" rates "$name")
		{ read -r LOW["$name"] && read -r HIGH["$name"]; } \
			<<<"$(rated_average "$name")" || right=1
		rated_as_counted "$name" || right=1
	done
	return $right
}

# Waits until all are right at a time, and leaves what check_rated compares.
rated_wait()	# NETNS
{
	local name try

	for name in "${!RATED[@]}"; do
		echo "$name shown $(rated_read "$1" rates "$name")"
	done >"$RATED_SAMPLES"
	rated_right "$1" "$WARM" && return
	for ((try = 1; try < TRIES; try++)); do
		! rated_right "$1" "$WINDOW" || break
	done
}

check_rated()	# NAME
{
	diag "$1: by what was counted from ${LOW[$1]} to ${HIGH[$1]}, shown ${FOUND[$1]}"
	check "$1: rates within $PERCENT %" rated_as_counted "$1"
}
