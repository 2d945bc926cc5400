// SPDX-License-Identifier: GPL-2.0-or-later
/* Estimators on a simulated machine, and what it takes to walk them, see limit_sim.c */

#include "limit_sim.h"

/* Chains that each kthread walks in a period */
#define CHAINS		2400U
/* Estimators, at most; what a chain takes without any, ns */
#define ESTS		150000
#define CHAIN_NS	60

const struct trouble none = { .clock = 1 };

u32 right(const struct table *t)
{
	return clamp_t(u32, BUDGET / (t->busy_ns + t->read_ns), 1,
		       IP_VS_EST_CHAIN_LIMIT);
}

/* Is the estimator active? */
static bool active(const struct table *t, unsigned int i)
{
	if (t->even)
		return (u64)(i + 1) * t->active / 1000 !=
		       (u64)i * t->active / 1000;
	/* The same in each period */
	return ((i * 2654435761U) >> 7) % 1000 < t->active;
}

/* Time of @ns undisturbed, with what comes in between: others run for @for_ns,
 * and then not for as long as their share says, at any moment
 */
static u64 held_up(const struct trouble *h, u64 ns)
{
	u64 pause, left;

	if (!h->share)
		return ns;
	pause = h->for_ns * (1000 - h->share) / h->share;
	/* The walk runs, so it begins in a pause */
	left = ((u64)sim_rnd(1 << 16) * pause) >> 16;
	if (ns <= left)
		return ns;
	return ns + (1 + (ns - left) / (pause ? : 1)) * h->for_ns;
}

/* Sums over the estimators before the i'th */
static struct sums {
	u32 busy;
	u32 all;
	u32 groups;
} sums[ESTS + 1];

/* Who is active, and on how many groups of CPUs */
void choose(const struct table *t)
{
	unsigned int i, g;

	for (i = 0; i < t->ests; i++) {
		sums[i + 1] = sums[i];
		if (!active(t, i))
			continue;
		g = t->some ? 1 + (i * 2246822519U >> 9) % t->some : SIM_CPUS;
		if (t->blocks && i / 50 % 2)
			g = SIM_CPUS;
		sums[i + 1].busy++;
		if (g >= ip_vs_stats_ngroups)
			sums[i + 1].all++;
		else
			sums[i + 1].groups += g;
	}
}

/* @ns of @n estimators: times of single ones differ much, of many less */
static u64 noisy(const struct table *t, u64 ns, unsigned int n)
{
	unsigned int draws = clamp(n, 1U, 16U), i;
	u32 more = 0;

	for (i = 0; i < draws; i++)
		more += sim_rnd(t->noise + 1);
	return ns * (1000 - t->noise + 2 * more / draws) / 1000;
}

/* Walk @n estimators from @from on; returns what it takes, ns */
static u64 walk(const struct table *t, const struct trouble *h,
		unsigned int from, unsigned int n, struct ip_vs_est_walk *walk)
{
	const struct sums *a = &sums[from], *b = &sums[from + n];
	u32 busy = b->busy - a->busy, all = b->all - a->all;
	u64 ns, busy_ns, more;

	walk->results[IP_VS_EST_IDLE] = n - busy;
	walk->results[IP_VS_EST_READ_ALL] = all;
	walk->results[IP_VS_EST_READ] = busy - all;
	walk->groups = b->groups - a->groups;
	busy_ns = busy * t->busy_ns + all * t->read_ns +
		  (u64)walk->groups * t->read_ns / ip_vs_stats_ngroups;
	busy_ns = noisy(t, busy_ns, busy) * h->clock;
	ns = busy_ns + h->clock * (CHAIN_NS + (n - busy) * t->idle_ns);
	more = held_up(h, ns) - ns;
	/* Whom it hits is a matter of chance */
	walk->busy_ns = busy_ns;
	if (more && sim_rnd(1000) < busy_ns * 1000 / ns)
		walk->busy_ns += more;
	return ns + more;
}

/* A kthread's period */
static void kthread(struct run *r, unsigned int k, const struct trouble *h)
{
	unsigned int share = r->t.ests / r->t.kthreads, first = k * share;
	unsigned int chains = DIV_ROUND_UP(share, r->limit), chain, n, i;
	unsigned int from = sim_rnd(chains);
	u32 cost, want;
	u64 ns;

	if (h->one && k)
		h = &none;
	for (i = 0; i < min(chains, CHAINS); i++) {
		struct ip_vs_est_walk w = {};

		chain = (from + i) % chains;
		n = min(r->limit, share - chain * r->limit);
		if (!ip_vs_est_long_enough(n, r->limit) ||
		    !ip_vs_est_meter_probe_due(&r->meter[k]))
			continue;
		ns = walk(&r->t, h, first + chain * r->limit, n, &w);
		ip_vs_est_meter_add(&r->meter[k], ns, &w, r->limit);
	}
	cost = ip_vs_est_meter_period(&r->meter[k], r->limit);
	if (!ip_vs_est_judge_add(&r->judge, cost, r->now))
		return;
	want = ip_vs_est_judge_round(&r->judge, r->limit, r->t.guess);
	if (want && want != r->limit) {
		if (verbose)
			printf("    %lu s: %u, was %u\n",
			       (r->now + 300UL * HZ) / HZ, want, r->limit);
		r->limit = want;
		r->least = min(r->least, want);
		r->most = max(r->most, want);
		r->changes++;
	}
}

void periods(struct run *r, unsigned int n, const struct trouble *h)
{
	unsigned int k;

	while (n--) {
		r->now += IP_VS_EST_PERIOD;
		for (k = 0; k < r->t.kthreads; k++)
			kthread(r, k, h);
	}
}

void begin(struct run *r, const struct table *t)
{
	*r = (struct run){ .t = *t, .limit = t->guess, .now = -300 * HZ };
	sim.nr_cpus = t->cpus;
	bitmap_zero(sim_possible.bits, SIM_CPUS);
	bitmap_fill(sim_possible.bits, t->cpus);
	ip_vs_stats_setup();
	choose(t);
}
