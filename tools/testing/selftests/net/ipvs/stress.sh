#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything at once, for a long time: services and servers are added, changed
# and deleted by several processes, in one namespace beside services whose
# traffic is counted, in another one under traffic; all sysctls are rewritten,
# tables dumped and zeroed, namespaces born and killed, CPUs taken offline.  At
# the end the counters are what was sent, and nothing is stuck or left.
#
# Environment: IPVS_TEST_SECONDS=600, IPVS_TEST_SEED (printed; the streams of
# operations follow from it, their interleaving does not), IPVS_TEST_RATE=200
# datagrams a second of each of the five senders.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"
# shellcheck source=load.sh
. "$(dirname "$0")/load.sh"

LENGTH=${IPVS_TEST_SECONDS:-600}
SEED=${IPVS_TEST_SEED:-$((SRANDOM % 1000000))}
RATE=${IPVS_TEST_RATE:-200}
# What is asked while all of this goes on takes its time.
IPVS_TEST_WAIT=$((IPVS_TEST_WAIT + LENGTH))

# Senders to services that stay, as -u VIP:PORT; the last one waits for echoes
SENDERS=(1000 1001 1002 1003 1004)
# Ports of services that come and go: 3000 and so many more
CHURN=60
SCHEDULERS=(rr wrr lc wlc sh mh)

need_ipvs
need_helpers echo_server udp_flood
need timeout unshare taskset ping

# --- Workers -----------------------------------------------------------------

random_service()
{
	local port=$((3000 + RANDOM % CHURN))

	case $((RANDOM % 5)) in
	0) echo "-t ${VIP[4]}:$port" ;;
	1) echo "-t [${VIP[6]}]:$port" ;;
	2) echo "-f $port" ;;
	*) echo "-u ${VIP[4]}:$port" ;;
	esac
}

# Lines for ipvsadm -R; many of them are refused, as there is no such service.
random_rules()	# COUNT
{
	local i service server

	for ((i = 0; i < $1; i++)); do
		service=$(random_service)
		server=10.2.1.$((2 + RANDOM % 4))
		[[ $service != *[* ]] || server="[fd02:1::$((2 + RANDOM % 4))]"
		[[ $service == -f* ]] || server+=:7
		case $((RANDOM % 12)) in
		0 | 1 | 2)
			echo "-A $service -s ${SCHEDULERS[RANDOM % 6]}" ;;
		3)	echo "-E $service -s ${SCHEDULERS[RANDOM % 6]} -p 60" ;;
		4 | 5)	echo "-D $service" ;;
		6 | 7 | 8)
			echo "-a $service -r $server -m -w $((RANDOM % 3))" ;;
		9)	echo "-e $service -r $server -m -w $((RANDOM % 3))" ;;
		10)	echo "-d $service -r $server" ;;
		11)	echo "-Z $service" ;;
		esac
	done
}

churn()	# PREFIX
{
	random_rules $((10 + RANDOM % 40)) | "$1" ipvsadm -R
}

# Datagrams to a service that stays; the file gets what must have been counted.
send_counted()	# NUMBER PORT
{
	local count=$((100 + RANDOM % 400)) size=$((20 + RANDOM % 400)) sent
	local file=$LOAD_DIR/sent.$2 port old opt=()

	(($1 < ${#SENDERS[@]} - 1)) || opt=(-e)
	old=(0 0 0 0 0)
	[[ ! -e $file ]] || read -r -a old <"$file"
	# A connection for each call: a port that has not been used before
	port=$((10000 + 10000 * $1 + old[0] % 10000))
	# shellcheck disable=SC2207
	sent=($(in_client "$TEST_DIR/udp_flood" "${opt[@]}" -n "$count" -r "$RATE" \
		-s "$size" -p "$port" "${VIP[4]}" "$2"))
	size=$((size + 28))
	add_counters "${old[*]}" \
		"1 ${sent[1]} ${sent[3]} $((sent[1] * size)) $((sent[3] * size))" \
		>"$file.new"
	mv "$file.new" "$file"
}

# Datagrams to services that come and go, if they are there.
send_other()
{
	in_other "$TEST_DIR/udp_flood" -n 300 -r "$RATE" -c \
		-p $((10000 + RANDOM)) "${VIP[4]}" $((3000 + RANDOM % CHURN))
}

random_cpulist()
{
	local first=$((RANDOM % CPUS))

	case $((RANDOM % 6)) in
	0) echo ;;
	1) echo "$ALL" ;;
	*) echo "$first-$((first + RANDOM % (CPUS - first)))" ;;
	esac
}

write_sysctls()	# PREFIX
{
	local value

	case $((RANDOM % 3)) in
	0) value="$(random_cpulist) est_cpulist" ;;
	1) value="$((RANDOM % (21 + NICE_MAX) - 20)) est_nice" ;;
	2) value="$((RANDOM % 2)) run_estimation" ;;
	esac
	"$1" sh -c "echo ${value% *} >$VS/${value##* }"
}

dump()	# PREFIX
{
	"$1" ipvsadm -Ln --stats
	"$1" ipvsadm -Ln --rate
	"$1" cat /proc/net/ip_vs /proc/net/ip_vs_stats_percpu
}

zero() { in_other ipvsadm -Z; }

# Totals never go back, and no rate is beyond all bounds: a negative difference
# would be read as 2^40 and more.
watch_totals()
{
	local now i last=(0 0 0 0 0)

	[[ ! -e $LOAD_DIR/last ]] || read -r -a last <"$LOAD_DIR/last"
	read -r -a now <<<"$(total_counters "$DIRECTOR")"
	for i in 0 1 2 3 4; do
		((now[i] >= last[i])) || echo "${last[*]}: ${now[*]}" >>"$LOAD_DIR/back"
	done
	echo "${now[*]}" >"$LOAD_DIR/last"
	for now in $(total_rates "$DIRECTOR") \
		   $(service_rates "$DIRECTOR" -u "${VIP[4]}:1000"); do
		((now < 1000000000)) || echo "$now" >>"$LOAD_DIR/spikes"
	done
}

# A namespace that is killed after an instant, in whatever state.
born_and_killed()
{
	random_rules 20 >"$LOAD_DIR/rules"
	many_services 200 >>"$LOAD_DIR/rules"
	timeout -s KILL "$((RANDOM % 4)).$((1 + RANDOM % 9))" unshare --net bash -c "
		ipvsadm -R <$LOAD_DIR/rules
		echo -5 >$VS/est_nice
		echo 0 >$VS/run_estimation
		echo 1 >$VS/run_estimation
		ipvsadm -Ln --stats
		sleep 5"
}

# Ends with all CPUs online.
offline_online()
{
	local cpu=$((1 + RANDOM % (CPUS - 1)))

	set_online "$cpu" 0
	sleep "0.$((RANDOM % 9))"
	set_online "$cpu" 1
	sleep "0.$((RANDOM % 9))"
}

all_online()
{
	local cpu

	for ((cpu = 1; cpu < CPUS; cpu++)); do
		[[ ! -w /sys/devices/system/cpu/cpu$cpu/online ]] ||
			set_online "$cpu" 1
	done
}

start_workers()
{
	local i

	for i in "${!SENDERS[@]}"; do
		load_start "send$i" $((SEED + i)) send_counted "$i" "${SENDERS[i]}"
	done
	for i in 1 2; do
		load_start "churn$i" $((SEED + 10 + i)) churn in_director
		load_start "other_churn$i" $((SEED + 20 + i)) churn in_other
		load_start "other_send$i" $((SEED + 30 + i)) send_other
	done
	load_start sysctl $((SEED + 40)) write_sysctls in_director
	load_start other_sysctl $((SEED + 41)) write_sysctls in_other
	load_start dump $((SEED + 42)) dump in_director
	load_start other_dump $((SEED + 43)) dump in_other
	load_start watch $((SEED + 44)) watch_totals
	load_start zero $((SEED + 45)) zero
	load_start netns $((SEED + 46)) born_and_killed
	load_start cpu $((SEED + 47)) offline_online
}

# --- What is left ------------------------------------------------------------

set_up()
{
	local i port

	topology_up
	est_find_id in_director || diag "found no id: '$EST_ID'"
	# Where services come and go under traffic
	topology_other
	in_other ip addr add "${VIP[4]}/32" dev lo
	in_other ip addr add 10.2.1.2/32 dev lo
	in_other "$TEST_DIR/echo_server" 10.2.1.2 7 >/dev/null
	lose_nothing
	in_server1 "$TEST_DIR/echo_server" -q "${SERVER1_IP[4]}" 9 >/dev/null
	in_server1 "$TEST_DIR/echo_server" "${SERVER1_IP[4]}" 7 >/dev/null
	for i in "${!SENDERS[@]}"; do
		port=9
		((i < ${#SENDERS[@]} - 1)) || port=7
		in_director ipvsadm -A -u "${VIP[4]}:${SENDERS[i]}" -s rr
		in_director ipvsadm -a -u "${VIP[4]}:${SENDERS[i]}" \
			-r "${SERVER1_IP[4]}:$port" -m
	done
}

check_counters()
{
	local port total sent=()

	for port in "${SENDERS[@]}"; do
		sent+=("$(<"$LOAD_DIR/sent.$port")")
		check_eq "service $port has counted what was sent" "${sent[-1]}" \
			"$(service_counters "$DIRECTOR" -u "${VIP[4]}:$port")"
	done
	total=$(add_counters "${sent[@]}")
	check_eq "and the namespace the sum of it" "$total" \
		"$(total_counters "$DIRECTOR")"
	check_eq "so have its CPUs" "$total" "$(percpu_sum "$DIRECTOR")"
	check_eq "no total ever went back" "" "$(cat "$LOAD_DIR/back" 2>/dev/null)"
	check_eq "no rate was beyond all bounds" "" \
		"$(cat "$LOAD_DIR/spikes" 2>/dev/null)"
}

default_sysctls()	# NETNS
{
	answers ip netns exec "$1" sh -c "
		echo $ALL >$VS/est_cpulist
		echo 0 >$VS/est_nice
		echo 1 >$VS/run_estimation"
}

clears()	# NETNS
{
	answers ip netns exec "$1" ipvsadm -C &&
		[[ ! $(ip netns exec "$1" ipvsadm -Sn) ]]
}

no_tasks_at_all()
{
	[[ $(est_tasks) == "" ]]
}

# Nothing holds the module any more: connections, namespaces, schedulers.
unloads()
{
	local m

	for m in "${SCHEDULERS[@]}"; do
		rmmod "ip_vs_$m" 2>/dev/null || true
	done
	rmmod ip_vs 2>/dev/null
}

ktap_plan $((${#SENDERS[@]} + 17))
ktap_at_exit load_clean_up
ktap_at_exit all_online
diag "seed $SEED, $LENGTH s"
kernel_mark
CPUS=$(cpus_online)
for m in "${SCHEDULERS[@]}"; do modprobe -q "ip_vs_$m" || true; done
set_up
ALL=$(in_director cat "$VS/est_cpulist")
NICE_MAX=$(nice_max)
before=$(percpu_settled)

start_workers
for ((i = 0; i < LENGTH; i += 10)); do
	sleep 10
	((i % 60)) || diag "$i s: totals $(cat "$LOAD_DIR/last" 2>/dev/null)"
done
load_stop
check "all workers end" wait_until load_ended
check "each has done something" load_each_did
all_online
all_through || diag "the director does not answer"
check_counters

check "sysctls can be written" default_sysctls "$DIRECTOR"
check "in the other namespace too" default_sysctls "$OTHER"
check "its tasks run, on all CPUs" wait_until tasks_on "$EST_ID" "$ALL"
check "with nice 0" wait_until tasks_nice "$EST_ID" 0
check "the table can be emptied" clears "$DIRECTOR"
check "and the other one" clears "$OTHER"
check "no task is left then" wait_until no_tasks_at_all
check_eq "nothing is stuck in state D" "" "$(stuck_tasks)"
# The allocator keeps pages of a chunk that it does not need any more.
check "per-CPU memory has not grown" wait_until percpu_below $((before + 1024))
diag "Percpu: $before kB before, $(percpu_kb) kB after"
topology_down
other_down
if [[ -d /sys/module/ip_vs/holders ]]; then
	check "the module can be removed" wait_until unloads
else
	ktap_skip "the module can be removed" "it is built in"
fi
check "no kernel warning" kernel_quiet
