# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the parts of scripts/test and scripts/test-all, two at a time, and sums
# them up.  Sourced by them, not run.  They set logs, guest_parts and other_parts,
# names that end with '-BASE', and define run_part.
# shellcheck disable=SC2154

base_of() { echo "${1##*-}"; }

# Runs those that are named only.
only_parts()	# PART...
{
	local part all="${guest_parts[*]} ${other_parts[*]}"

	for part in "$@"; do
		[[ " $all " == *" $part "* ]] || die "no part '$part'; there are: $all"
	done
	guest_parts=("$@") other_parts=()
}

# One run at a time: they would take each other's parts.
only_one()
{
	mkdir -p "$logs"
	exec {lanes_lock}>"$logs/.running"
	flock -n "$lanes_lock" || die "another run is using ${logs#"$TOP/"}"
}

# A base that the archive has no more is no fault of ours, but must be seen.
base_is_there()	# BASE
{
	local rc=0

	"$TOP/scripts/build/fetch-source" --check "$1" || rc=$?
	((rc != 3))
}

missing_base()	# BASE
{
	echo "NOT TESTED: Linux $1, whose source cannot be had any more" >"$logs/.missing-$1"
	cat "$logs/.missing-$1"
	echo "0 passed, 0 failed, 1 skipped"
}

# What it exports is its own.  A function, for bash times one and not a subshell
# without what that prints.
run_alone() { (run_part "$1"); }

# Runs a part and writes its line of the summary: NAME SECONDS CPU P F S WHAT
run_one()	# PART
{
	local part=$1 log=$logs/$1.log begin=$SECONDS rc=0 last cpu p f s what killed

	echo "$part" >>"$logs/.begun"
	say "$part ($(wc -l <"$logs/.begun") of $(wc -l <"$logs/.all")$(
		sed 's/$/ s the last time/; s/^/, /' "$logs/.took-$part" 2>/dev/null))"
	# Seconds of processor time, of guests as well
	TIMEFORMAT='%U %S'
	if base_is_there "$(base_of "$part")"; then
		{ time run_alone "$part" >"$log" 2>&1 </dev/null; } \
			2>"$logs/$part.time" || rc=$?
	else
		missing_base "$(base_of "$part")" | tee "$log" >&2
		rm -f "$logs/$part.key"
		echo 0 0 >"$logs/$part.time"
	fi
	cpu=$(awk '{ n = $1 + $2 } END { printf "%.0f\n", n }' "$logs/$part.time")
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
		# A status that says otherwise than the line is not to be believed.
		((rc == 0 || f > 0)) || f=1
		what="$p passed, $f failed, $s skipped"
		killed=$(grep -ac 'emulator has killed the guest' "$log" || true)
		((!killed)) || what+=", $killed guests killed by the emulator"
	else
		p=0 f=1 s=0
		what="died with status $rc"
	fi
	if ((f)); then
		echo "--- $part: the end of ${log#"$TOP/"}:"
		tail -n 20 "$log"
		echo "---"
	fi
	say "$part: $what, $((SECONDS - begin)) s"
	echo "$((SECONDS - begin))" >"$logs/.took-$part"
	echo "$part $((SECONDS - begin)) $cpu $p $f $s $what" >"$logs/$part.result.new"
	mv "$logs/$part.result.new" "$logs/$part.result"
}

# Takes the next part of a lane; when there is none, the last of the other.
take_part()	# QUEUE OTHER_QUEUE
{
	(
		flock 9
		if [[ -s $1 ]]; then
			head -n 1 "$1"
			sed -i 1d "$1"
		elif [[ -s $2 ]]; then
			tail -n 1 "$2"
			sed -i '$d' "$2"
		fi
	) 9>"$logs/.lock"
}

run_lane()	# QUEUE OTHER_QUEUE
{
	local part

	while part=$(take_part "$1" "$2") && [[ $part ]]; do
		run_one "$part"
	done
}

# What failed, once more, and how a guest died: whoever sees only the end of all
# this wants to know.
failures()
{
	local part

	for part in "$@"; do
		awk '
		function show(from,   i) {
			for (i = from > shown ? from : shown + 1; i <= NR; i++)
				print line[i]
			shown = NR
		}
			{ line[NR] = $0; delete line[NR - 40] }
		/^--- last lines of the kernel log/	{ kernel = NR }
		/guest (died|does not boot|failed)|did not end within|has killed the guest/ {
			show(NR - kernel < 40 ? kernel : NR)
		}
		/^ *(# )*not ok |^FAIL|^Bail out/	{ show(NR - 6) }
		' "$logs/$part.log" | cut -c 1-200 | sed "s|^|$part: |" |
			awk 'NR <= 50; END { if (NR > 50) print "[" NR - 50 " lines more]" }'
	done
}

# At once, because two that install get into each other's way; and in one go, for
# whoever is told what to install wants to be told once.
install_for()	# PART...
{
	local base args=()

	for base in $(printf '%s\n' "$@" | sed 's/.*-//' | sort -u); do
		base_is_there "$base" || continue
		args+=(--base "$base" --flavour cloud-amd64 all)
		[[ " $* " != *" selftest-rt-$base "* ]] ||
			args+=(--flavour rt-amd64 modules)
		[[ " $* " != *" deb-test-$base "* ]] || args+=(deb-test)
	done
	((!${#args[@]})) || "$TOP/scripts/install-deps" "${args[@]}"
}

# A lane in a process group of its own, so that all of it can be stopped; this
# shell waits for it, and so hears of signals at once.  It is as nice as who calls,
# or nicer: an ordinary user may not take that back.  Sets lanes.
start_lane()	# NICE QUEUE OTHER_QUEUE
{
	set -m
	(
		set +m
		renice -n $(($(nice) + $1)) "$BASHPID" >/dev/null
		run_lane "$2" "$3"
	) </dev/null &
	lanes+=($!)
	set +m
}

# shellcheck disable=SC2317  # called by the trap
stop_lanes()
{
	local lane

	for lane in "${lanes[@]}"; do
		kill -- "-$lane" 2>/dev/null || true
	done
	wait
}

# Guests mostly wait, or keep one processor busy; so what compiles and computes
# runs beside them.
run_lanes()
{
	local lane

	lanes=()
	rm -f "$logs"/.missing-* "$logs/.begun"
	printf '%s\n' ${guest_parts[@]+"${guest_parts[@]}"} >"$logs/.guests"
	printf '%s\n' ${other_parts[@]+"${other_parts[@]}"} >"$logs/.others"
	sed -i '/^$/d' "$logs/.guests" "$logs/.others"
	cat "$logs/.guests" "$logs/.others" >"$logs/.all"
	trap stop_lanes EXIT
	trap 'exit 130' INT TERM HUP
	start_lane 5 "$logs/.others" "$logs/.guests"
	start_lane 0 "$logs/.guests" "$logs/.others"
	for lane in "${lanes[@]}"; do
		wait "$lane" || true
	done
	trap - EXIT
}

# The table, and the line that counts.
sum_up()	# SECONDS PART...
{
	local passed=0 failed=0 skipped=0 all=0 took=$1 part name time cpu p f s what

	shift
	echo
	for part in "$@"; do
		if ! read -r name time cpu p f s what 2>/dev/null <"$logs/$part.result"; then
			name=$part time=0 cpu=0 p=0 f=1 s=0 what="did not end"
		fi
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		all=$((all + cpu))
		printf '%-17s %5d s, %5d s of CPU  %s\n' "$name" "$time" "$cpu" "$what"
	done
	((failed == 0)) || failures "$@"
	cat "$logs"/.missing-* 2>/dev/null || true
	printf '%-17s %5d s, %5d s of CPU, two parts at a time\n' 'all of it' "$took" "$all"
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}
