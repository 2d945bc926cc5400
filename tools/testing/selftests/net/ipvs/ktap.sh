# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Test results in TAP, and the exit status that kselftest wants for them: 0
# passed, 1 failed, 4 skipped.
#
# A script calls ktap_plan, then check, check_eq or ktap_skip once for each test
# that it has planned, and need not do anything at its end.

KTAP_PLAN=0
KTAP_DONE=0
KTAP_FAILED=0
KTAP_SKIPPED=0
KTAP_CLEANUP=()

diag()
{
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

# Called at the end, however it comes; the last one given is called first.
ktap_at_exit()	# FUNCTION
{
	KTAP_CLEANUP=("$1" ${KTAP_CLEANUP[@]+"${KTAP_CLEANUP[@]}"})
}

ktap_plan()	# TESTS
{
	KTAP_PLAN=$1
	echo "TAP version 13"
	echo "1..$1"
	trap ktap_exit EXIT
	trap 'exit 1' HUP INT TERM
}

# Instead of a plan.
ktap_skip_all()	# REASON
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

ktap_pass()	# NAME
{
	KTAP_DONE=$((KTAP_DONE + 1))
	echo "ok $KTAP_DONE $1"
}

ktap_fail()	# NAME
{
	KTAP_DONE=$((KTAP_DONE + 1))
	KTAP_FAILED=$((KTAP_FAILED + 1))
	echo "not ok $KTAP_DONE $1"
}

ktap_skip()	# NAME REASON
{
	KTAP_DONE=$((KTAP_DONE + 1))
	KTAP_SKIPPED=$((KTAP_SKIPPED + 1))
	echo "ok $KTAP_DONE $1 # SKIP $2"
}

ktap_skip_some()	# COUNT NAME REASON
{
	local i

	for ((i = 1; i <= $1; i++)); do
		ktap_skip "$2 $i" "$3"
	done
}

# Passes if the command succeeds.  It runs without 'set -e'.
check()	# NAME COMMAND...
{
	local name=$1

	shift
	if "$@"; then
		ktap_pass "$name"
	else
		ktap_fail "$name"
	fi
}

check_eq()	# NAME WANTED FOUND
{
	if [[ $3 == "$2" ]]; then
		ktap_pass "$1"
	else
		diag "wanted: $2"
		diag "found:  $3"
		ktap_fail "$1"
	fi
}

ktap_exit()
{
	local rc=$? f running

	trap - EXIT HUP INT TERM
	set +e
	# What a test has started in the background, and did not come to stop
	mapfile -t running < <(jobs -p)
	kill ${running[@]+"${running[@]}"} >/dev/null 2>&1
	for f in ${KTAP_CLEANUP[@]+"${KTAP_CLEANUP[@]}"}; do
		"$f" >/dev/null 2>&1
	done
	if ((KTAP_DONE != KTAP_PLAN)); then
		echo "Bail out! $KTAP_DONE of $KTAP_PLAN tests done, status $rc"
		exit 1
	fi
	diag "$((KTAP_DONE - KTAP_FAILED - KTAP_SKIPPED)) passed," \
		"$KTAP_FAILED failed, $KTAP_SKIPPED skipped, $SECONDS s"
	((KTAP_FAILED == 0 && rc == 0)) || exit 1
	((KTAP_SKIPPED < KTAP_DONE)) || exit 4
	exit 0
}
