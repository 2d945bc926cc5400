// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the walk of a chain, plain, or with busy estimators timed
 *
 * Three walks of one kind:
 *
 *   ip_vs_est_chain_walk()		plain
 *   ip_vs_est_chain_walk_wide()	the same on machines of many CPUs
 *   ip_vs_est_chain_probe()		timed, now and then
 *
 * Only the memory of an estimator says where the next one is.  So the next one
 * is always fetched while one is looked at.  On machines of many
 * CPUs what a sample needs is far away, too: there the lines of some busy
 * estimators are fetched before the first of them is sampled.  The timed walk
 * does not do that, so that the limit errs on the safe side.
 *
 * Busy estimators that follow each other in a chain are a run.  The timed walk
 * reads the clock where a run begins and where it ends.  What reading the clock
 * takes is measured, taken off, and bounded: where the clock is slow, only the
 * first runs of a chain are timed.
 */

#include <linux/ktime.h>
#include <linux/prefetch.h>
#include <linux/rculist.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* The most that reading the clock may take of a timed walk, ns: after that, the
 * rest is not timed.  By choice: 1/8 of the 95 us that a chain should take.
 */
#define IP_VS_EST_CLOCK_MAX	12000

/* Busy estimators whose lines are fetched before the first of them is sampled.
 * Of 1, 4 and 8 this was measured to be the fastest, as in ip_vs_stats_sum.c,
 * with 128 CPUs of which 4 count: 221, 208 and 224 ns for each of 50,000 in no
 * order, and 238 without.  In order they differ little, 85 ns, and 124 without.
 */
#define IP_VS_EST_FETCH		4

/**
 * struct ip_vs_est_fetch - busy estimators whose lines are being fetched
 * @stats: a ring of the estimators'; NULL where there is none
 * @n: how many were taken in; modulo the size of the ring, where the oldest is
 */
struct ip_vs_est_fetch {
	struct ip_vs_stats	*stats[IP_VS_EST_FETCH];
	unsigned int		n;
};

/**
 * struct ip_vs_est_probe - a walk in which busy estimators are timed
 * @walk: the walk
 * @reading: what it takes to read the clock, ns
 * @begun: when the run began, ns
 * @running: there is a run
 * @done: the clock has taken enough, the rest is not timed
 * @busy: busy estimators before @done
 * @groups: groups of CPUs that were read for these
 */
struct ip_vs_est_probe {
	struct ip_vs_est_walk	*walk;
	s64			reading;
	s64			begun;
	bool			running;
	bool			done;
	u32			busy;
	u64			groups;
};

/**
 * ip_vs_est_walk_busy() - estimators that had something to do
 * @walk: the walk
 *
 * Context: any.
 * Return: how many.
 */
u32 ip_vs_est_walk_busy(const struct ip_vs_est_walk *walk)
{
	u32 busy = 0;
	unsigned int result;

	for (result = 0; result < IP_VS_EST_NRESULTS; result++)
		busy += walk->results[result];
	return busy - walk->results[IP_VS_EST_IDLE];
}

/**
 * ip_vs_est_walk_groups() - groups of CPUs that were read for them
 * @walk: the walk
 *
 * Context: any.
 * Return: how many, all estimators together.
 */
u64 ip_vs_est_walk_groups(const struct ip_vs_est_walk *walk)
{
	return walk->groups + (u64)walk->results[IP_VS_EST_READ_ALL] *
			      ip_vs_stats_ngroups;
}

/* Read the clock twice to know how long that takes.  An interrupt may come in
 * between, so what is known grows slowly; but it does grow, as this may be
 * another CPU now, or another speed.  By 1/8 at a time, by choice, and to a
 * quarter of a second at most, so that it fits.
 */
static struct ip_vs_est_probe ip_vs_est_probe_begin(struct ip_vs_est_meter *m,
						    struct ip_vs_est_walk *walk)
{
	s64 begun = ip_vs_est_clock(), reading = ip_vs_est_clock() - begun;

	reading = clamp_t(s64, reading, 0, U32_MAX / 16);
	if (m->reading)
		reading = min_t(s64, reading, m->reading + m->reading / 8 + 1);
	m->reading = reading;
	/* These two, and one by ip_vs_est_walk_chain(), which times the walk */
	walk->clock_ns = 3 * reading;
	return (struct ip_vs_est_probe){ .walk = walk, .reading = reading };
}

static void ip_vs_est_run_end(struct ip_vs_est_probe *p)
{
	if (p->running)
		p->walk->busy_ns += ip_vs_est_clock() - p->begun - p->reading;
	p->running = false;
}

/* A run begins.  If the clock has taken enough, it is the last one and ends at
 * once: with the estimators that wait in @batch for being read together, so
 * that none of them is left for what is not timed.
 */
static void ip_vs_est_run_begin(struct ip_vs_est_probe *p,
				struct ip_vs_est_batch *batch)
{
	if (p->running || p->done)
		return;
	p->running = true;
	p->walk->clock_ns += 2 * p->reading;
	p->begun = ip_vs_est_clock();
	if (p->walk->clock_ns < IP_VS_EST_CLOCK_MAX)
		return;
	if (batch && batch->n)
		ip_vs_est_pass_batch(batch, p->walk);
	ip_vs_est_run_end(p);
	p->done = true;
	p->busy = ip_vs_est_walk_busy(p->walk);
	p->groups = ip_vs_est_walk_groups(p->walk);
}

/**
 * ip_vs_est_chain_probe() - ip_vs_est_chain_walk(), busy estimators timed
 * @m: the meter of the context
 * @chain: a chain of a row that was read in this RCU read-side section
 * @walk: what was done is added to it, and the time that busy ones have taken
 * @batch: as for ip_vs_est_chain_walk()
 *
 * Context: process context, RCU read side; the kthread that owns @m.
 */
void ip_vs_est_chain_probe(struct ip_vs_est_meter *m,
			   const struct hlist_head *chain,
			   struct ip_vs_est_walk *walk,
			   struct ip_vs_est_batch *batch)
{
	struct ip_vs_est_probe p = ip_vs_est_probe_begin(m, walk);
	struct ip_vs_stats *stats;

	/* Pairs with hlist_add_head_rcu() in ip_vs_est_chain_add() */
	hlist_for_each_entry_rcu(stats, chain, est.node) {
		prefetch(rcu_dereference(hlist_next_rcu(&stats->est.node)));
		if (ip_vs_est_is_quiet(stats, walk)) {
			ip_vs_est_run_end(&p);
			walk->results[IP_VS_EST_IDLE]++;
			continue;
		}
		ip_vs_est_run_begin(&p, batch);
		ip_vs_est_pass_busy(stats, walk, batch);
	}
	if (batch && batch->n) {
		ip_vs_est_run_begin(&p, batch);
		if (batch->n)
			ip_vs_est_pass_batch(batch, walk);
	}
	ip_vs_est_run_end(&p);
	if (p.done) {
		walk->untimed = ip_vs_est_walk_busy(walk) - p.busy;
		walk->untimed_groups = ip_vs_est_walk_groups(walk) - p.groups;
	}
}

/* Take in an estimator, or NULL at the end, and sample the oldest one */
static void ip_vs_est_fetch_turn(struct ip_vs_est_fetch *fetch,
				 struct ip_vs_stats *stats,
				 struct ip_vs_est_walk *walk,
				 struct ip_vs_est_batch *batch)
{
	struct ip_vs_stats **slot, *oldest;

	slot = &fetch->stats[fetch->n++ % IP_VS_EST_FETCH];
	oldest = *slot;
	*slot = stats;
	if (oldest)
		ip_vs_est_pass_busy(oldest, walk, batch);
}

static void ip_vs_est_chain_walk_wide(const struct hlist_head *chain,
				      struct ip_vs_est_walk *walk,
				      struct ip_vs_est_batch *batch)
{
	struct ip_vs_est_fetch fetch = { };
	struct ip_vs_stats *stats;
	unsigned int i;

	/* Pairs with hlist_add_head_rcu() in ip_vs_est_chain_add() */
	hlist_for_each_entry_rcu(stats, chain, est.node) {
		prefetch(rcu_dereference(hlist_next_rcu(&stats->est.node)));
		if (ip_vs_est_is_quiet(stats, walk)) {
			walk->results[IP_VS_EST_IDLE]++;
			continue;
		}
		ip_vs_stats_prefetch(stats);
		ip_vs_est_fetch_turn(&fetch, stats, walk, batch);
	}
	for (i = 0; i < IP_VS_EST_FETCH; i++)
		ip_vs_est_fetch_turn(&fetch, NULL, walk, batch);
	if (batch->n)
		ip_vs_est_pass_batch(batch, walk);
}

/**
 * ip_vs_est_chain_walk() - one pass over each estimator of a chain
 * @chain: a chain of a row that was read in this RCU read-side section
 * @walk: what was done is added to it
 * @batch: on machines of many CPUs, an empty one for those that are read
 *	together, and left so; NULL: none are
 *
 * Context: process context, RCU read side.
 */
void ip_vs_est_chain_walk(const struct hlist_head *chain,
			  struct ip_vs_est_walk *walk,
			  struct ip_vs_est_batch *batch)
{
	struct ip_vs_stats *stats;

	if (batch) {
		ip_vs_est_chain_walk_wide(chain, walk, batch);
		return;
	}
	/* Pairs with hlist_add_head_rcu() in ip_vs_est_chain_add() */
	hlist_for_each_entry_rcu(stats, chain, est.node) {
		/* Harmless at the end of the chain, where it is NULL */
		prefetch(rcu_dereference(hlist_next_rcu(&stats->est.node)));
		ip_vs_est_pass(stats, walk, NULL);
	}
}
