# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Part of forwarding.sh: services of the director, what is sent to them, and what
# they and their servers are to have counted then.

# Of a datagram
SIZE=333
# All that were added
SERVICES=()

udp_service() { echo "-u $(endpoint "${VIP[$1]}" "$2")"; }

bytes_of() { echo $(($2 * (SIZE + 8 + HEADER[$1]))); }

# A service whose servers may be of the other IP version.
add_service()	# "SERVICE" VERSION SERVER_PORT "SERVICE_OPTIONS" "SERVER_OPTIONS"
{
	SERVICES+=("$1")
	topology_add "$DIRECTOR" "$@"
}

# CONNS datagrams, each one's echo before the next.
send_udp()	# VERSION PORT FROM_PORT OPTION...
{
	local v=$1 port=$2 from=$3

	shift 3
	send_echoed "$v" "$port" "$CONNS" -s "$SIZE" -p "$from" "$@" ||
		diag "no answer to traffic"
}

# Two tests: of the service, and how its servers share it.
check_service()	# NAME "SERVICE" "WANTED" "EACH_SERVER"
{
	local found

	# shellcheck disable=SC2086
	found=$(list_counters "$DIRECTOR" $2)
	check_eq "$1: as sent" "$3" "$(table_service <<<"$found")"
	check_eq "$1: its servers" "$4" "$(table_each_server <<<"$found")"
}

# What service and servers count of N packets in, that make CONNS connections.
all_of() { echo "$2 $3 0 $(bytes_of "$1" "$3") 0"; }	# VERSION CONNS PACKETS
half_each() { echo "$(all_of "$1" $(($2 / 2)) $(($3 / 2)))" \
		   "$(all_of "$1" $(($2 / 2)) $(($3 / 2)))"; }
one_only() { echo "0 0 0 0 0 $(all_of "$@")"; }
