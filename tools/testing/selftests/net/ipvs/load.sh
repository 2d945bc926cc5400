# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Workers that run side by side until they are told to stop, and the proof
# afterwards that each got on and that nothing is stuck.

LOAD_DIR=$(mktemp -d)
LOAD_PIDS=()
LOAD_NAMES=()

load_clean_up()
{
	kill "${LOAD_PIDS[@]}" 2>/dev/null || true
	rm -rf "$LOAD_DIR"
}

# Runs the function again and again, counts the rounds, and leaves the count in
# a file.  Some of what the workers do is refused, so a round may fail.
load_loop()	# NAME SEED FUNCTION [ARG...]
{
	local name=$1 n=0

	RANDOM=$2
	shift 2
	until [[ -e $LOAD_DIR/stop ]]; do
		"$@" || true
		n=$((n + 1))
	done >/dev/null 2>&1
	echo "$n" >"$LOAD_DIR/rounds.$name"
}

# Starts a worker; $RANDOM is its own, from the seed.
load_start()	# NAME SEED FUNCTION [ARG...]
{
	load_loop "$@" &
	LOAD_PIDS+=($!)
	LOAD_NAMES+=("$1")
}

load_stop()
{
	: >"$LOAD_DIR/stop"
}

load_ended()
{
	local pid

	for pid in "${LOAD_PIDS[@]}"; do
		[[ ! -e /proc/$pid ]] || [[ $(task_status "$pid" State) == Z* ]] ||
			return 1
	done
}

# All workers have ended, and have done something.
load_each_did()
{
	local name text='' idle=0 n

	for name in "${LOAD_NAMES[@]}"; do
		n=0
		[[ ! -e $LOAD_DIR/rounds.$name ]] || n=$(<"$LOAD_DIR/rounds.$name")
		text+=" $name $n"
		((n)) || idle=1
	done
	diag "rounds:$text"
	((idle == 0))
}

# A command is answered in time.
answers()	# COMMAND...
{
	timeout -k 5 "$IPVS_TEST_WAIT" "$@" >/dev/null
}

# Tasks that were in state D all of the time that it takes to look ten times.
stuck_tasks()
{
	local now='' last='' i d state

	for i in 1 2 3 4 5 6 7 8 9 10; do
		now=$(for d in /proc/[0-9]*; do
			state=$(task_status "${d#/proc/}" State)
			[[ $state != D* ]] || echo "${d#/proc/}"
		done | sort)
		if ((i == 1)); then
			last=$now
		else
			last=$(grep -xF -f <(echo "$last") <<<"$now") || true
		fi
		[[ $last ]] || return 0
		sleep 0.5
	done
	echo "$last"
}
