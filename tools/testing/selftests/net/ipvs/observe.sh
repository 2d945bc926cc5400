#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What /proc/net/ip_vs_est and the tracepoints ipvs_est:* show is so: estimators
# and tasks that there are, what was read and what was not, each row once in a
# period. The file can be read while contexts come and go, and by root only.
#
# Environment: IPVS_TEST_TABLE=2000 services, IPVS_TEST_FILL=160000 services, at
# most, until there is a second context.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=users.sh
. "$(dirname "$0")/users.sh"

TABLE=${IPVS_TEST_TABLE:-2000}
FILL=${IPVS_TEST_FILL:-160000}
FILL_STEP=$((FILL < 20000 ? FILL : 20000))

need_ipvs
need_helpers sockopt_services
need setpriv
own_netns "$0" "$@"

PROC=/proc/net/ip_vs_est
TRACING=/sys/kernel/tracing
EVENTS=$TRACING/events/ipvs_est
CLOCK=/sys/devices/system/clocksource/clocksource0/current_clocksource
HEADER='ctx pid cpus nice ests rows chain_max last_us worst_us read skipped'
HELPER=$TEST_DIR/sockopt_services
results=$(mktemp -d)

clean_up()
{
	[[ ! -d $EVENTS ]] || echo 0 >"$EVENTS/enable"
	ipvsadm -C
	rm -rf "$results"
}

# --- Reading the file --------------------------------------------------------

# A column, one value a context
column()	# NAME [FILE]
{
	awk -v name="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
		{ print $col[name] }' "${2:-$PROC}"
}

sum_of()	# NAME
{
	column "$1" | awk '{ n += $1 } END { print n + 0 }'
}

sum_is()	# NAME NUMBER
{
	(($(sum_of "$1") == $2))
}

# All have been passed over, and so many of them were read.
passed_over()	# READ ESTIMATORS
{
	(($(sum_of read) == $1 && $(sum_of skipped) == $2 - $1))
}

contexts()
{
	column ctx "$@" | wc -l
}

contexts_are()	# NUMBER
{
	(($(contexts) == $1))
}

pids_are_those_of_tasks()
{
	[[ $(column pid | sort) == "$(est_pids "$EST_ID" | sort)" ]]
}

# Nothing in it that is not as documented: prints what is.
malformed()	# FILE
{
	awk -v header="$HEADER" '
		function bad() { print FILENAME ": " $0 }
		FNR == 1 { $1 = $1; if ($0 != header) bad(); next }
		NF != 11 || $3 !~ /^([0-9,-]+)$/ || $4 !~ /^-?[0-9]+$/ { bad(); next }
		{
			for (i = 1; i <= 11; i++)
				if (i != 3 && i != 4 && $i !~ /^[0-9]+$/)
					bad()
			if ($6 > 50 || $5 > 50 * 48 * $7)
				bad()
		}' "$1"
}

test_file()
{
	local all

	all=$(<"$VS/est_cpulist")
	check_eq "mode and owner" "440 0 0" "$(stat -c '%a %u %g' $PROC)"
	check_eq "a header" "$HEADER" "$(head -n 1 $PROC | xargs)"
	check_eq "without services there is a context without a task" \
		"0 0 $all 0" "$(tail -n +2 $PROC | awk '{ print $1, $2, $3, $4 }')"

	many_services "$TABLE" | ipvsadm -R
	# And that of the total
	check "estimators are as many as services and one" \
		wait_until sum_is ests "$((TABLE + 1))"
	check "pids are those of the tasks" wait_until pids_are_those_of_tasks
	check "idle ones are not read" wait_until passed_over 0 "$((TABLE + 1))"
	if [[ $(<"$CLOCK") == *jiffies ]]; then
		ktap_skip "rows take time" "the clock of this machine is too coarse"
	else
		check "rows take time" test "$(sum_of worst_us)" -gt 0
	fi

	set_vs est_nice -5
	write_cpulist 0
	check_eq "nice and CPUs" "-5 0" "$(tail -n 1 $PROC | awk '{ print $4, $3 }')"
	set_vs est_nice 0
	write_cpulist "$all"
}

# --- Traffic -----------------------------------------------------------------

# A datagram in each tenth of a second
traffic()
{
	while true; do
		echo hello >/dev/udp/192.0.2.1/5000
		sleep 0.1
	done 2>/dev/null
}

test_traffic()
{
	local pid

	ip route add local 192.0.2.1 dev lo
	ip route add local 198.51.100.1 dev lo
	ipvsadm -A -u 192.0.2.1:5000 -s rr
	ipvsadm -a -u 192.0.2.1:5000 -r 198.51.100.1:5000 -m
	traffic &
	pid=$!
	check "a service with traffic, its server and the total are read" \
		wait_until passed_over 3 "$((TABLE + 3))"
	kill "$pid"
	wait "$pid" || true
	check "until their rates are 0" wait_until passed_over 0 "$((TABLE + 3))"
	ipvsadm -D -u 192.0.2.1:5000
}

# --- Who may read it ---------------------------------------------------------

test_readers()
{
	local pid other

	sleep infinity &
	pid=$!
	other=$(unshare --net bash -c "
		cat /proc/$pid/net/ip_vs_est >$results/outside
		tail -n +2 $PROC | awk '{ print \$1, \$2, \$5 }'")
	kill "$pid"
	check_eq "another namespace has its own" "0 0 0" "$other"
	check_eq "from outside it shows the same table" "$(sum_of ests)" \
		"$(column ests "$results/outside" | paste -s -d + | bc_sum)"
	check_eq "who does not see the tasks is shown 0 for their pids" 0 \
		"$(unshare --pid --fork --mount-proc cat $PROC >"$results/unseen"
		column pid "$results/unseen" | sort -u)"
	check "who is not root cannot read it" not "${AS_USER[@]}" cat $PROC
	# Not "unshare -Ur -n": who is root must be known when it is made
	check_eq "but the root of a user namespace can, for that one" "$HEADER" \
		"$("${AS_USER[@]}" unshare -Ur unshare -n head -n 1 $PROC | xargs)"
}

bc_sum() { awk -F + '{ for (i = 1; i <= NF; i++) n += $i; print n }'; }

not() { ! "$@" 2>/dev/null; }

# --- Contexts that come and go -----------------------------------------------

# Reads all the time, and keeps what was malformed, and how many contexts there
# were at most.
read_loop()
{
	local n most=0

	while true; do
		cat $PROC >"$results/now"
		malformed "$results/now" >>"$results/malformed"
		n=$(contexts "$results/now")
		if ((n > most)); then
			most=$n
			echo "$n" >"$results/most"
		fi
	done
}

several_contexts()
{
	(($(contexts) > 1))
}

# Adds services until a second context is there.
fill()
{
	local filled=0 room=$((50 * 48 * $(column chain_max | sed -n 1p)))

	while ((filled < FILL)); do
		"$HELPER" add "$filled" "$FILL_STEP" >/dev/null
		filled=$((filled + FILL_STEP))
		((filled <= room)) || wait_until several_contexts || return
		! several_contexts || break
	done
	diag "$filled services"
}

test_contexts()
{
	local pid reads

	echo 0 >"$results/most"
	: >"$results/malformed"
	read_loop 2>/dev/null &
	pid=$!
	fill || diag "the second context does not come"
	set_vs run_estimation 0
	set_vs run_estimation 1
	"$HELPER" flush >/dev/null
	check "one context is left when all services are gone" \
		wait_until contexts_are 1
	kill "$pid"
	wait "$pid" || true
	reads=$(<"$results/malformed")
	check_eq "whatever was read is as documented" "" "$reads"
	if (($(<"$results/most") > 1)); then
		ktap_pass "among it several contexts ($(<"$results/most"))"
	else
		ktap_skip "several contexts" "a kthread here holds more than $FILL"
	fi
}

# --- Tracepoints -------------------------------------------------------------

# What was traced of this namespace since trace_begin: 'TIME EVENT FIELDS...'
traced()	# EVENT
{
	sed -n "s/^.* \([0-9]*\.[0-9]*\): \($1\): netns=$EST_ID /\1 \2 /p" \
		$TRACING/trace
}

traced_are()	# EVENT NUMBER
{
	(($(traced "$1" | wc -l) == $2))
}

trace_begin()
{
	: >$TRACING/trace
}

# Each row that was walked came again once in 2 s: at its own time or up to 400 ms
# ahead of it, within a tick of 40 ms; and all estimators of the table are in them,
# once. Prints what is not so.
judge_rows()	# ESTIMATORS
{
	traced ipvs_est_row_walked | awk -v want="$1" '
		function value(name,    i)
		{
			for (i = 3; i <= NF; i++)
				if (index($i, name "=") == 1)
					return substr($i, length(name) + 2) + 0
		}
		{
			row = value("ctx") "/" value("row")
			if (!(row in first))
				first[row] = $1
			off = $1 - first[row] - 2 * times[row]
			if (off < least[row])
				least[row] = off
			if (off > most[row])
				most[row] = off
			if (most[row] - least[row] > 0.44)
				print "row " row " is " off " s off"
			times[row]++
			ests[row] = value("ests")
		}
		END {
			for (row in first) {
				sum += ests[row]
				if (times[row] < 2)
					print "row " row " " times[row] " times"
			}
			if (sum != want)
				print sum + 0 " estimators instead of " want
		}'
}

# A machine with nothing else to do keeps time at last.
rows_keep_time()	# ESTIMATORS
{
	local end=$((SECONDS + IPVS_TEST_WAIT * 2)) bad

	while true; do
		trace_begin
		sleep 5
		bad=$(judge_rows "$1")
		[[ $bad ]] || return 0
		((SECONDS < end)) || { diag "$(head -n 5 <<<"$bad")"; return 1; }
	done
}

# Wake-ups of the task in 4 s, if it was the only one
wakeups()
{
	local pid before

	pid=$(est_pids "$EST_ID")
	before=$(task_status "$pid" voluntary_ctxt_switches)
	sleep 4
	echo $(($(task_status "$pid" voluntary_ctxt_switches) - before))
}

# The table is in all rows, and nothing comes: at most 5 a second.  The time that
# walks take counts, so again on a machine that holds them up.
wakes_seldom()
{
	local end=$((SECONDS + IPVS_TEST_WAIT * 2)) n

	[[ $(est_pids "$EST_ID" | wc -l) == 1 ]] || { diag "several tasks"; return 1; }
	while true; do
		n=$(wakeups)
		((n > 20)) || return 0
		((SECONDS < end)) || { diag "$n wake-ups in 4 s"; return 1; }
	done
}

test_trace()
{
	local pid placed

	set_vs run_estimation 1
	echo 8192 >$TRACING/buffer_size_kb
	# The same on all CPUs
	echo mono >$TRACING/trace_clock
	echo 1 >"$EVENTS/enable"
	trace_begin
	many_services "$TABLE" | ipvsadm -R
	wait_until sum_is ests "$((TABLE + 1))" || diag "not all are placed"
	# Walks that take long may have them placed again
	placed=$(traced ipvs_est_placed | sed 's/.*\(stats=[^ ]*\) .*/\1/' |
		sort -u | wc -l)
	check_eq "each new service is placed" "$TABLE" "$placed"

	check "each row is walked once in 2 s, at its place of them, and all of them" \
		rows_keep_time "$((TABLE + 1))"
	check "a kthread that has little to do wakes up for many rows at a time" \
		wakes_seldom

	pid=$(est_pids "$EST_ID" | sed -n 1p)
	trace_begin
	set_vs run_estimation 0
	wait_until no_tasks "$EST_ID" || diag "a task is left"
	check "a task that stops is traced" grep -q \
		"ipvs_est_task_stopped: netns=$EST_ID ctx=[0-9]* pid=$pid\$" \
		$TRACING/trace
	trace_begin
	write_cpulist 0
	set_vs run_estimation 1
	wait_until tasks_run "$EST_ID" || diag "no task"
	pid=$(est_pids "$EST_ID" | sed -n 1p)
	check "so is one that starts" grep -q \
		"ipvs_est_task_started: netns=$EST_ID ctx=[0-9]* pid=$pid\$" \
		$TRACING/trace
	check "so is the calibration that other CPUs ask for" \
		wait_until traced_are ipvs_est_calibrated 1
}

ktap_plan 25
ktap_at_exit clean_up
kernel_mark
est_find_id env || diag "found no id: '$EST_ID'"
wait_until no_tasks "$EST_ID" || diag "a task is left"
test_file
test_traffic
test_readers
ipvsadm -C
test_contexts
if [[ -d $EVENTS ]] || mount -t tracefs nodev $TRACING 2>/dev/null &&
   [[ -d $EVENTS ]]; then
	test_trace
else
	ktap_skip_some 5 "tracepoint" "no tracing"
fi
check "no kernel warning" kernel_quiet
