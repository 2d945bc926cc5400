/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS estimation: what estimators cost, and how many a chain may hold */
#ifndef _IP_VS_EST_METER_H
#define _IP_VS_EST_METER_H

#include "ip_vs_est_pass.h"

/* Estimators are packed again when they need only one in so many of the open
 * rows, or of the contexts: by choice, so that fewer are moved than were
 * deleted before
 */
#define IP_VS_EST_SPARSE	4
/* Costs of estimators are in units of 2^-8 ns: one of a few ns is known to less
 * than a percent, and up to 16 ms fit into 32 bits
 */
#define IP_VS_EST_COST_SHIFT	8
/* Times that a meter keeps of each class: by choice, as the five about the low
 * quartile of so many stand for all.  And classes, by the share of all counters
 * that was read: none, all, half or more, a quarter or more, ... down to less
 * than 1/64: there are up to 64 groups of CPUs.
 */
#define IP_VS_EST_CLASS_TIMES	16
#define IP_VS_EST_CLASSES	9
/* What a busy estimator is assumed to take at first, beside the counters of all
 * CPUs, in cache lines that are read, one for each CPU: the four of struct
 * ip_vs_stats and as much again for its lock and arithmetic.  By choice.  Not
 * sizeof(), which is larger with lockdep, where time is not.
 */
#define IP_VS_EST_BUSY_LINES	8
/* And a line, ns: half of the 80 or so that memory takes, as the next ones are
 * read meanwhile.  By choice, and of little account: the first times of walks
 * correct all of it by one factor.
 */
#define IP_VS_EST_LINE_NS	40

/**
 * struct ip_vs_est_timed - what some busy estimators have taken
 * @cost: time for each
 * @read: share of all counters that was read, 2^15 is all
 * @ratio: the time against what is expected, 2^15 is the same
 */
struct ip_vs_est_timed {
	u32			cost;
	u32			read;
	u32			ratio;
};

/**
 * struct ip_vs_est_class - times of a period, for about as much to be read
 * @timed: some of them
 * @n: how many these are
 * @seen: how many there were
 * @skip: of skip + 1 one is kept; 2^n - 1
 * @busy: estimators that are not in a time yet
 * @groups: groups of CPUs that were read for these
 * @busy_ns: what these have taken, ns
 */
struct ip_vs_est_class {
	struct ip_vs_est_timed	timed[IP_VS_EST_CLASS_TIMES];
	unsigned int		n;
	unsigned int		seen;
	unsigned int		skip;
	u32			busy;
	u64			groups;
	u64			busy_ns;
};

/**
 * struct ip_vs_est_meter - what the estimators of a context cost
 * @class: times of this period
 * @times: times of this period, in the classes or left out
 * @chains: chains that came when there were enough of them
 * @least: the least time of a probed chain, for each estimator in it, as a
 *	cost; or 0
 * @base: cost of a busy estimator without reading counters; 0 at first
 * @all: and what is added for the counters of all CPUs
 * @outlier: cost that the last period has measured instead, too far off to be
 *	taken over at once; 0: none, U32_MAX: take over whatever comes
 * @reading: what it takes to read the clock, ns
 */
struct ip_vs_est_meter {
	struct ip_vs_est_class	class[IP_VS_EST_CLASSES];
	unsigned int		times;
	unsigned int		chains;
	u32			least;
	u32			base;
	u32			all;
	u32			outlier;
	u32			reading;
};

/**
 * struct ip_vs_est_judge - the limit, from what all kthreads have measured
 * @begun: when this round began, jiffies
 * @cost: the highest that a kthread has measured in it, in units of
 *	2^-IP_VS_EST_COST_SHIFT ns; 0: none has
 * @want: the limit that the rounds of the streak agree on
 * @streak: rounds in a row that ask for less (> 0) or for more (< 0)
 * @unknown: rounds in a row in which no kthread has measured a cost
 * @reverted: the limit went back to the guess, and no cost was measured since
 * @backoff: times that it did and the guess proved too high
 */
struct ip_vs_est_judge {
	unsigned long		begun;
	u32			cost;
	u32			want;
	int			streak;
	unsigned int		unknown;
	bool			reverted;
	unsigned int		backoff;
};

/* ip_vs_est_limit.c */
u64 ip_vs_est_clock(void);
u64 ip_vs_est_cost(struct ip_vs_stats *stats, u64 (*clock)(void),
		   bool (*pause)(void));
u32 ip_vs_est_chain_max(u64 cost);
u32 ip_vs_est_recalibrated(u32 chain_max, u32 old_guess, u32 new_guess);
bool ip_vs_est_same_guess(u32 old_guess, u32 new_guess);
bool ip_vs_est_too_slow(u32 chain_max, u64 cost);
bool ip_vs_est_judge_add(struct ip_vs_est_judge *j, u32 cost,
			 unsigned long now);
u32 ip_vs_est_judge_round(struct ip_vs_est_judge *j, u32 chain_max, u32 guess);

/* Is a chain of @ests long enough to measure what one costs?  Not only full
 * ones are: none is full after many were deleted, or after the limit was
 * raised.  A quarter, by choice, is what compaction leaves.
 */
static inline bool ip_vs_est_long_enough(u32 ests, u32 chain_max)
{
	return ests >= DIV_ROUND_UP(chain_max, IP_VS_EST_SPARSE);
}

/* ip_vs_est_walk.c */
void ip_vs_est_chain_walk(const struct hlist_head *chain,
			  struct ip_vs_est_walk *walk,
			  struct ip_vs_est_batch *batch);
u32 ip_vs_est_walk_busy(const struct ip_vs_est_walk *walk);
u64 ip_vs_est_walk_groups(const struct ip_vs_est_walk *walk);
void ip_vs_est_chain_probe(struct ip_vs_est_meter *m,
			   const struct hlist_head *chain,
			   struct ip_vs_est_walk *walk,
			   struct ip_vs_est_batch *batch);

/* ip_vs_est_meter.c */
bool ip_vs_est_meter_probe_due(struct ip_vs_est_meter *m);
void ip_vs_est_meter_add(struct ip_vs_est_meter *m, u64 ns,
			 const struct ip_vs_est_walk *walk, u32 chain_max);
u32 ip_vs_est_meter_period(struct ip_vs_est_meter *m, u32 chain_max);

#endif /* _IP_VS_EST_METER_H */
