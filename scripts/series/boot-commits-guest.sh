#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's part of scripts/series/boot-commits: loads the modules in /commits/NUMBER
# one after the other and looks whether they do what the first ones, the base's,
# do.
set -euo pipefail
# shellcheck source=scripts/guest/director.sh
. "$(dirname "$0")/director.sh"

case ${1:-} in
-h | --help)
	echo "usage: none; run scripts/series/boot-commits"
	exit 0
	;;
esac

# Counters and rates must have come after so many seconds; they take 2 to 4, but
# the guest may have to wait for its host.
LIMIT=60
readonly LIMIT

director() { ip netns exec director "$@"; }

# A page over TCP and a datagram, over and over, until it is killed.
traffic()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	exec ip netns exec client bash -c '
		exec 8<> <(exec sleep inf)	# a pause without a process
		while :; do
			echo hello >/dev/udp/$0/53
			if exec 9<>/dev/tcp/$0/80; then
				printf "GET / HTTP/1.0\r\n\r\n" >&9
				while read -r -t 5 -u 9 _; do :; done
				exec 9>&-
			fi
			read -r -t 0.05 -u 8 _
		done' $VIP 2>/dev/null
}

services()
{
	local n

	director ipvsadm -A -t $VIP:80 -s rr
	director ipvsadm -A -u $VIP:53 -s rr
	for n in 1 2; do
		director ipvsadm -a -t $VIP:80 -r "10.2.$n.2:80" -m
		director ipvsadm -a -u $VIP:53 -r "10.2.$n.2:53" -m
	done
}

# Prints what of a table of ipvsadm is 0 and must not be.  No server answers UDP.
zeros()	# --stats|--rate
{
	local first second conns inp outp inb outb proto='' lines=0

	while read -r first second conns inp outp inb outb; do
		case $first in
		TCP | UDP) proto=$first ;;
		'->') [[ $proto ]] || continue ;;
		*) continue ;;
		esac
		lines=$((lines + 1))
		[[ $proto == TCP ]] || outp=- outb=-
		case " $conns $inp $outp $inb $outb " in
		*' 0 '*) echo "$1: $proto $second: $conns $inp $outp $inb $outb" ;;
		esac
	done < <(director ipvsadm -Ln "$1" --exact)
	((lines == 6)) || echo "$1: $lines services and servers instead of 6"
}

# The total's counters and rates, hexadecimal, without leading zeros
total_zeros()
{
	local a b c d e lines=0

	while read -r a b c d e; do
		[[ $e =~ ^[0-9A-F]+$ ]] || continue
		lines=$((lines + 1))
		case " $a $b $c $d $e " in
		*' 0 '*) echo "ip_vs_stats: $a $b $c $d $e" ;;
		esac
	done < <(director cat /proc/net/ip_vs_stats)
	((lines == 2)) || echo "ip_vs_stats: $lines lines of numbers instead of 2"
}

counted() { what=$(zeros --stats; zeros --rate; total_zeros); [[ ! $what ]]; }

# Sysctls and files with their modes, of the initial namespace and of another,
# if they can be read.
inventory()
{
	local ns f

	for ns in client director; do
		for f in /proc/sys/net/ipv4/vs /proc/net; do
			# shellcheck disable=SC2016  # the inner shell expands it
			ip netns exec "$ns" bash -c '
				for f in "$0"/*; do
					case $f in
					/proc/net/ip_vs* | /proc/sys/*) ;;
					*) continue ;;
					esac
					cat "$f" >/dev/null &&
						stat -c "$1: %n %a" "$f"
				done' "$f" "$ns"
		done
	done
	for f in /proc/sys/net/ipv4/vs/* /proc/net/ip_vs*; do
		cat "$f" >/dev/null && stat -c "initial: %n %a" "$f"
	done
}

load()	# DIR
{
	local m

	for m in $(modinfo -F depends "$1/ip_vs.ko" | tr , ' '); do
		modprobe "$m"
	done
	insmod "$1/ip_vs.ko" && insmod "$1/ip_vs_rr.ko"
}

# Whatever was left of a commit that failed goes, so that the next can be tried.
unload()
{
	local begin=$SECONDS

	[[ ! $client ]] || kill "$client" 2>/dev/null || true
	[[ ! $client ]] || wait "$client" 2>/dev/null || true
	client=
	director ipvsadm -C || true
	# Connections of the last packets may hold it for a moment.
	until rmmod ip_vs_rr 2>/dev/null; rmmod ip_vs 2>/tmp/rmmod; do
		((SECONDS - begin < LIMIT)) || { cat /tmp/rmmod; return 1; }
		sleep 0.5
	done
}

# Prints what is wrong, nothing if all is well.
one_commit()	# DIR
{
	local begin what=''

	load "$1" || { echo "the modules cannot be loaded"; return; }
	services || { echo "ipvsadm cannot add services"; return; }
	traffic &
	client=$!
	begin=$SECONDS
	until counted; do
		((SECONDS - begin < LIMIT)) || { echo "after $LIMIT s there is still nothing:"; echo "$what"; break; }
		sleep 0.5
	done
	inventory >/tmp/inventory 2>/tmp/unreadable || true
	cat /tmp/unreadable
	[[ -f /tmp/base ]] || cp /tmp/inventory /tmp/base
	grep -vxFf /tmp/inventory /tmp/base | sed 's/^/the base has it, this has not: /' || true
}

director_up
passed=0 failed=0 client=
for dir in /commits/*; do
	n=$((10#${dir##*/}))
	subject=$(<"$dir/subject")
	echo "commit $n: $subject" >/dev/kmsg
	one_commit "$dir" >/tmp/wrong 2>&1
	unload >>/tmp/wrong 2>&1 || echo "the modules cannot be unloaded" >>/tmp/wrong
	if [[ ! -s /tmp/wrong ]]; then
		echo "ok $n boots: $subject"
		passed=$((passed + 1))
	else
		echo "FAIL $n boots: $subject"
		sed 's/^/  /' /tmp/wrong
		failed=$((failed + 1))
	fi
done
# Nothing was compared with nothing.
if [[ ! -s /tmp/base ]] || (($(grep -c /proc/sys/ /tmp/base) < 20)); then
	echo "FAIL the base shows no sysctls"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
