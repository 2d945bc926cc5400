// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the cost of an estimator, fitted to the times of walks
 *
 * Linear regression, least squares with a ridge penalty.  What a busy estimator
 * takes is modelled as
 *
 *	cost = base + all * (counters read) / (counters of all CPUs)
 *
 * in units of 2^-8 ns.  The result is base + all: a limit must hold when every
 * CPU has counted for every estimator, whatever there is to walk now.
 *
 * Once a period, from the times of probed chains (ip_vs_est_walk.c):
 *
 *  1. Times fall into classes by the share of counters that was read, each half
 *     of the one above.  The low quartile of a class is its point: interrupts,
 *     or a hypervisor that runs another guest, make times longer, and maybe
 *     most of them, but never shorter.
 *  2. base and all are scaled by one factor, the weighted mean of what the
 *     points are to the model.  That is a CPU at another clock, after which
 *     nothing is to be learned anew.
 *  3. If the points are far enough apart, each gets its own factor by the
 *     regression, on relative errors.  The penalty is on the change, so that it
 *     takes some periods.  If all estimators have as many CPUs the points are
 *     one, and the proportion stays as it was learned before; or as assumed at
 *     first, which is one cache line for each CPU.
 *  4. A result within 1/8 of the last one enters a weighted mean with it.  One
 *     farther away is an outlier until the next period confirms it.
 *
 * Short chains do not count, see ip_vs_est_long_enough(): that a CPU was asleep
 * before would pass for the cost of few estimators.
 */

#include <linux/bitops.h>
#include <linux/math64.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* Chains are probed until a period has so many times, and then one of so many
 * chains is.  By choice: enough of few, and next to nothing for many.
 */
#define IP_VS_EST_PROBES	32
#define IP_VS_EST_PROBE_EACH	16
/* Busy estimators that are timed together, so that their times differ less.  By
 * choice: what takes longer is easier held up.
 */
#define IP_VS_EST_TIMED_ESTS	16
/* Binary digits of fractions; IP_VS_EST_ONE is 1, and has a sign */
#define IP_VS_EST_FRAC_BITS	15
#define IP_VS_EST_ONE		((int)BIT(IP_VS_EST_FRAC_BITS))
/* The least that base and all may be, so that they can grow again: 1/16 ns */
#define IP_VS_EST_COST_MIN	BIT(IP_VS_EST_COST_SHIFT - 4)
/* Points give a slope if they are apart by half of all counters.  By choice:
 * the noise of nearer ones would be multiplied.
 */
#define IP_VS_EST_MIN_SPREAD	(IP_VS_EST_ONE / 2)
/* The ridge penalty: what a change of both costs against the errors that are
 * left, in times that are wrong by all of it.  By choice, so that it takes some
 * periods.
 */
#define IP_VS_EST_RIDGE		(2 * IP_VS_EST_ONE)
/* Differences of less than 1/8 are noise for the most part: then the costs are
 * a mean, in which what was known before has the weight of so many times.  By
 * choice: the noise that is left is less than what changes the limit.
 */
#define IP_VS_EST_PRIOR_WEIGHT	16

/**
 * struct ip_vs_est_point - what stands for the times of a class
 * @cost: time for each estimator
 * @read: counters that were read, IP_VS_EST_ONE is all
 * @n: times that it was taken from
 */
struct ip_vs_est_point {
	u64			cost;
	u32			read;
	unsigned int		n;
};

/**
 * ip_vs_est_meter_probe_due() - is it a chain's turn to be probed?
 * @m: the meter of the context
 *
 * Context: the kthread that owns @m.
 * Return: true if so.
 */
bool ip_vs_est_meter_probe_due(struct ip_vs_est_meter *m)
{
	return m->times < IP_VS_EST_PROBES ||
	       m->chains++ % IP_VS_EST_PROBE_EACH == 0;
}

static u32 ip_vs_est_cost_clamp(u64 cost)
{
	return clamp_t(u64, cost, IP_VS_EST_COST_MIN, U32_MAX);
}

/* The time that is to be expected */
static u64 ip_vs_est_expect(const struct ip_vs_est_meter *m, u32 read)
{
	return m->base + ((u64)m->all * read >> IP_VS_EST_FRAC_BITS);
}

/* A time against that, IP_VS_EST_ONE is the same */
static u64 ip_vs_est_ratio(const struct ip_vs_est_meter *m, u64 cost, u32 read)
{
	return div64_u64(cost << IP_VS_EST_FRAC_BITS,
			 ip_vs_est_expect(m, read));
}

/* A class holds 16 times of its period, the same distance apart: when it is
 * full, every other one goes, and of those that come, half are left out
 */
static void ip_vs_est_class_add(struct ip_vs_est_class *c,
				const struct ip_vs_est_timed *t)
{
	unsigned int seen = c->seen++, i;

	if (c->n == IP_VS_EST_CLASS_TIMES && !(seen & c->skip)) {
		c->n /= 2;
		for (i = 1; i < c->n; i++)
			c->timed[i] = c->timed[2 * i];
		c->skip = 2 * c->skip + 1;
	}
	if (!(seen & c->skip))
		c->timed[c->n++] = *t;
}

/* The share of counters that was read, of @busy estimators */
static u32 ip_vs_est_read(u64 groups, u32 busy)
{
	return div64_u64(groups << IP_VS_EST_FRAC_BITS,
			 (u64)busy * ip_vs_stats_ngroups);
}

/* Its class: nothing, ..., a quarter or more, half or more, all */
static struct ip_vs_est_class *ip_vs_est_class(struct ip_vs_est_meter *m,
					       u64 groups, u32 busy)
{
	int class = fls(ip_vs_est_read(groups, busy)) -
		    (IP_VS_EST_FRAC_BITS + 2 - IP_VS_EST_CLASSES);

	return &m->class[groups ? max(class, 1) : 0];
}

/* What a class has gathered becomes a time */
static void ip_vs_est_class_time(struct ip_vs_est_meter *m,
				 struct ip_vs_est_class *c)
{
	u64 ns = min_t(u64, c->busy_ns, U32_MAX) << IP_VS_EST_COST_SHIFT;
	struct ip_vs_est_timed t = {
		.cost = ip_vs_est_cost_clamp(div_u64(ns, c->busy)),
		.read = ip_vs_est_read(c->groups, c->busy),
	};

	ip_vs_est_class_add(c, &t);
	m->times++;
	c->busy = 0;
	c->groups = 0;
	c->busy_ns = 0;
}

/**
 * ip_vs_est_meter_add() - note what a probed chain has taken, if long enough
 * @m: the meter of the context
 * @ns: time of all of the walk but of reading the clock, ns, not preempted
 * @walk: what was done in it
 * @chain_max: limit in use
 *
 * Context: the kthread that owns @m.
 */
void ip_vs_est_meter_add(struct ip_vs_est_meter *m, u64 ns,
			 const struct ip_vs_est_walk *walk, u32 chain_max)
{
	u64 groups = ip_vs_est_walk_groups(walk) - walk->untimed_groups;
	u32 busy = ip_vs_est_walk_busy(walk);
	u32 ests = busy + walk->results[IP_VS_EST_IDLE];
	struct ip_vs_est_class *c;

	if (!ests || !ip_vs_est_long_enough(ests, chain_max))
		return;

	ns = min_t(u64, ns, U32_MAX) << IP_VS_EST_COST_SHIFT;
	if (ests >= chain_max)
		m->least = min_t(u64, m->least ? : U32_MAX,
				 ip_vs_est_cost_clamp(div_u64(ns, ests)));
	busy -= walk->untimed;
	if (!busy || walk->busy_ns <= 0)
		return;
	c = ip_vs_est_class(m, groups, busy);
	c->busy += busy;
	c->groups += groups;
	c->busy_ns += walk->busy_ns;
	if (c->busy >= IP_VS_EST_TIMED_ESTS)
		ip_vs_est_class_time(m, c);
}

/* Sort by how much more they are than is to be expected, the least first */
static void ip_vs_est_class_sort(const struct ip_vs_est_meter *m,
				 struct ip_vs_est_class *c)
{
	struct ip_vs_est_timed t;
	unsigned int i, j;

	for (i = 0; i < c->n; i++) {
		t = c->timed[i];
		t.ratio = min_t(u64, ip_vs_est_ratio(m, t.cost, t.read),
				U32_MAX);
		for (j = i; j && c->timed[j - 1].ratio > t.ratio; j--)
			c->timed[j] = c->timed[j - 1];
		c->timed[j] = t;
	}
}

/* The mean of those about the low quartile, an eighth of all on each side: by
 * choice, for a single one has its own noise.  The class starts anew.
 */
static struct ip_vs_est_point
ip_vs_est_class_point(const struct ip_vs_est_meter *m,
		      struct ip_vs_est_class *c)
{
	unsigned int from = c->n / 8, to = c->n * 3 / 8, i;
	struct ip_vs_est_point p = { .n = c->n };

	ip_vs_est_class_sort(m, c);
	for (i = from; i <= to; i++) {
		p.cost += c->timed[i].cost;
		p.read += c->timed[i].read;
	}
	p.cost = div_u64(p.cost, to - from + 1);
	p.read /= to - from + 1;
	c->n = 0;
	c->seen = 0;
	c->skip = 0;
	return p;
}

/* Both costs by one factor, the mean of those that the points ask for: a CPU at
 * another clock
 */
static void ip_vs_est_meter_scale(struct ip_vs_est_meter *m,
				  const struct ip_vs_est_point *p,
				  unsigned int n)
{
	unsigned int times = 0;
	u64 factor = 0;

	/* A u64 holds all of it: costs are below 2^32, and what a factor is
	 * beyond 2^16 comes with the next period
	 */
	for (; n; n--, p++) {
		factor += min(ip_vs_est_ratio(m, p->cost, p->read),
			      (u64)U32_MAX >> 1) * p->n;
		times += p->n;
	}
	factor = div_u64(factor, times);
	m->base = ip_vs_est_cost_clamp(m->base * factor >> IP_VS_EST_FRAC_BITS);
	m->all = ip_vs_est_cost_clamp(m->all * factor >> IP_VS_EST_FRAC_BITS);
}

/* 1 + (@y / @by), from a quarter to 4, of @cost.  By choice: few points may give
 * a wild factor, and what was cut of a true one comes with the next period.
 */
static u32 ip_vs_est_changed(u32 cost, s64 y, s64 by)
{
	s64 d = clamp_t(s64, div64_s64(y * IP_VS_EST_ONE, by),
			-IP_VS_EST_ONE / 4 * 3, 3 * IP_VS_EST_ONE);

	return ip_vs_est_cost_clamp((u64)cost * (IP_VS_EST_ONE + d) >>
				    IP_VS_EST_FRAC_BITS);
}

/* Ridge regression, the normal equations of two unknowns: each cost by its own
 * factor, for which the squares of the errors that are left and of the change
 * become least.  All of it is relative to what was expected, and below 2^24 in
 * units of 1 / IP_VS_EST_ONE.  No error counts as more than 4, by choice: its
 * square would outweigh all others.
 */
static void ip_vs_est_meter_fit(struct ip_vs_est_meter *m,
				const struct ip_vs_est_point *p, unsigned int n)
{
	s64 s00 = IP_VS_EST_RIDGE, s01 = 0, s11 = IP_VS_EST_RIDGE;
	s64 y0 = 0, y1 = 0, expect, error, base, all, det;

	for (; n; n--, p++) {
		expect = ip_vs_est_expect(m, p->read);
		error = div64_s64(((s64)p->cost - expect) * IP_VS_EST_ONE,
				  expect);
		error = min_t(s64, error, 4 * IP_VS_EST_ONE);
		base = div64_s64((s64)m->base * IP_VS_EST_ONE, expect);
		all = IP_VS_EST_ONE - base;
		y0 += p->n * error * base >> IP_VS_EST_FRAC_BITS;
		y1 += p->n * error * all >> IP_VS_EST_FRAC_BITS;
		s00 += p->n * base * base >> IP_VS_EST_FRAC_BITS;
		s01 += p->n * base * all >> IP_VS_EST_FRAC_BITS;
		s11 += p->n * all * all >> IP_VS_EST_FRAC_BITS;
	}
	/* Not 0, because the penalty is in it */
	det = (s00 * s11 - s01 * s01) >> IP_VS_EST_FRAC_BITS;
	m->base = ip_vs_est_changed(m->base, (y0 * s11 - y1 * s01) >>
					     IP_VS_EST_FRAC_BITS, det);
	m->all = ip_vs_est_changed(m->all, (y1 * s00 - y0 * s01) >>
					   IP_VS_EST_FRAC_BITS, det);
}

static void ip_vs_est_meter_begin(struct ip_vs_est_meter *m)
{
	u32 line = IP_VS_EST_LINE_NS << IP_VS_EST_COST_SHIFT;

	m->base = IP_VS_EST_BUSY_LINES * line;
	m->all = num_possible_cpus() * line;
	m->outlier = U32_MAX;
}

static bool ip_vs_est_near(u64 cost, u64 other)
{
	return cost > other / 8 * 7 && cost < other / 8 * 9;
}

/* Learn from the points; returns the cost when every CPU has counted */
static u32 ip_vs_est_meter_learn(struct ip_vs_est_meter *m,
				 const struct ip_vs_est_point *p,
				 unsigned int n)
{
	u64 base = m->base, all = m->all, cost;
	unsigned int i, times = 0;

	ip_vs_est_meter_scale(m, p, n);
	/* By class, so the first has the least to read */
	if (p[n - 1].read - p[0].read >= IP_VS_EST_MIN_SPREAD)
		ip_vs_est_meter_fit(m, p, n);

	cost = (u64)m->base + m->all;
	if (ip_vs_est_near(cost, base + all)) {
		for (i = 0; i < n; i++)
			times += p[i].n;
		base = IP_VS_EST_PRIOR_WEIGHT * base + (u64)times * m->base;
		all = IP_VS_EST_PRIOR_WEIGHT * all + (u64)times * m->all;
		m->base = div_u64(base, IP_VS_EST_PRIOR_WEIGHT + times);
		m->all = div_u64(all, IP_VS_EST_PRIOR_WEIGHT + times);
		m->outlier = 0;
	} else if (m->outlier != U32_MAX && !ip_vs_est_near(cost, m->outlier)) {
		m->outlier = ip_vs_est_cost_clamp(cost);
		m->base = base;
		m->all = all;
	} else {
		m->outlier = 0;
	}
	return ip_vs_est_cost_clamp((u64)m->base + m->all);
}

/**
 * ip_vs_est_meter_period() - fit the cost to the times of a period
 * @m: the meter of the context; the next period starts
 * @chain_max: limit in use
 *
 * Context: the kthread that owns @m.
 * Return: what an estimator takes when every CPU has counted for it, in units
 * of 2^-IP_VS_EST_COST_SHIFT ns, or 0 if no counter was read.  If even the
 * fastest was too slow, at least what its estimators have taken.
 */
u32 ip_vs_est_meter_period(struct ip_vs_est_meter *m, u32 chain_max)
{
	struct ip_vs_est_point p[IP_VS_EST_CLASSES];
	struct ip_vs_est_class *c;
	unsigned int n = 0;
	bool read = false;
	u32 cost = 0;

	if (!m->base)
		ip_vs_est_meter_begin(m);
	for (c = m->class; c < &m->class[IP_VS_EST_CLASSES]; c++) {
		/* Few are better than none */
		if (!c->n && c->busy)
			ip_vs_est_class_time(m, c);
		if (!c->n)
			continue;
		read |= c > m->class;
		p[n++] = ip_vs_est_class_point(m, c);
	}
	if (read)
		cost = ip_vs_est_meter_learn(m, p, n);
	if (ip_vs_est_too_slow(chain_max, m->least))
		cost = max(cost, m->least);
	m->least = 0;
	m->times = 0;
	return cost;
}
