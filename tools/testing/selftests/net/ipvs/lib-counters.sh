# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Part of lib.sh: counters and rates, as users read them.
#
# In this order: connections, packets in, packets out, bytes in, bytes out.
# SERVICE is '-t ADDR:PORT', '-u ADDR:PORT' or '-f MARK [-6]'.

table_service()
{
	awk '$1 ~ /^(TCP|UDP|SCTP|FWM)$/ {
		print $(NF-4), $(NF-3), $(NF-2), $(NF-1), $NF }'
}

# The sum of all servers that are listed.
table_servers()
{
	awk '$1 == "->" && $NF ~ /^[0-9]+$/ {
			for (i = 0; i < 5; i++)
				sum[i] += $(NF - i)
		}
		END {
			printf "%d %d %d %d %d\n", sum[4], sum[3], sum[2],
				sum[1], sum[0]
		}'
}

# Each server's, in the order of numbers: no matter which is the first.
table_each_server()
{
	awk '$1 == "->" && $NF ~ /^[0-9]+$/ {
		print $(NF-4), $(NF-3), $(NF-2), $(NF-1), $NF }' | sort -n | xargs
}

stock_wait()
{
	[[ ! ${IPVS_TEST_STOCK:-} ]] || sleep "$IPVS_TEST_STOCK"
}

list_counters()	# NETNS SERVICE...
{
	local ns=$1

	shift
	stock_wait
	ip netns exec "$ns" ipvsadm -Ln --stats --exact "$@"
}

service_counters()	# NETNS SERVICE...
{
	list_counters "$@" | table_service
}

servers_counters()	# NETNS SERVICE...
{
	list_counters "$@" | table_servers
}

service_rates()	# NETNS SERVICE...
{
	local ns=$1

	shift
	ip netns exec "$ns" ipvsadm -Ln --rate --exact "$@" | table_service
}

servers_rates()	# NETNS SERVICE...
{
	local ns=$1

	shift
	ip netns exec "$ns" ipvsadm -Ln --rate --exact "$@" | table_servers
}

# One of them is not 0, in the namespace of the script.
has_rate()	# SERVICE...
{
	[[ $(ipvsadm -Ln --rate --exact "$@" | table_service) =~ [1-9] ]]
}

decimal()	# HEX...
{
	local out=() v

	for v in "$@"; do
		out+=($((16#$v)))
	done
	echo "${out[@]}"
}

# Of all services of a namespace, from /proc/net/ip_vs_stats.
total_counters()	# NETNS
{
	stock_wait
	# shellcheck disable=SC2046  # words are wanted
	decimal $(ip netns exec "$1" sed -n 3p /proc/net/ip_vs_stats)
}

total_rates()	# NETNS
{
	# shellcheck disable=SC2046
	decimal $(ip netns exec "$1" sed -n 6p /proc/net/ip_vs_stats)
}

# As the total should be.
sum_of_services()	# NETNS "SERVICE"...
{
	local ns=$1 s all=()

	shift
	for s in "$@"; do
		# shellcheck disable=SC2086  # words are wanted
		all+=("$(service_counters "$ns" $s)")
	done
	add_counters "${all[@]}"
}

# The '~' line of /proc/net/ip_vs_stats_percpu.
percpu_total()	# NETNS
{
	# shellcheck disable=SC2046
	decimal $(ip netns exec "$1" sed -n 's/^ *~ //p' \
		/proc/net/ip_vs_stats_percpu | sed -n 1p)
}

# The sum of its lines for each CPU.
percpu_sum()	# NETNS
{
	local sum=(0 0 0 0 0) cpu line i

	while read -r cpu line; do
		[[ $cpu =~ ^[0-9A-F]+$ ]] || continue
		# shellcheck disable=SC2086
		read -r -a line <<<"$(decimal $line)"
		for i in 0 1 2 3 4; do
			sum[i]=$((sum[i] + line[i]))
		done
	done < <(ip netns exec "$1" cat /proc/net/ip_vs_stats_percpu |
		awk '$1 == "~" { total = 1 } NR > 2 && !total')
	echo "${sum[@]}"
}

# Connections that IPVS has at a port, templates included.
entries()	# NETNS PORT
{
	# shellcheck disable=SC2016  # awk's
	ip netns exec "$1" awk -v port="$(printf %04X "$2")" '$5 == port' \
		/proc/net/ip_vs_conn | wc -l
}

# Waits until nothing is under way any more: the total has not changed for 0.5 s.
counters_settle()	# NETNS
{
	local last='' now i

	for ((i = 0; i < IPVS_TEST_WAIT; i++)); do
		now=$(total_counters "$1")
		[[ $now != "$last" ]] || return 0
		last=$now
		sleep 0.5
	done
	return 1
}

add_counters()	# "5 NUMBERS"...
{
	local sum=(0 0 0 0 0) one i

	for one in "$@"; do
		read -r -a one <<<"$one"
		for i in 0 1 2 3 4; do
			sum[i]=$((sum[i] + one[i]))
		done
	done
	echo "${sum[@]}"
}

# Each of the numbers is within so many percent of its like.
within()	# PERCENT "WANTED..." "FOUND..."
{
	not_below "$@" && not_above "$@"
}

# None of the numbers is more than so many percent below its like.
not_below()	# PERCENT "LIMIT..." "FOUND..."
{
	local percent=$1 limit found i

	read -r -a limit <<<"$2"
	read -r -a found <<<"$3"
	((${#limit[@]} && ${#limit[@]} == ${#found[@]})) || return 1
	for ((i = 0; i < ${#limit[@]}; i++)); do
		((found[i] * 100 >= limit[i] * (100 - percent))) || return 1
	done
}

# None of the numbers is more than so many percent above its like.
not_above()	# PERCENT "LIMIT..." "FOUND..."
{
	local percent=$1 limit found i

	read -r -a limit <<<"$2"
	read -r -a found <<<"$3"
	((${#limit[@]} && ${#limit[@]} == ${#found[@]})) || return 1
	for ((i = 0; i < ${#limit[@]}; i++)); do
		((found[i] * 100 <= limit[i] * (100 + percent))) || return 1
	done
}
