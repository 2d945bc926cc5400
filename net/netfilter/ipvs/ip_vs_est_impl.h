/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS estimation in kthreads: what its own files share
 *
 * ip_vs_stats.c		counters: which are to be read, for whom
 * ip_vs_est_pass.c	the sampling of one estimator
 * ip_vs_est_chain.c	rows and chains: where an estimator goes
 * ip_vs_est_calc.c	how many estimators a chain may hold
 * ip_vs_est_meter.c	what an estimator costs, by the time of walks
 * ip_vs_est_probe.c	walks that are timed for that
 * ip_vs_est.c		start and stop of an estimator; locking
 * ip_vs_est_kthread.c	the kthread: walks rows, sleeps
 * ip_vs_est_place.c	kthread 0: from the pending list into the chains
 * ip_vs_est_repack.c	kthread 0: out of the chains when limits change
 * ip_vs_est_net.c	set-up and exit of a network namespace
 * ip_vs_est_ctl.c	est_reload_work: start and stop of kthreads
 * ip_vs_est_cpus.c	which CPUs they may use, CPU hotplug
 * ip_vs_est_sysctl.c	the sysctls
 * ip_vs_est_param.c	module parameters; which values are valid
 * ip_vs_est_proc.c	/proc/net/ip_vs_est
 * ip_vs_est_trace.c	the tracepoints
 */
#ifndef _IP_VS_EST_IMPL_H
#define _IP_VS_EST_IMPL_H

#include <linux/bitmap.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <net/ip_vs_est.h>

/* Rows of a context.  A period of 2 s, for which users know the rates to be
 * averaged, is cut into 50 so that a row starts every 40 ms.
 */
#define IP_VS_EST_ROWS		50
/* Time from one row to the next, jiffies: 40 ms, or what HZ makes of it */
#define IP_VS_EST_TICK		(HZ / 25 ? : 1)
/* Each estimator is sampled once in this time, jiffies: 2 s */
#define IP_VS_EST_PERIOD	(IP_VS_EST_ROWS * IP_VS_EST_TICK)
/* A sample covers at least this time, jiffies: 1 s, half a period, so that
 * an estimator which moved to a row just ahead is not sampled over an instant
 */
#define IP_VS_EST_MIN_SAMPLE	HZ
/* A rate is not shown any more after this time without a sample, jiffies */
#define IP_VS_EST_STALE		(10 * HZ)

/* Chains of a row: 48 of 102 us, above which the limit is lowered, are 4.9 of the
 * 40 ms that a row has.  So a kthread takes at most 1/8 of a CPU, without what
 * interrupts take meanwhile.
 */
#define IP_VS_EST_CHAINS	48
/* Kthreads for each CPU of est_cpulist: 4 times 1/8 is half of the CPU */
#define IP_VS_EST_KTHREADS	4
/* The coarsest clock to measure chains of 100 us with, ns.  Every clocksource
 * is finer but jiffies, which is what a machine has without any.
 */
#define IP_VS_EST_CLOCK_RES	1000
/* Estimators moved, or contexts without room passed by, under one hold of
 * est->lock
 */
#define IP_VS_EST_BATCH		16
/* Estimators are packed again when they need only one in so many of the open
 * rows, or of the contexts: by choice, so that fewer are moved than were deleted
 * before
 */
#define IP_VS_EST_SPARSE	4
/* Estimators whose counters are read together */
#define IP_VS_EST_TOGETHER	16
/* Estimators of a chain, at most: struct ip_vs_est_row counts them in u16 */
#define IP_VS_EST_CHAIN_LIMIT	U16_MAX

/* est->started counts the estimator of the namespace's total, which exists
 * without a service
 */
#define IP_VS_EST_TOTALS	1

/* Generations that no namespace is ever in */
#define IP_VS_EST_GEN_NEW	0	/* never started: base 0 is right */
#define IP_VS_EST_GEN_STALE	1	/* take the next counters as base */
#define IP_VS_EST_GEN_FIRST	2

/**
 * enum ip_vs_est_did - what a pass has done with an estimator
 * @IP_VS_EST_IDLE: nothing, neither was anything to do
 * @IP_VS_EST_EARLY: nothing, a sample is not due
 * @IP_VS_EST_FOLDED: a sample for which no counter had to be read
 * @IP_VS_EST_READ: a sample, counters of some CPUs were read
 * @IP_VS_EST_READ_ALL: a sample, counters of all CPUs were read
 * @IP_VS_EST_NDID: how many there are
 * @IP_VS_EST_LATER: nothing yet, counters of all CPUs are to be read
 */
enum ip_vs_est_did {
	IP_VS_EST_IDLE,
	IP_VS_EST_EARLY,
	IP_VS_EST_FOLDED,
	IP_VS_EST_READ,
	IP_VS_EST_READ_ALL,
	IP_VS_EST_NDID,
	IP_VS_EST_LATER
};

/**
 * struct ip_vs_est_walk - a walk of a chain
 * @gen: generation of the namespace when it began
 * @walked: when the chain was walked before, jiffies
 * @did: how many passes have done what, by enum ip_vs_est_did
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
	u32			did[IP_VS_EST_NDID];
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
	struct ip_vs_stats	*stats[IP_VS_EST_TOGETHER];
	u64			stamp[IP_VS_EST_TOGETHER];
	struct ip_vs_counts	sum[IP_VS_EST_TOGETHER];
};

/**
 * struct ip_vs_est_row - estimators that a kthread visits in one go
 * @used: a bit for each chain that holds any, written under est->lock, read by
 *	the walker: empty chains are not looked at
 * @chain: the estimators, RCU lists
 * @len: how many there are in each chain
 * @walked: when each chain was last walked, jiffies; written by the walker,
 *	read under est->lock
 * @rcu: frees the row when no walker can see it
 */
struct ip_vs_est_row {
	u64			used;
	struct hlist_head	chain[IP_VS_EST_CHAINS];
	u16			len[IP_VS_EST_CHAINS];
	unsigned long		walked[IP_VS_EST_CHAINS];
	struct rcu_head		rcu;
};

/* Costs of estimators are in units of 2^-8 ns */
#define IP_VS_EST_COST_SHIFT	8
/* Times that a meter keeps of each class, and classes: of all counters nothing
 * was read, all, half or more, a quarter or more, ... down to less than 1/64
 */
#define IP_VS_EST_TIMED		16
#define IP_VS_EST_CLASSES	9

/**
 * struct ip_vs_est_timed - what some busy estimators have taken
 * @cost: time for each
 * @read: counters that were read, 2^15 is all of all CPUs
 * @held_up: the time against what is to be expected, 2^15 is the same
 */
struct ip_vs_est_timed {
	u32			cost;
	u32			read;
	u32			held_up;
};

/**
 * struct ip_vs_est_class - times of a period, for about as much to be read
 * @timed: some of them
 * @n: how many these are
 * @seen: how many there were
 * @skip: one of so many and 1 is kept, 2^n - 1
 * @busy: estimators that are not in a time yet
 * @groups: groups of CPUs that were read for these
 * @busy_ns: what these have taken, ns
 */
struct ip_vs_est_class {
	struct ip_vs_est_timed	timed[IP_VS_EST_TIMED];
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
 * @least: the least time of a probed chain, for each estimator in it; or 0
 * @base: cost of a busy estimator without reading counters; 0 at first
 * @all: and what is added for the counters of all CPUs
 * @doubt: what the last period said instead; 0: nothing else, U32_MAX: whatever
 *	comes is believed
 * @reading: what it takes to read the clock, ns
 */
struct ip_vs_est_meter {
	struct ip_vs_est_class	class[IP_VS_EST_CLASSES];
	unsigned int		times;
	unsigned int		chains;
	u32			least;
	u32			base;
	u32			all;
	u32			doubt;
	u32			reading;
};

/**
 * struct ip_vs_est_judge - what all kthreads of a namespace say about the limit
 * @begun: when this round began, jiffies
 * @cost: the most that an estimator costs, of those that were heard in it
 * @want: the limit that the rounds of the streak agree on
 * @streak: rounds in a row that ask for less (> 0) or for more (< 0)
 * @silent: rounds in a row in which nobody could tell
 * @returned: the limit went back to the guess, and nobody said anything since
 * @returns: times that it did and the guess proved too high
 */
struct ip_vs_est_judge {
	unsigned long		begun;
	u32			cost;
	u32			want;
	int			streak;
	unsigned int		silent;
	bool			returned;
	unsigned int		returns;
};

/**
 * struct ip_vs_est_view - what users see of a kthread's work
 * @last_us: time in the chains of the last row, us
 * @worst_us: the longest such time since the context exists, us
 * @read: estimators whose counters were read in the last period
 * @skipped: estimators of that period that needed no reading
 *
 * Written by the kthread alone, read without a lock, each for itself.
 */
struct ip_vs_est_view {
	u32			last_us;
	u32			worst_us;
	u32			read;
	u32			skipped;
};

/**
 * struct ip_vs_est_ctx - what one kthread walks; lives on without a task
 * @net: the namespace's estimation
 * @rows: the rows, RCU for the walker, written under est->lock
 * @used: which rows exist, est->lock
 * @load: estimators in each row, est->lock
 * @count: estimators in all rows, est->lock
 * @filling: the row that has taken the last estimator, est->lock
 * @id: index in net->slot, constant
 * @draining: is being emptied, takes no more estimators, est->lock
 * @task: the kthread, or NULL; only est_reload_work changes it (and the
 *	namespace's exit), under est->lock
 * @detached: entry in net->detached, est->lock
 * @cursor: row to look at next, kthread only
 * @cursor_time: when that row is due, jiffies, kthread only
 * @meter: how long its chains take, kthread only
 * @ests: estimators that were walked in this period so far, kthread only
 * @read: those of them whose counters were read, kthread only
 * @view: what users see
 */
struct ip_vs_est_ctx {
	struct ip_vs_est_net	*net;
	struct ip_vs_est_row __rcu *rows[IP_VS_EST_ROWS];
	DECLARE_BITMAP(used, IP_VS_EST_ROWS);
	u32			load[IP_VS_EST_ROWS];
	u32			count;
	unsigned int		filling;
	unsigned int		id;
	bool			draining;
	struct task_struct	*task;
	struct list_head	detached;

	unsigned int		cursor;
	unsigned long		cursor_time;
	struct ip_vs_est_meter	meter;
	u32			ests;
	u32			read;
	struct ip_vs_est_view	view;
};

/**
 * struct ip_vs_est_net - estimation in one network namespace
 * @ipvs: back to the namespace
 * @account: __GFP_ACCOUNT, or 0 if nobody is charged; see ip_vs_est_gfp()
 * @lock: protects everything here that does not say otherwise, and the
 *	links and places of estimators and rows; process context only
 *
 * @run: sysctl run_estimation, as written; read without the lock
 * @nice: sysctl est_nice; read without the lock
 * @cpulist: sysctl est_cpulist: the CPUs that kthreads should use
 * @cpulist_set: it was written; else it is the housekeeping CPUs
 * @cpulist_new: it was written, and tasks that run were made for another
 * @domain: CPUs that were not isolated when that was last looked at
 * @went_back: a CPU has come online, or others are isolated, since
 *	est_reload_work began: newer kernels have given tasks their first CPUs
 * @back: so it was when that work began; for it alone
 * @cpus: what of it a new task gets
 * @taken: CPUs that cpuset partitions have taken from kthreads
 * @active: estimation is wanted and has CPUs; read without the lock
 * @gen: generation, new each time that @active changes; read without the lock
 * @exiting: nothing is queued or started any more
 *
 * @pending: estimators that wait for a place
 * @place_at: when kthread 0 should look at @pending, jiffies
 * @full: no room for the first of @pending: wait until some appears
 * @warned: that there is no room was said
 * @started: estimators that are started and not stopped
 *
 * @slot: the contexts, by id; NULL where there is none
 * @nslots: slots in use, up to the last context
 * @slots_max: size of @slot
 * @nctx: contexts in @slot
 * @ctx_max: how many there may be
 * @room_from: no context before this one has room, or is one to be filled
 * @nrows: rows that are open, in all contexts
 * @detached: contexts that have lost their last estimator, for
 *	@reload_work to stop and free
 *
 * @chain_max: estimators in a chain, at most; 0 before calibration; read
 *	without the lock
 * @guess: what calibration found, without the correction by measurement
 * @calibrate: kthread 0 should calibrate, which reads it without the lock
 * @judge: what the kthreads' meters say about it
 * @measured: chain_max that follows from that, for kthread 0 to take over; or 0
 * @corrections: times that it has
 *
 * @repack: kthread 0 should take out what is above the limits
 * @repack_ctx: context that it has come to
 * @repack_row: row that it has come to
 * @rows_keep: rows from this one on are emptied
 *
 * @reload_work: starts and stops kthreads, the only place that does
 * @reload_mask: scratch for @reload_work, and for the namespace's exit
 * @spare_row: allocated ahead, kthread 0 only
 * @spare_ctx: allocated ahead, kthread 0 only
 * @cpuhp_online: node for ip_vs_est_cpuhp_online
 * @cpuhp_dead: node for ip_vs_est_cpuhp_dead
 */
struct ip_vs_est_net {
	struct netns_ipvs	*ipvs;
	gfp_t			account;
	spinlock_t		lock;	/* see above */

	int			run;
	int			nice;
	cpumask_var_t		cpulist;
	bool			cpulist_set;
	bool			cpulist_new;
	bool			went_back;
	bool			back;
	cpumask_var_t		domain;
	cpumask_var_t		cpus;
	cpumask_var_t		taken;
	bool			active;
	bool			exiting;
	u32			gen;

	struct list_head	pending;
	unsigned long		place_at;
	bool			full;
	bool			warned;
	unsigned int		started;

	struct ip_vs_est_ctx	**slot;
	unsigned int		nslots;
	unsigned int		slots_max;
	unsigned int		nctx;
	unsigned int		ctx_max;
	unsigned int		room_from;
	unsigned int		nrows;
	struct list_head	detached;

	u32			chain_max;
	u32			guess;
	struct ip_vs_est_judge	judge;
	u32			measured;
	bool			calibrate;
	unsigned int		corrections;

	bool			repack;
	unsigned int		repack_ctx;
	unsigned int		repack_row;
	unsigned int		rows_keep;

	struct delayed_work	reload_work;
	cpumask_var_t		reload_mask;
	struct ip_vs_est_row	*spare_row;
	struct ip_vs_est_ctx	*spare_ctx;
	struct hlist_node	cpuhp_online;
	struct hlist_node	cpuhp_dead;
};

/* Estimators that a context may hold */
static inline u32 ip_vs_est_ctx_room(const struct ip_vs_est_net *est)
{
	return IP_VS_EST_ROWS * IP_VS_EST_CHAINS * est->chain_max;
}

/* ip_vs_stats.c */
extern bool ip_vs_stats_together;
extern unsigned int ip_vs_stats_ngroups;
void ip_vs_stats_setup(void);
void ip_vs_stats_now(const struct ip_vs_stats *stats, struct ip_vs_counts *now);
enum ip_vs_est_did ip_vs_stats_collect(struct ip_vs_stats *stats,
				       struct ip_vs_counts *now, bool later);
void ip_vs_stats_sum_all(struct ip_vs_stats *const *stats, unsigned int n,
			 struct ip_vs_counts *sum);
void ip_vs_stats_unsettle(struct ip_vs_stats *stats);

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
	/* Neither needs an order: a bit that is not seen yet is seen by the
	 * next walk, and the sum is made under the lock.  READ_ONCE() pairs
	 * with WRITE_ONCE() in ip_vs_est_sample().
	 */
	return !atomic_long_read(&stats->dirty) &&
	       READ_ONCE(stats->est.quiet) == walk->gen;
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
		walk->did[IP_VS_EST_IDLE]++;
	else
		ip_vs_est_pass_busy(stats, walk, batch);
}

/* ip_vs_est_chain.c */
int ip_vs_est_chain_add(struct ip_vs_est_ctx *ctx, struct ip_vs_stats *stats,
			u32 chain_max, struct ip_vs_est_row **spare);
void ip_vs_est_chain_del(struct ip_vs_stats *stats);
struct ip_vs_stats *ip_vs_est_chain_excess(const struct ip_vs_est_ctx *ctx,
					   unsigned int row, u32 limit);
int ip_vs_est_next_row(const struct ip_vs_est_ctx *ctx, unsigned int from);
unsigned int ip_vs_est_next_chain(const struct ip_vs_est_row *r,
				  unsigned int from);
void ip_vs_est_chain_walk(const struct hlist_head *chain,
			  struct ip_vs_est_walk *walk);

/* ip_vs_est_calc.c */
u64 ip_vs_est_clock(void);
u64 ip_vs_est_cost(struct ip_vs_stats *probe, u64 (*clock)(void),
		   bool (*pause)(void));
u32 ip_vs_est_chain_max(u64 cost);
u32 ip_vs_est_recalibrated(u32 chain_max, u32 old_guess, u32 new_guess);
bool ip_vs_est_same_guess(u32 old_guess, u32 new_guess);
bool ip_vs_est_too_slow(u32 chain_max, u64 cost);
bool ip_vs_est_judge_hear(struct ip_vs_est_judge *j, u32 cost,
			  unsigned long now);
u32 ip_vs_est_judge_round(struct ip_vs_est_judge *j, u32 chain_max, u32 guess);

/* Is a chain of @ests long enough to tell what one costs?  Not only full ones
 * are: none is after many were deleted, or after the limit was raised.  A quarter,
 * by choice, is what compaction leaves.
 */
static inline bool ip_vs_est_tells(u32 ests, u32 chain_max)
{
	return ests >= DIV_ROUND_UP(chain_max, IP_VS_EST_SPARSE);
}

/* ip_vs_est_probe.c */
u32 ip_vs_est_walk_busy(const struct ip_vs_est_walk *walk);
u64 ip_vs_est_walk_groups(const struct ip_vs_est_walk *walk);
void ip_vs_est_chain_probe(struct ip_vs_est_meter *m,
			   const struct hlist_head *chain,
			   struct ip_vs_est_walk *walk);

/* ip_vs_est_meter.c */
bool ip_vs_est_meter_turn(struct ip_vs_est_meter *m);
void ip_vs_est_meter_add(struct ip_vs_est_meter *m, u64 ns,
			 const struct ip_vs_est_walk *walk, u32 chain_max);
u32 ip_vs_est_meter_period(struct ip_vs_est_meter *m, u32 chain_max);

/* ip_vs_est.c */
void ip_vs_est_unlink(struct ip_vs_est_net *est, struct ip_vs_stats *stats);
void ip_vs_est_pend(struct ip_vs_est_net *est, struct ip_vs_stats *stats);
void ip_vs_est_wake(struct ip_vs_est_ctx *ctx);

/* ip_vs_est_kthread.c */
int ip_vs_est_kthread(void *data);

/* ip_vs_est_place.c */
void ip_vs_est_distribute(struct ip_vs_est_net *est);
long ip_vs_est_place_wait(const struct ip_vs_est_net *est);
bool ip_vs_est_place_batch(struct ip_vs_est_net *est);

/* ip_vs_est_repack.c */
void ip_vs_est_repack(struct ip_vs_est_net *est);
void ip_vs_est_compact(struct ip_vs_est_net *est);
bool ip_vs_est_repack_step(struct ip_vs_est_net *est);

/* ip_vs_est_net.c */
struct ip_vs_est_ctx *ip_vs_est_ctx_alloc(struct ip_vs_est_net *est, gfp_t gfp);

/* ip_vs_est_param.c */
int ip_vs_est_cpulist_parse(char *text, const unsigned long *possible,
			    unsigned int nbits, unsigned long *cpus);
int ip_vs_est_cpulist_get(char *text, bool cut, struct cpumask *cpus);
int ip_vs_est_nice_check(int nice);
void ip_vs_est_param_init(void);
void ip_vs_est_defaults(struct ip_vs_est_net *est);

/* ip_vs_est_ctl.c */
void ip_vs_est_queue_reload(struct ip_vs_est_net *est, unsigned long delay);
void ip_vs_est_set_active(struct ip_vs_est_net *est);
void ip_vs_est_reload(struct work_struct *work);
void ip_vs_est_stop_all(struct ip_vs_est_net *est);

/* ip_vs_est_cpus.c */
extern enum cpuhp_state ip_vs_est_cpuhp_online;
extern enum cpuhp_state ip_vs_est_cpuhp_dead;
void ip_vs_est_task_cpus(struct task_struct *task, struct cpumask *cpus);
void ip_vs_est_set_limits(struct ip_vs_est_net *est);
void ip_vs_est_set_cpulist(struct ip_vs_est_net *est,
			   const struct cpumask *cpus);
void ip_vs_est_see_cpus(struct ip_vs_est_net *est);
void ip_vs_est_own_cpus(struct ip_vs_est_net *est);
void ip_vs_est_preferred(struct ip_vs_est_net *est, struct cpumask *cpus);
bool ip_vs_est_cpus_for(struct ip_vs_est_net *est, struct task_struct *task,
			bool anew, struct cpumask *cpus);
void ip_vs_est_rescue(struct ip_vs_est_net *est, struct task_struct *task,
		      struct cpumask *cpus);
int ip_vs_est_hotplug_add(struct ip_vs_est_net *est);
void ip_vs_est_hotplug_del(struct ip_vs_est_net *est);
int ip_vs_est_cpus_init(void);
void ip_vs_est_cpus_cleanup(void);

#endif /* _IP_VS_EST_IMPL_H */
