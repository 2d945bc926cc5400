#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whichever allocation fails: each command of ipvsadm, each write of a sysctl
# and the making of a network namespace run with their 1st allocation failing,
# then with their 2nd, and so on until there are no more. A command that fails
# has changed nothing and succeeds when it is repeated; nothing is ever half
# done, and nothing leaks.
#
# Needs a kernel with CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and
# CONFIG_FAIL_PAGE_ALLOC and the module est_fault built for it, and finds more
# with KASAN, lockdep and kmemleak.
#
#	IPVS_TEST_NTH=500	allocations in a command, at most
#	IPVS_TEST_NTH_NETNS=0	allocations in the making of a namespace; 0: all,
#				also those of other parts, which come behind ours
#	IPVS_TEST_NTH_COMMANDS='.*'	commands of ipvsadm: a regular expression

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=inject.sh
. "$TEST_DIR/inject.sh"

need_ipvs
need_injection
need_helpers fail_nth nth_netlink.so
modprobe -q ip_vs_wrr || ktap_skip_all "no scheduler wrr"
[[ -e /sys/devices/system/cpu/cpu1 ]] || ktap_skip_all "one CPU only"
own_netns "$0" "$@"

LIMIT=${IPVS_TEST_NTH:-500}
NETNS_LIMIT=${IPVS_TEST_NTH_NETNS:-0}
COMMANDS=${IPVS_TEST_NTH_COMMANDS:-.*}
SERVICE=(-u 192.0.2.1:5000)
REPORT=$(mktemp)

clean_up()
{
	inject_restore
	ipvsadm -C
	rm -f "$REPORT"
}

# --- One command -------------------------------------------------------------
#
# There are some hundred failures, and on a debug kernel starting a program takes
# a second: so few are started, and the table is read without one.

NTH=0		# the allocation that fails
TRY=0		# counts all
CMD=0		# IPVS_CMD_*, the netlink command that it is in
SKIP=0		# such commands before it
# How it went: exit status, output, what was left of NTH (0: one has failed),
# and whether the kernel's reply was lost
RC=0 OUT='' LEFT=0 LOST=0

# Rules for ipvsadm -R; a netlink command CMD of theirs has the failure.
run_failing()	# RULES
{
	RC=0
	echo "-1 0" >"$REPORT"
	OUT=$(NTH=$NTH NTH_CMD=$CMD NTH_SKIP=$SKIP NTH_REPORT=$REPORT \
		LD_PRELOAD=$TEST_DIR/nth_netlink.so ipvsadm -R 2>&1 <<<"$1") ||
		RC=$?
	read -r LEFT LOST <"$REPORT"
}

rules()	# RULES
{
	[[ ! $1 ]] || ipvsadm -R <<<"$1"
}

# A server in the trash would be revived, so each try has one of its own, which
# is called SERVER in rules and tables.
named()	# RULES
{
	echo "${1//SERVER/198.18.$((TRY / 250)).$((TRY % 250 + 1)):5000}"
}

table()
{
	local line

	while read -r line; do
		line=${line/C61[23]????:1388/SERVER}
		# Newer kernels have a table of connections only with services
		line=${line/(size=*)/}
		# A server from the trash has old connections
		[[ ! $line =~ ^(-\>\ SERVER.*[0-9])\ +[0-9]+\ +[0-9]+$ ]] ||
			line=${BASH_REMATCH[1]}
		echo "$line"
	done </proc/net/ip_vs
}

# 'UDP|-> CONNECTIONS PACKETS' of service and server
counters()
{
	local kind conns pkts

	ipvsadm -Ln --stats --exact | while read -r kind _ conns pkts _; do
		[[ ! $conns =~ ^[0-9]+$ ]] || echo "$kind $conns $pkts"
	done
}

# Service and server, which are new, count a connection of one packet.
counts()
{
	local i

	# Nobody listens, which does not matter to the counters.  The kernel may
	# pick a port from which a server was reached that is gone by now: what
	# comes from there is dropped, uncounted, and cannot be sent.
	for ((i = 0; i < 3; i++)); do
		! echo hello >/dev/udp/192.0.2.1/5000 || break
	done
	[[ $(counters) == "UDP 1 1"$'\n'"-> 1 1" ]]
}

# A service does when it has a server.
service_counts()
{
	rules "$(named "-a ${SERVICE[*]} -r SERVER -m")" && counts
}

# It is not listed.
gone()
{
	[[ $(counters) != *"->"* ]]
}

# --- All allocations of a command --------------------------------------------

# The command has had its failure. Sets FATE to what became of it: done though
# something failed (survived); refused, nothing changed, and done when repeated;
# done with its reply lost.
judge()	# RULE STATE BEFORE AFTER
{
	local now

	now=$("$2")
	if ((RC == 0)); then
		FATE=survived
	elif [[ $now == "$3" ]]; then
		FATE=refused
		rules "$1" || { OUT+=", and so when repeated"; return 1; }
		now=$("$2")
	elif ((LOST)); then
		FATE=lost
		# It may say that the thing exists, or that it is gone
		rules "$1" 2>/dev/null || true
		now=$("$2")
	fi
	[[ $now == "$4" ]] || { OUT+=", table: $now"; return 1; }
}

# A command, after rules for what it needs, has its 1st failure, its 2nd...
# STATE prints what it changes; WORKS looks whether all is well in the end.
sweep()	# STATE WORKS RULES_BEFORE RULE
{
	local state=$1 works=$2 rules rule before after fates=() failed=0

	TRY=$((TRY + 1))
	rules "$(named "$3")"
	before=$("$state")
	rules "$(named "$4")"
	after=$("$state")
	[[ $after != "$before" ]] && "$works" || return

	for ((NTH = 1; NTH <= LIMIT; NTH++)); do
		TRY=$((TRY + 1))
		rules=$(named "$3")
		rule=$(named "$4")
		run_failing "${rules:+$rules$'\n'}$rule"
		((LEFT == 0)) || break
		failed=$((failed + 1))
		judge "$rule" "$state" "$before" "$after" || break
		"$works" || { OUT+=", does not work"; break; }
		fates+=("$FATE")
	done
	diag "${4%% *}: $failed failures:" \
		"$(printf '%s\n' ${fates[@]+"${fates[@]}"} | sort | uniq -c | xargs)"
	# It has ended as it should: without a failure, and done
	((failed && LEFT > 0 && RC == 0)) && [[ $("$state") == "$after" ]] &&
		return
	diag "allocation $NTH, left $LEFT, reply $LOST, status $RC: $OUT"
	return 1
}

check_command()	# NAME IPVS_CMD SKIP STATE WORKS RULES_BEFORE RULE
{
	CMD=$2
	SKIP=$3
	[[ $1 =~ ^($COMMANDS)$ ]] ||
		{ ktap_skip "ipvsadm $1" "not in IPVS_TEST_NTH_COMMANDS"; return 0; }
	check "ipvsadm $1: done or not done, whatever fails" sweep "${@:4}"
}

check_commands()
{
	local service="${SERVICE[*]}" revived="-r 198.19.0.1:5000"
	local one both trashed

	one=$'-C\n'"-A $service -s rr"
	both=$one$'\n'"-a $service -r SERVER -m"
	trashed=$one$'\n'"-a $service $revived -m"$'\n'"-d $service $revived"
	check_command -A 1 0 table service_counts -C "-A $service -s rr -p 100"
	check_command -a 5 0 table counts "$one" "-a $service -r SERVER -m -w 3"
	check_command "-a from the trash" 5 1 table counts "$trashed" \
		"-a $service $revived -m -w 3"
	check_command -E 2 0 table counts "$both" "-E $service -s wrr -p 100"
	check_command -e 6 0 table counts "$both" "-e $service -r SERVER -m -w 3"
	check_command -D 3 0 table gone "$both" "-D $service"
	check_command -d 7 0 table gone "$both" "-d $service -r SERVER"
	check_command -C 17 1 table gone "$both" -C

	rules "$(named "$both")" && counts
	check_command -Z 16 0 counters counts "" -Z
	rules -C
}

# --- sysctls -----------------------------------------------------------------

sweep_sysctl()	# SYSCTL VALUE
{
	local file=$VS/$1 old n left error now failed=0 refused=0

	old=$(<"$file")
	[[ $old != "$2" ]] || return
	for ((n = 1; n <= LIMIT; n++)); do
		read -r left error < <("$TEST_DIR/fail_nth" "$n" "$n" \
			write "$file" "$2")
		now=$(<"$file")
		[[ $now == "$([[ $error == 0 ]] && echo "$2" || echo "$old")" ]] ||
			break
		((left == 0)) || break
		failed=$((failed + 1))
		[[ $error == 0 ]] || refused=$((refused + 1))
		echo "$2" >"$file" || break
		[[ $(<"$file") == "$2" ]] || break
		echo "$old" >"$file"
	done
	diag "$1: $failed failures: $refused refused"
	echo "$old" >"$file"
	((failed && refused && left > 0)) && [[ $error == 0 ]] && return
	diag "allocation $n, left $left: $error, now $now"
	return 1
}

check_sysctl()	# SYSCTL VALUE
{
	check "$1: written or not, whatever fails" sweep_sysctl "$1" "$2"
}

# --- Namespaces --------------------------------------------------------------

# The first allocations belong to other parts of the network, which are not our
# concern; begin shortly before that of a context.
first_of_ours()
{
	local left error

	function_fails ip_vs_est_ctx_alloc 1 0 || return
	read -r left error < <("$TEST_DIR/fail_nth" 100000 100000 netns)
	functions_work
	[[ $error == ENOMEM ]] && echo "$((100000 - left - 20))"
}

sweep_netns()
{
	local first out failed refused

	first=$(first_of_ours) || return
	out=$("$TEST_DIR/fail_nth" "$first" \
		"$((NETNS_LIMIT ? first + NETNS_LIMIT - 1 : 99999))" netns) || return
	failed=$(grep -c '^0 ' <<<"$out" || true)
	refused=$(grep -c '^0 [^0]' <<<"$out" || true)
	diag "netns: $failed failures after $first: $refused refused"
	((NETNS_LIMIT == 0)) || { ((failed == NETNS_LIMIT && refused)); return; }
	# The last one had no failure and was made
	((failed && refused)) && [[ ${out##*$'\n'} =~ ^[1-9][0-9]*\ 0$ ]]
}

# --- The tests ---------------------------------------------------------------

modules_used()
{
	cat /sys/module/{ip_vs,ip_vs_rr,ip_vs_wrr}/refcnt 2>/dev/null | xargs
}

ktap_plan 16
ktap_at_exit clean_up
ip route add local 198.18.0.0/15 dev lo
ip route add local 192.0.2.1 dev lo
kernel_mark
inject_setup
leaks_forget
used=$(modules_used)

check_commands

# Tasks are there, which these move and stop
ipvsadm -A "${SERVICE[@]}" -s rr
check_sysctl est_cpulist 1
check_sysctl est_nice -7
check_sysctl run_estimation 0
ipvsadm -C

check "a namespace: made or not, whatever fails" sweep_netns
# Once for all, since a scan of all memory takes long; a report tells by the
# functions in it what has leaked
check_leaks
check_eq "no module is still in use" "$used" "$(modules_used)"
check "the kernel has not warned" kernel_quiet
