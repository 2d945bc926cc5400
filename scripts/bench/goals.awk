# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/bench/report says of goals, and of where the oldest base is faster: read
# by awk together with bench-report.awk, which has the figures.

# --- Goals -------------------------------------------------------------------

function goal_row(what, limit, found, verdict)
{
	print "| " what " | " limit " | " found " | " verdict " |"
	if (verdict == "met")
		met++
	else if (verdict == "not met")
		not_met++
	else
		missing++
}

# ours / peer of one figure is at most @limit.
function goal(what, text, limit, metric, params, peer)
{
	if (compare(metric SUBSEP params, peer))
		goal_row(what, text, spread(ratio, ratio_low, ratio_high),
			 ratio <= limit ? "met" : "not met")
	else
		goal_row(what, text, MISSING, MISSING)
}

# The highest ratio among all figures of a metric whose parameters match, from so many
# CPUs on to so many, and which of them that is.  It is at most @limit.
function goal_worst(what, text, limit, metric, pattern, from_cpus, to_cpus, peer,
		    i, part, worst, from, to, at, any, full, cpus)
{
	full = 1
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		cpus = param(part[2], "cpus") + 0
		if (part[1] != metric || part[2] !~ pattern ||
		    cpus < from_cpus || cpus > to_cpus)
			continue
		if (!compare(order[i], peer)) {
			full = 0
			continue
		}
		if (!any++ || ratio > worst) {
			worst = ratio
			from = ratio_low
			to = ratio_high
			at = part[2]
		}
	}
	if (!any || (!full && worst <= limit))
		goal_row(what, text, MISSING, MISSING)
	else
		goal_row(what, text, spread(worst, from, to) ", worst at " at,
			 worst <= limit ? "met" : "not met")
}

function param(params, name,    n, i, p, kv)
{
	n = split(params, p, " ")
	for (i = 1; i <= n; i++) {
		split(p[i], kv, "=")
		if (kv[1] == name)
			return kv[2]
	}
	return ""
}

# The longest hold in any round of any table.
function longest(impl,    i, j, part, one, most)
{
	most = -1
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		one = order[i] SUBSEP impl
		if (part[1] != "hold" || !(one in count))
			continue
		for (j = 1; j <= count[one]; j++)
			if (value[one, j] + 0 > most)
				most = value[one, j] + 0
	}
	return most
}

# That ours has none says something only if the trace shows the peer's.
function goal_hold(    ours, peer)
{
	ours = longest("ours-" oldest)
	peer = longest(oldest)
	if (ours < 0 || peer <= 0)
		goal_row("Softirq hold of estimation", "none", MISSING, MISSING)
	else
		goal_row("Softirq hold of estimation", "none",
			 (ours ? number(ours) " us" : "none") "; " oldest ": " \
			 number(peer) " us",
			 ours ? "not met" : "met")
}

# For an object that stays active: none, and where there are many CPUs one in 32
# periods, when the marks are looked at anew.
function goal_atomics(    i, part, found, good, any)
{
	good = 1
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] != "atomics" || !stat(order[i] SUBSEP "ours"))
			continue
		found = found (any++ ? "; " : "") number(median) " at " part[2]
		if (median > (param(part[2], "cpus") < 32 ? 0 : 1 / 32))
			good = 0
	}
	if (!any)
		found = MISSING
	goal_row("Atomics of packets, an active object, CPU and period",
		 "0; 1/32 = 0.031 from 32 CPUs on", found,
		 !any ? MISSING : good ? "met" : "not met")
}

function goals(    big, i, n, kinds)
{
	big = "ests=50000"
	print "## Goals"
	print ""
	print "| goal: ours / peer | limit | measured | |"
	print "| --- | --- | --- | --- |"
	goal_worst("Pass, 128 CPUs, 50,000 estimators, 1 % active; " newest,
		   "1/20 = 0.05", 1 / 20, "pass",
		   big " active=1 used=all order=", 128, 128, newest)
	goal_worst("The same, counted on all CPUs and now on 4; " newest,
		   "1/10 = 0.1", 1 / 10, "pass", big " active=100 used=4 order=",
		   128, 128, newest)
	goal_worst("Pass, 100 % active on all CPUs, 1 to 16 CPUs; " newest, "1.0",
		   1, "pass", " active=100 used=all order=", 1, 16, newest)
	goal_worst("The same at 64 to 256 CPUs, ordered; " newest, "0.65", 0.65,
		   "pass", " active=100 used=all order=ordered", 64, 256, newest)
	goal_worst("The same, aged; " newest, "1.0", 1, "pass",
		   " active=100 used=all order=aged", 64, 256, newest)
	n = split("in out conn", kinds, " ")
	for (i = 1; i <= n; i++)
		goal("Packet path, instructions, " kinds[i] "; " newest, "0.85",
		     0.85, "packet_" kinds[i], "", newest)
	goal_atomics()
	goal_worst("What packets pay for marking, two processors; as it was",
		   "1/4 = 0.25", 1 / 4, "marking", "", 0, 512, "previous")
	goal("CPU time of all tasks, 20,000 idle services, 16 CPUs; " newest,
	     "1/8 = 0.125", 1 / 8, "tasks_time",
	     "cpus=16 online=2 services=20000 active=0", newest)
	goal("Wakeups, idle table of 20,000; " newest, "1/5 = 0.2", 1 / 5,
	     "table_wakeups", "cpus=4 services=20000 active=0", newest)
	goal("Wakeups, 200 namespaces; " newest, "1/20 = 0.05", 1 / 20,
	     "wakeups", "cpus=4 netns=200", newest)
	goal_hold()
	goal("`ipvsadm -R` of 20,000; " oldest, "1.05", 1.05, "restore",
	     "cpus=4 services=20000", oldest)
	goal("`ipvsadm -C` of 20,000; " oldest, "1.05", 1.05, "clear",
	     "cpus=4 services=20000", oldest)
	goal("Dump of an idle table; " oldest, "1.10", 1.10, "dump",
	     "cpus=4 services=20000", oldest)
	print ""
	printf "%d met, %d not met, %d not measured.\n\n", met, not_met, missing
	print "Of goals with several cases the worst one is shown.  A dump of a table that"
	print "is active, and what reading costs packets, have no goal: see there."
	print ""
}

# --- Where the oldest is faster ----------------------------------------------

function faster(    i, m, n, part, metric, names, cases, slower, worst, at, any)
{
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		metric = part[1]
		if (metric ~ /^(clock|others|hold|atomics|marking|alone_.*|ping_lost)$/ ||
		    !compare(order[i], oldest))
			continue
		if (!(metric in cases))
			names[++n] = metric
		cases[metric]++
		if (ratio <= 1.05)
			continue
		slower[metric]++
		if (ratio > worst[metric]) {
			worst[metric] = ratio
			at[metric] = part[2]
		}
	}
	if (!n)
		return
	print "## Where " oldest " is faster"
	print ""
	for (i = 1; i <= n; i++) {
		m = names[i]
		if (!slower[m])
			continue
		if (!any++) {
			print "Stock " oldest " estimates in a timer and sums fewer fields, with nothing"
			print "else to do.  It is faster by more than 5 % in:"
			print ""
		}
		print "- " m ": " slower[m] " of " cases[m] " cases, at most " \
			number(worst[m]) " times" (at[m] != "" ? ", at " at[m] : "")
	}
	if (!any)
		print "In no case that was measured, by more than 5 %."
	print ""
}
