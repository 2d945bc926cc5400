# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Traffic in the background: what the client of topology.sh sends until it is
# stopped, and how much of it there was.

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

# Datagrams to a port of the virtual address, so many a second.
flood_udp()	# NAME VERSION PORT RATE OPTION...
{
	local name=$1 v=$2 port=$3 rate=$4

	shift 4
	flood_start "$name" "$TEST_DIR/udp_flood" -n 0 -r "$rate" "$@" \
		"${VIP[v]}" "$port"
}

# They must all be there and end well: see flood_abort.
flood_stop()
{
	local pid

	for pid in ${FLOOD_PIDS[@]+"${FLOOD_PIDS[@]}"}; do
		kill "$pid" && wait "$pid"
	done
	FLOOD_PIDS=()
}

# Whatever has become of them: they may have failed when the director went.
flood_abort()
{
	flood_stop 2>/dev/null || true
	FLOOD_PIDS=()
}

# How many datagrams or connections: of "sent N ..." or "made N"
flood_sent()	# NAME
{
	local sent

	read -r _ sent _ <"$FLOOD_RESULTS/$1"
	echo "$sent"
}

# To be called at exit, whatever the reason
flood_end()
{
	flood_abort
	rm -rf "$FLOOD_RESULTS"
}
