# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables and goals of scripts/bench-report, from lines of
#
#	impl TAB metric TAB parameters TAB round TAB value TAB unit
#
# A figure is the median of its rounds.  A ratio is that of two medians; its
# spread goes from the lowest to the highest of the ratios of single rounds with
# the same number.  What is missing is "not measured"; nothing is assumed.
#
# -v want=goals prints the goals, -v want=tables all figures.

BEGIN {
	FS = "\t"
	MISSING = "not measured"
}

{
	key = $2 SUBSEP $3
	one = key SUBSEP $1
	if (!(key in seen)) {
		seen[key] = 1
		order[++keys] = key
		unit[key] = $6
	}
	value[one, ++count[one]] = $5
	by_round[one, $4] = $5
	round_of[one, count[one]] = $4
}

# --- Figures -----------------------------------------------------------------

# Sorts the rounds of one figure; sets low, median and high.
function stat(one,    n, i, j, v, t)
{
	n = count[one]
	if (!n)
		return 0
	for (i = 1; i <= n; i++) {
		t = value[one, i] + 0
		for (j = i - 1; j > 0 && v[j] > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	low = v[1]
	high = v[n]
	median = (v[int((n + 1) / 2)] + v[int((n + 2) / 2)]) / 2
	return n
}

# Sets ratio, ratio_low and ratio_high of ours against a peer; 0 if that cannot
# be said.
function compare(key, peer,    a, b, i, r)
{
	a = key SUBSEP "ours"
	b = key SUBSEP peer
	if (!stat(a))
		return 0
	ratio = median
	if (!stat(b) || !median)
		return 0
	ratio /= median
	ratio_low = ratio_high = ratio
	for (i = 1; i <= count[a]; i++) {
		if (!((b, round_of[a, i]) in by_round) ||
		    !by_round[b, round_of[a, i]])
			continue
		r = value[a, i] / by_round[b, round_of[a, i]]
		if (r < ratio_low)
			ratio_low = r
		if (r > ratio_high)
			ratio_high = r
	}
	return 1
}

function number(x)
{
	if (x >= 100 || x == int(x))
		return sprintf("%.0f", x)
	return sprintf("%.3g", x)
}

# "5.2 (4.9 to 6.0)"; one round has no spread.
function spread(mid, from, to)
{
	if (from == to)
		return number(mid)
	return number(mid) " (" number(from) " to " number(to) ")"
}

function figure(key, impl, scale)
{
	if (!stat(key SUBSEP impl))
		return "-"
	return spread(median / scale, low / scale, high / scale)
}

# A time in a unit that suits all the figures of a row; sets scale and scaled.
function choose_scale(key,    least)
{
	scale = 1
	scaled = unit[key]
	if (scaled != "ns" && scaled != "us")
		return
	if (stat(key SUBSEP "ours"))
		least = median
	if (stat(key SUBSEP "6.12") && (!least || median < least))
		least = median
	if (stat(key SUBSEP "6.1") && (!least || median < least))
		least = median
	if (scaled == "ns" && least >= 1000) {
		least /= 1000
		scale *= 1000
		scaled = "us"
	}
	if (scaled == "us" && least >= 1000) {
		least /= 1000
		scale *= 1000
		scaled = "ms"
	}
	if (scaled == "ms" && least >= 1000) {
		scale *= 1000
		scaled = "s"
	}
}

function ratio_text(key, peer)
{
	if (!compare(key, peer))
		return "-"
	return spread(ratio, ratio_low, ratio_high)
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

# The highest ratio among all figures of a metric whose parameters match, of at
# least so many CPUs, and which of them that is.  It is at most @limit, or lower
# if @below is set.
function goal_worst(what, text, limit, below, metric, pattern, cpus, peers,
		    i, j, n, part, p, worst, from, to, at, any, full)
{
	n = split(peers, p, " ")
	full = 1
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] !~ metric || part[2] !~ pattern ||
		    param(part[2], "cpus") + 0 < cpus)
			continue
		for (j = 1; j <= n; j++) {
			if (!compare(order[i], p[j])) {
				full = 0
				continue
			}
			if (!any++ || ratio > worst) {
				worst = ratio
				from = ratio_low
				to = ratio_high
				at = (part[2] == "" ? part[1] : part[2])
				if (n > 1)
					at = at ", against " p[j]
			}
		}
	}
	if (!any || (!full && !(worst > limit || below && worst >= limit)))
		goal_row(what, text, MISSING, MISSING)
	else
		goal_row(what, text, spread(worst, from, to) ", worst at " at,
			 (below ? worst < limit : worst <= limit) ? "met" : "not met")
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
		for (j = 1; part[1] == "hold" && j <= count[one]; j++)
			if (value[one, j] + 0 > most)
				most = value[one, j] + 0
	}
	return most
}

# That ours has none says something only if the trace shows the peer's.
function goal_hold(    ours, peer)
{
	ours = longest("ours")
	peer = longest("6.1")
	if (ours < 0 || peer <= 0)
		goal_row("Softirq hold of estimation", "none", MISSING, MISSING)
	else
		goal_row("Softirq hold of estimation", "none",
			 (ours ? number(ours) " us" : "none") "; 6.1: " \
			 number(peer) " us",
			 ours ? "not met" : "met")
}

function goals()
{
	print "## Goals"
	print ""
	print "| goal: ours / peer | limit | measured | |"
	print "| --- | --- | --- | --- |"
	goal("Pass, 128 CPUs, 50,000 estimators, 1 % active; 6.12", "1/20 = 0.05",
	     1 / 20, "pass", "cpus=128 ests=50000 active=1 used=all", "6.12")
	goal("Pass, 4 CPUs used of 128, 50,000 estimators, 100 % active; 6.12",
	     "1/15 = 0.067", 1 / 15, "pass",
	     "cpus=128 ests=50000 active=100 used=4", "6.12")
	goal_worst("Pass, 100 % active on all CPUs; 6.12", "1.0", 1, 0,
		   "^pass$", all_used, 0, "6.12")
	goal_worst("The same from 64 CPUs on; 6.12", "below 1.0", 1, 1,
		   "^pass$", all_used, 64, "6.12")
	goal("CPU time, 20,000 idle services, 16 CPUs; 6.12", "1/8 = 0.125",
	     1 / 8, "cpu_time", "cpus=16 services=20000 active=0", "6.12")
	goal("Wakeups, 200 namespaces; 6.12", "1/20 = 0.05", 1 / 20,
	     "wakeups", "cpus=4 netns=200", "6.12")
	goal_worst("Packet path, instructions; 6.12 and 6.1", "1.05", 1.05, 0,
		   "^packet_", "", 0, "6.12 6.1")
	goal_hold()
	goal("`ipvsadm -R` of 20,000; 6.1", "1.05", 1.05, "restore",
	     "cpus=4 services=20000", "6.1")
	goal("`ipvsadm -C` of 20,000; 6.1", "1.05", 1.05, "clear",
	     "cpus=4 services=20000", "6.1")
	goal("Dump of an idle table; 6.1", "1.10", 1.10, "dump",
	     "cpus=4 services=20000", "6.1")
	print ""
	printf "%d met, %d not met, %d not measured.\n\n", met, not_met, missing
}

# --- Tables ------------------------------------------------------------------

# All figures of the metrics that match.
function table(title, metric, text,    i, part, any)
{
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] !~ metric)
			continue
		if (!any++) {
			print "## " title
			print ""
			print text
			print ""
			print "| what | at | ours | 6.12 | 6.1 |" \
				" ours / 6.12 | ours / 6.1 |"
			print "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
		}
		choose_scale(order[i])
		print "| " part[1] ", " scaled " | " part[2] " | " \
			figure(order[i], "ours", scale) " | " \
			figure(order[i], "6.12", scale) " | " \
			figure(order[i], "6.1", scale) " | " \
			ratio_text(order[i], "6.12") " | " \
			ratio_text(order[i], "6.1") " |"
	}
	if (any)
		print ""
}

END {
	all_used = " active=100 used=all$"
	if (want == "goals") {
		goals()
		exit
	}
	table("One pass, in user space", "^pass$",
	      "Time to estimate all of the table once; `active`: percent that" \
	      " counted\nsince the pass before, on the CPUs `used`.  Chains" \
	      " of all hold 20 estimators, whose\nmemory was allocated one" \
	      " after the other.")
	table("Packet path", "^(packet|alone)_",
	      "Instructions that counting one packet takes, for a server, its" \
	      " service and the\ntotal.  `packet`: all; `alone`: without the body" \
	      " of __local_bh_enable_ip(), which\nours does not call on 64 bits and" \
	      " which is not the same in both kernels.")
	table("CPU time of the kthreads", "^cpu_time$",
	      "In each period of 2 s.  The active services got a datagram in" \
	      " each period,\nfrom one CPU; each has a server, which has an" \
	      " estimator of its own.")
	table("Softirq hold", "^hold$",
	      "The longest run of the estimation timer, by the kernel's timer" \
	      " tracepoints; 0:\nother timers were seen, but not this one.")
	table("Wakeups", "^wakeups$",
	      "Context switches of all estimation kthreads, a service in each" \
	      " namespace.")
	table("Ping through the director", "^ping_",
	      "Round trips of ICMP echoes that the director forwards, sent from" \
	      " each CPU in turn.")
	table("The control plane", "^(restore|clear|dump)$",
	      "`ipvsadm -R` and `-C`, and a dump of all services by netlink.")
	table("Memory", "^memory$",
	      "Slab and per-CPU memory that a service takes, all of it.")
	table("Checks", "^(clock|others)$",
	      "By how much the guest's clock was off, and what others took of the" \
	      " host's\nprocessors meanwhile: either should be about 0.")
}
