# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Failures injected by the kernel itself, and what they may have leaked: for
# failnth.sh and failstart.sh, which run on debug kernels only.
#
# /proc/PID/task/TID/fail-nth lets the Nth allocation of a task fail, once.  All
# that counts as one: slab objects, pages, and what the debugging itself
# allocates, which has a reserve.
#
# It does not reach per-CPU memory; the module est_fault lets the functions of
# ours fail that allocate it.  Not fail_function of debugfs: it draws a random
# number in the handler of its kprobe, about which lockdep complains, and is
# silent from then on.

# shellcheck source=fault.sh
. "$TEST_DIR/fault.sh"

DEBUGFS=/sys/kernel/debug
KMEMLEAK=$DEBUGFS/kmemleak

need_injection()
{
	local dir

	[[ -e /proc/self/fail-nth ]] ||
		ktap_skip_all "no fail-nth (CONFIG_FAULT_INJECTION)"
	[[ -d $DEBUGFS/failslab ]] || mount -t debugfs none $DEBUGFS || true
	for dir in failslab fail_page_alloc; do
		[[ -d $DEBUGFS/$dir ]] || ktap_skip_all "no $dir in debugfs"
	done
	need_fault
}

# Allocations that may sleep are those that matter, and single pages too.
inject_setup()
{
	local dir

	for dir in failslab fail_page_alloc; do
		echo 0 >$DEBUGFS/$dir/probability
		# No stack trace in the log for each of a thousand
		echo 0 >$DEBUGFS/$dir/verbose
	done
	echo N >$DEBUGFS/failslab/ignore-gfp-wait
	echo N >$DEBUGFS/fail_page_alloc/ignore-gfp-wait
	echo 0 >$DEBUGFS/fail_page_alloc/min-order
}

inject_restore()
{
	functions_work
	echo Y >$DEBUGFS/failslab/ignore-gfp-wait
	echo Y >$DEBUGFS/fail_page_alloc/ignore-gfp-wait
	echo 1 >$DEBUGFS/fail_page_alloc/min-order
}

# --- Leaks -------------------------------------------------------------------

# What was leaked before is not ours.
leaks_forget()
{
	[[ ! -e $KMEMLEAK ]] || echo clear >$KMEMLEAK
}

# Reports with a function of ours among those that have allocated the object.
leaks_of_ours()
{
	awk '
		function flush()
		{
			if (ours)
				printf "%s", text
			text = ""
			ours = 0
		}
		/^unreferenced object/		{ flush() }
						{ text = text $0 "\n" }
		/\[<.*(ip_vs|\[ip_vs)/		{ ours = 1 }
		END				{ flush() }' $KMEMLEAK
}

# An object counts when it is 5 s old and two scans have found no pointer to it.
no_leaks()
{
	local found

	sleep 6
	# Fails if kmemleak has given up
	echo scan >$KMEMLEAK && echo scan >$KMEMLEAK || return
	found=$(leaks_of_ours)
	[[ ! $found ]] || diag "$found"
	[[ ! $found ]]
}

check_leaks()
{
	if [[ -e $KMEMLEAK ]]; then
		check "nothing leaks" no_leaks
	else
		ktap_skip "nothing leaks" "no kmemleak"
	fi
}
