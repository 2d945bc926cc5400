#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's part of scripts/compare-restore.
set -euo pipefail

usage()
{
	echo "usage: compare-restore-guest.sh SERVICES ROUNDS, run by scripts/compare-restore"
}

(($# == 2)) || { usage >&2; exit 2; }
services=$1 rounds=$2
rules=/tmp/rules
results=/tmp/results

for ((i = 0; i < services; i++)); do
	echo "-A -t 10.$((i >> 16)).$((i >> 8 & 255)).$((i & 255)):80 -s rr"
done >$rules

now()	# microseconds
{
	echo "${EPOCHREALTIME/[.,]/}"
}

timed()	# WHAT COMMAND...
{
	local what=$1 start

	shift
	start=$(now)
	"$@"
	echo "$what $(($(now) - start))" >>$results
}

restore()
{
	ipvsadm -R <$rules
}

round()	# NAME MODPROBE_ARGS...
{
	local name=$1 mod

	shift
	for mod in ip_vs ip_vs_rr; do
		modprobe "$@" "$mod"
	done
	# The first service starts what there is to start
	ipvsadm -A -t 192.0.2.1:80 -s rr
	sleep 1
	timed "$name-R" restore
	# Let what was added be placed and sampled
	sleep 5
	timed "$name-C" ipvsadm -C
	sleep 3
	rmmod ip_vs_rr ip_vs
}

for ((r = 1; r <= rounds; r++)); do
	echo "round $r of $rounds"
	if ((r % 2)); then
		round stock -d /stock-modules
		round ours
	else
		round ours
		round stock -d /stock-modules
	fi
done

median()	# WHAT
{
	awk -v what="$1" '$1 == what { print $2 }' $results | sort -n |
		awk '{ v[NR] = $1 }
		     END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

echo
echo "$services services, medians of $rounds rounds, ms; $(uname -r), $(nproc) virtual CPUs"
for what in R C; do
	awk -v what=$what -v stock="$(median stock-$what)" \
		-v ours="$(median ours-$what)" 'BEGIN {
			printf "ipvsadm -%s  stock %8.1f  ours %8.1f  ratio %.3f\n",
			       what, stock / 1000, ours / 1000, ours / stock
		}'
done
sort $results |
	awk '{ a[$1] = a[$1] " " int($2 / 1000) } END { for (k in a) print k ":" a[k] }'
