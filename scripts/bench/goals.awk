# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/bench/report says of goals, and of where a peer is faster: read by awk
# together with report.awk, which has the figures.

# --- Words -------------------------------------------------------------------

function thousands(n)
{
	n = n ""
	return length(n) < 4 ? n : \
		thousands(substr(n, 1, length(n) - 3)) "," substr(n, length(n) - 2)
}

# "cpus=64 ests=1000 active=1 used=all order=aged" as one would say it
function in_words(params,    n, i, p, kv, text)
{
	n = split(params, p, " ")
	for (i = 1; i <= n; i++) {
		split(p[i], kv, "=")
		if (kv[1] == "cpus")
			kv[1] = thousands(kv[2]) \
				(param(params, "online") != "" ? " possible" : "") \
				(kv[2] == 1 ? " CPU" : " CPUs")
		else if (kv[1] == "ests")
			kv[1] = thousands(kv[2]) " estimators"
		else if (kv[1] == "services")
			kv[1] = thousands(kv[2]) " services"
		else if (kv[1] == "netns")
			kv[1] = kv[2] " namespaces"
		else if (kv[1] == "active")
			kv[1] = thousands(kv[2]) \
				(params ~ /ests=/ ? " %" : "") " active"
		else if (kv[1] == "used" && kv[2] != "all")
			kv[1] = "on " kv[2] " of them"
		else if (kv[1] == "order")
			kv[1] = kv[2] == "aged" ? SCATTERED : IN_ORDER
		else
			continue
		text = text (text != "" ? ", " : "") kv[1]
	}
	return text
}

BEGIN {
	IN_ORDER = "in the order of memory"
	SCATTERED = "scattered over memory"
	split("pass=a pass over all|" \
	      "read=reading all counters in user space, which ours sums for it|" \
	      "packet_in=instructions that count a packet, in|" \
	      "packet_out=the same, out|" \
	      "packet_conn=the same, a connection|" \
	      "alone_in=instructions that count a packet if the body of `__local_bh_enable_ip()` took none, in|" \
	      "alone_out=the same, out|" \
	      "alone_conn=the same, a connection|" \
	      "cpu_time=CPU time of the kthreads|tasks_time=CPU time of all tasks|" \
	      "busy_time=CPU time with what interrupts take|" \
	      "table_wakeups=wake-ups of a table|wakeups=wake-ups of namespaces|" \
	      "ping_p50=ping, the median|ping_p99=ping, the 99th percentile|" \
	      "ping_max=ping, the longest|restore=`ipvsadm -R`|clear=`ipvsadm -C`|" \
	      "dump=dump of an idle table|dump_active=dump of an active table, which ours sums for it|" \
	      "memory=memory of a service", name_lines, "|")
	for (name_line in name_lines) {
		split(name_lines[name_line], name_parts, "=")
		long_name[name_parts[1]] = name_parts[2]
	}
}

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
		# One that is missed by less than is shown must not look as met
		goal_row(what, text, (worst > limit && number(worst) + 0 <= limit ? \
			 sprintf("%.6g (%s to %s)", worst, number(from), number(to)) : \
			 spread(worst, from, to)) \
			 (any > 1 ? ", worst with " in_words(at) : ""),
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

# Medians of the longest hold of each table: sets hold_from and hold_to; and hold_most,
# the longest one of all rounds.
function holds(impl,    i, part, any)
{
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] != "hold" || !stat(order[i] SUBSEP impl))
			continue
		if (!any++) {
			hold_from = hold_to = median
			hold_most = high
		}
		if (high > hold_most)
			hold_most = high
		if (median < hold_from)
			hold_from = median
		if (median > hold_to)
			hold_to = median
	}
	return any
}

# That ours has none says something only if the trace shows the peer's.
function goal_hold(    what, known, ours)
{
	what = "Softirq hold of estimation, 20,000 services"
	known = holds("ours-" oldest)
	ours = hold_most
	if (!known || !holds(oldest) || hold_from <= 0)
		goal_row(what, "none", MISSING, MISSING)
	else
		goal_row(what, "none",
			 (ours ? number(ours) " us" : "none") "; " oldest ": " \
			 number(hold_from / 1000) \
			 (hold_to > hold_from ? " to " number(hold_to / 1000) : "") " ms",
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
		found = found (any++ ? "; " : "") number(median) " on " in_words(part[2])
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
	goal_worst("The same at 64 to 256 CPUs, " IN_ORDER "; " newest, "0.65", 0.65,
		   "pass", " active=100 used=all order=ordered", 64, 256, newest)
	goal_worst("The same, " SCATTERED "; " newest, "1.0", 1, "pass",
		   " active=100 used=all order=aged", 64, 256, newest)
	n = split("in out conn", kinds, " ")
	for (i = 1; i <= n; i++)
		goal("Packet path, instructions, " kinds[i] "; " newest, "0.85",
		     0.85, "packet_" kinds[i], "", newest)
	goal_atomics()
	goal_worst("What packets pay for marking, two processors; when each pass cleared marks",
		   "1/4 = 0.25", 1 / 4, "marking", "", 0, 512, "previous")
	goal("CPU time of all tasks, 20,000 idle services, 16 possible CPUs; " newest,
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
	print "Ratios of medians, and from the lowest to the highest of single rounds.  Of goals"
	print "with several cases the worst one is shown.  A dump of a table that is active, and"
	print "what reading costs packets, have no goal: see there."
	print ""
}

# --- Where a peer is faster --------------------------------------------------

# Whatever is a cost, by more than 5 %, with the worst case
function faster(peer,    i, m, n, part, metric, names, cases, slower, worst, at, any)
{
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		metric = part[1]
		if (!(metric in long_name) || !compare(order[i], peer))
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
	print "## Where " peer " is faster"
	print ""
	for (i = 1; i <= n; i++) {
		m = names[i]
		if (!slower[m])
			continue
		if (!any++)
			print "By more than 5 %:\n"
		print "- " long_name[m] ": " number(worst[m]) " times" \
			(cases[m] > 1 ? " at most, " slower[m] " of " cases[m] " cases" : "") \
			(in_words(at[m]) != "" ? ": " in_words(at[m]) : "")
	}
	if (!any)
		print "In no case that was measured, by more than 5 %."
	print ""
}
