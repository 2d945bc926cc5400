# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables of scripts/bench/report, and with goals.awk goals, from lines of
#
#	impl TAB metric TAB parameters TAB round TAB value TAB unit
#
# A figure is the median of its rounds.  A ratio is that of two medians; its
# spread goes from the lowest to the highest of the ratios of single rounds with
# the same number.  What is missing is "not measured"; nothing is assumed.
#
# -v peers="NEW ... OLD": the bases, the newest first.
# -v want=goals prints the goals, -v want=tables all figures, -v want=faster where the
# newest and the oldest base are the faster ones.
#
# Against a base, ours is ours on that base if that was measured.

BEGIN {
	FS = "\t"
	MISSING = "not measured"
	npeers = split(peers, peer_of, " ")
	newest = peer_of[1]
	oldest = peer_of[npeers]
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
	if (!(one in count))
		return 0
	n = count[one]
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

function ours_against(key, peer)
{
	return (key SUBSEP "ours-" peer) in count ? "ours-" peer : "ours"
}

# Sets ratio, ratio_low and ratio_high of ours against a peer; 0 if that cannot
# be said.
function compare(key, peer,    a, b, i, r)
{
	a = key SUBSEP ours_against(key, peer)
	b = key SUBSEP peer
	if (!stat(a))
		return 0
	ratio = median
	if (!stat(b) || median <= 0)
		return 0
	ratio /= median
	ratio_low = ratio_high = ratio
	for (i = 1; i <= count[a]; i++) {
		if (!((b, round_of[a, i]) in by_round) ||
		    by_round[b, round_of[a, i]] <= 0)
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
function choose_scale(key,    least, i)
{
	scale = 1
	scaled = unit[key]
	if (scaled != "ns" && scaled != "us")
		return
	least = stat(key SUBSEP "ours") ? median : 0
	for (i = 1; i <= npeers; i++)
		if (stat(key SUBSEP peer_of[i]) && (!least || median < least))
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

# --- Tables ------------------------------------------------------------------

# All figures of the metrics that match.
function table(title, metric, text,    i, j, part, any, head, line, own)
{
	for (i = 1; i <= keys; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] !~ metric)
			continue
		if (!any++) {
			head = "| what | at | ours |"
			line = "| --- | --- | ---: |"
			for (j = 1; j <= npeers; j++) {
				head = head " " peer_of[j] " |"
				line = line " ---: | ---: |"
			}
			for (j = 1; j <= npeers; j++)
				head = head " ours / " peer_of[j] " |"
			print "## " title "\n\n" text "\n\n" head "\n" line
		}
		choose_scale(order[i])
		line = "| " part[1] ", " scaled " | " part[2] " | " \
			figure(order[i], "ours", scale)
		own = ours_against(order[i], oldest)
		if (own != "ours")
			line = line "; on " oldest " " figure(order[i], own, scale)
		for (j = 1; j <= npeers; j++)
			line = line " | " figure(order[i], peer_of[j], scale)
		for (j = 1; j <= npeers; j++)
			line = line " | " ratio_text(order[i], peer_of[j])
		print line " |"
	}
	if (any)
		print ""
}

function tables()
{
	table("One pass, in user space", "^pass$",
	      "Time to estimate all of the table once; `active`: percent that" \
	      " counted\nsince the pass before, on the CPUs `used`; where these are" \
	      " fewer, all have\ncounted until just before.  Chains of all hold 20" \
	      " estimators, in the order of\nmemory, or in another one: `aged`." \
	      "  What ours does once in 32 samples is\nin each pass, for another" \
	      " 32nd of them.")
	table("Reading a table that is active, in user space", "^read$",
	      "Counters and rates of all, which each of the CPUs has counted for." \
	      "  Ours are\nexact as of now, those of the others of the last pass.")
	table("Packet path", "^(packet|alone)_",
	      "Instructions that counting one packet takes, for a server, its" \
	      " service and the\ntotal.  `packet`: all; `alone`: without the body" \
	      " of __local_bh_enable_ip(), which\nours does not call on 64 bits and" \
	      " which is not the same in all kernels.")
	table("Packets and passes on two processors",
	      "^(atomics|marking|passing|reading|packet_ps)",
	      "What one processor pays, all its packets together, for each time that" \
	      " another one\npasses over the server, the service and the total" \
	      " (`passing`), or reads them for\nusers (`reading`).  `marking`: what" \
	      " is left of `passing` without what it pays for its\ncounters being" \
	      " read; `marking_cleared`: the same when\n" \
	      "each pass cleared the marks, as a version of ours did that was never" \
	      " mailed.\n`packet_ps`: a packet meanwhile, with that each 2 us.\n" \
	      "`atomics`: of packets, for an object that stays active, for each CPU" \
	      " and period.")
	table("CPU time of estimation", "^(cpu|tasks|busy)_time$",
	      "In each period of 2 s.  `cpu`: of the kthreads alone; `tasks`: of" \
	      " all tasks, beyond\nwhat there is without a table; `busy`: the same" \
	      " with what interrupts take, for\n" oldest ", which has no kthreads.  The" \
	      " active services got a datagram in each period,\nfrom one CPU; each" \
	      " has a server, which has an estimator of its own.")
	table("Softirq hold", "^hold$",
	      "The longest run of the estimation timer, by the kernel's timer" \
	      " tracepoints; 0:\nother timers were seen, but not this one.")
	table("Wakeups", "wakeups$",
	      "Context switches of all estimation kthreads: of a table, and of" \
	      " namespaces with\na service each.")
	table("Ping through the director", "^ping_",
	      "Round trips of ICMP echoes that the director forwards, sent from" \
	      " each CPU in turn.")
	table("The control plane", "^(restore|clear|dump|dump_active)$",
	      "`ipvsadm -R` and `-C`, and a dump of all services by netlink;" \
	      " `dump_active`: of a\ntable that is active.  On CPUs that are online," \
	      " that is.  Against " oldest ", ours\nis ours on " oldest ".")
	table("Memory", "^memory$",
	      "Slab and per-CPU memory that a service takes, all of it.")
	table("Checks", "^(clock|others)$",
	      "By how much the guest's clock was off, and what others took of the" \
	      " host's\nprocessors meanwhile: either should be about 0.")
}

END {
	if (want == "goals") {
		goals()
	} else if (want == "faster") {
		faster(newest)
		faster(oldest)
	} else {
		tables()
	}
}
