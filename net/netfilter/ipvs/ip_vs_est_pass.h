/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS estimation: counters and their sampling, for what is built on them */
#ifndef _IP_VS_EST_PASS_H
#define _IP_VS_EST_PASS_H

#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <net/ip_vs_est.h>

/* A sample covers at least this time, jiffies: 1 s, half a period, so that
 * an estimator which moved to a row just ahead is not sampled over an instant
 */
#define IP_VS_EST_MIN_SAMPLE	HZ
/* A rate is not shown any more after this time without a sample, jiffies.  By
 * choice: five samples were missed.
 */
#define IP_VS_EST_STALE		(10 * HZ)

/* Estimators whose counters are read together: all of a chain of up to 32.
 * Measured with 256 CPUs and chains of 20, as in ip_vs_stats_sum.c: with 16, a
 * walk takes 1.3 times as long.
 */
#define IP_VS_EST_READ_BATCH	32

/* Generations that no namespace is ever in */
#define IP_VS_EST_GEN_NEW	0	/* never started: base 0 is right */
#define IP_VS_EST_GEN_STALE	1	/* take the next counters as base */
#define IP_VS_EST_GEN_FIRST	2

/**
 * enum ip_vs_est_result - what a pass has done with an estimator
 * @IP_VS_EST_IDLE: nothing, neither was anything to do
 * @IP_VS_EST_EARLY: nothing, a sample is not due
 * @IP_VS_EST_FOLDED: a sample for which no counter had to be read
 * @IP_VS_EST_READ: a sample, counters of some CPUs were read
 * @IP_VS_EST_READ_ALL: a sample, counters of all CPUs were read
 * @IP_VS_EST_NRESULTS: how many there are
 * @IP_VS_EST_LATER: nothing yet, counters of all CPUs are to be read
 */
enum ip_vs_est_result {
	IP_VS_EST_IDLE,
	IP_VS_EST_EARLY,
	IP_VS_EST_FOLDED,
	IP_VS_EST_READ,
	IP_VS_EST_READ_ALL,
	IP_VS_EST_NRESULTS,
	IP_VS_EST_LATER
};

/**
 * struct ip_vs_est_walk - a walk of a chain
 * @gen: generation of the namespace when it began
 * @walked: when the chain was walked before, jiffies
 * @results: how many passes have done what, by enum ip_vs_est_result
 * @groups: groups of CPUs whose counters were read, by all passes that have
 *	read some but not all
 * @busy_ns: time of the passes that had something to do, if it was taken, ns
 * @clock_ns: what reading the clock has taken for that, ns
 * @untimed: such passes of which the time was not taken any more
 * @untimed_groups: groups of CPUs that were read by those
 * @unsettled: there was an object that waits for a grace period
 */
struct ip_vs_est_walk {
	u32			gen;
	u64			walked;
	u32			results[IP_VS_EST_NRESULTS];
	u32			groups;
	s64			busy_ns;
	s64			clock_ns;
	u32			untimed;
	u64			untimed_groups;
	bool			unsettled;
};

/**
 * struct ip_vs_est_batch - estimators whose counters are read together
 * @n: how many there are
 * @stats: the estimators'
 * @stamp: the times of their last samples, when they were taken in
 * @sum: what all CPUs have counted, when they have been read
 */
struct ip_vs_est_batch {
	unsigned int		n;
	struct ip_vs_stats	*stats[IP_VS_EST_READ_BATCH];
	u64			stamp[IP_VS_EST_READ_BATCH];
	struct ip_vs_counts	sum[IP_VS_EST_READ_BATCH];
};

/* ip_vs_stats_sum.c */
extern bool ip_vs_stats_wide;
extern bool ip_vs_stats_dense;
extern unsigned long ip_vs_stats_groups;
extern unsigned int ip_vs_stats_ngroups;
void ip_vs_stats_setup(void);
void ip_vs_stats_sum(const struct ip_vs_stats *stats, unsigned long groups,
		     struct ip_vs_counts *dst);
void ip_vs_stats_sum_all(struct ip_vs_stats *const *stats, unsigned int n,
			 struct ip_vs_counts *sum);
void ip_vs_stats_prefetch(const struct ip_vs_stats *stats);

static inline void ip_vs_counts_add(struct ip_vs_counts *sum,
				    const struct ip_vs_counts *one)
{
	BUILD_BUG_ON(IP_VS_NCOUNTS != 5);
	sum->v[0] += one->v[0];
	sum->v[1] += one->v[1];
	sum->v[2] += one->v[2];
	sum->v[3] += one->v[3];
	sum->v[4] += one->v[4];
}

static inline bool ip_vs_counts_same(const struct ip_vs_counts *a,
				     const struct ip_vs_counts *b)
{
	return !((a->v[0] ^ b->v[0]) | (a->v[1] ^ b->v[1]) |
		 (a->v[2] ^ b->v[2]) | (a->v[3] ^ b->v[3]) |
		 (a->v[4] ^ b->v[4]));
}

/* ip_vs_stats.c */
extern unsigned int ip_vs_stats_refresh;
void ip_vs_stats_now(const struct ip_vs_stats *stats, struct ip_vs_counts *now);
void ip_vs_stats_clear(struct ip_vs_stats *stats);
bool ip_vs_stats_collect(struct ip_vs_stats *stats, struct ip_vs_counts *now,
			 bool later, unsigned long *read);

/**
 * ip_vs_stats_needs_gp() - is there something that a grace period would settle?
 * @stats: where
 *
 * Inline, as each pass that is not quiet asks.
 *
 * Context: stats->lock held.
 * Return: true if hot groups are silent, and the grace period which that must
 * last for has not ended.  Not when it has: those that cannot be cooled would
 * have one grace period follow the other.
 */
static inline bool ip_vs_stats_needs_gp(const struct ip_vs_stats *stats)
{
	lockdep_assert_held(&stats->lock);

	return stats->hot & ~atomic_long_read(&stats->dirty) &&
	       !poll_state_synchronize_rcu(stats->cleared);
}

/* ip_vs_est_pass.c */
void ip_vs_est_fold(struct ip_vs_estimator *est, const struct ip_vs_counts *now,
		    u64 elapsed);
u64 ip_vs_est_rate(const struct ip_vs_estimator *est, enum ip_vs_count c);
void ip_vs_est_rebase(struct ip_vs_estimator *est,
		      const struct ip_vs_counts *now);
void ip_vs_est_begin(struct ip_vs_stats *stats);
void ip_vs_est_enter(struct ip_vs_stats *stats);
void ip_vs_est_leave(struct ip_vs_stats *stats, unsigned long walked);
void ip_vs_est_pass_busy(struct ip_vs_stats *stats, struct ip_vs_est_walk *walk,
			 struct ip_vs_est_batch *batch);
void ip_vs_est_pass_batch(struct ip_vs_est_batch *batch,
			  struct ip_vs_est_walk *walk);

/**
 * ip_vs_est_is_quiet() - is there nothing to do for an estimator?
 * @stats: the estimator's
 * @walk: the walk that the pass is a part of
 *
 * Context: as ip_vs_est_pass().
 * Return: true if so.
 */
static inline bool ip_vs_est_is_quiet(const struct ip_vs_stats *stats,
				      const struct ip_vs_est_walk *walk)
{
	/* The two loads may come in any order: a bit that is not seen yet is
	 * seen by the next walk, and sums are made under the lock.  READ_ONCE()
	 * pairs with WRITE_ONCE() in ip_vs_est_set_quiet(),
	 * ip_vs_est_clear_quiet(), ip_vs_est_begin(), ip_vs_est_enter() and
	 * ip_vs_stats_unsettle().
	 */
	return !atomic_long_read(&stats->dirty) &&
	       READ_ONCE(stats->est.quiet) == walk->gen;
}

/**
 * ip_vs_stats_unsettle() - let the next pass take as long as one can
 * @stats: a private object
 *
 * Context: any, nobody else uses @stats.
 */
static inline void ip_vs_stats_unsettle(struct ip_vs_stats *stats)
{
	atomic_long_set(&stats->dirty, ip_vs_stats_groups);
	/* Pairs with READ_ONCE() in ip_vs_est_is_quiet() */
	WRITE_ONCE(stats->est.quiet, 0);
}

/**
 * ip_vs_est_pass() - take a sample if there is something to sample
 * @stats: the estimator's
 * @walk: the walk that the pass is a part of; what was done is added to it
 * @batch: takes @stats in if it is one to be read with others, and when it is
 *	full all in it are read; NULL: read it at once
 *
 * Context: process context, takes stats->lock; RCU read side, the same section
 * for all that use @batch.
 */
static inline void ip_vs_est_pass(struct ip_vs_stats *stats,
				  struct ip_vs_est_walk *walk,
				  struct ip_vs_est_batch *batch)
{
	if (ip_vs_est_is_quiet(stats, walk))
		walk->results[IP_VS_EST_IDLE]++;
	else
		ip_vs_est_pass_busy(stats, walk, batch);
}

#endif /* _IP_VS_EST_PASS_H */
