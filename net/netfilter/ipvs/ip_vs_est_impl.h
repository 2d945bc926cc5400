/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS estimation in kthreads: what its own files share
 *
 * ip_vs_stats_sum.c	counters: the sums of what CPUs have counted
 * ip_vs_stats.c	objects, and which of their counters are to be read
 * ip_vs_est_pass.c	the sampling of one estimator
 * ip_vs_est_ctx.c	contexts made and detached; kthreads woken, work queued
 * ip_vs_est_chain.c	rows, chains and the pending list: where an estimator is
 * ip_vs_est_limit.c	how many estimators a chain may hold
 * ip_vs_est_meter.c	what an estimator costs, by the time of walks
 * ip_vs_est_walk.c	the walk of a chain, plain or timed for that
 * ip_vs_est.c		start and stop of an estimator; locking
 * ip_vs_est_user.c	what users read and zero
 * ip_vs_est_kthread.c	the kthread: walks rows, sleeps
 * ip_vs_est_place.c	kthread 0: from the pending list into the chains
 * ip_vs_est_repack.c	kthread 0: out of the chains when limits change
 * ip_vs_est_net.c	set-up and exit of a network namespace, and of the module
 * ip_vs_est_reload.c	est_reload_work: start and stop of kthreads
 * ip_vs_est_cpus.c	which CPUs they may use
 * ip_vs_est_hotplug.c	CPUs that come and go
 * ip_vs_est_sysctl.c	the sysctls
 * ip_vs_est_param.c	module parameters; which values are valid
 * ip_vs_est_proc.c	/proc/net/ip_vs_est
 * ip_vs_est_trace.c	the tracepoints
 *
 * Terms
 *
 * estimator	makes rates of the counters of a service, server or the total
 * sample	what was counted since the last sample, and in what time
 * pass		a look at one estimator, which takes a sample if one is due
 * quiet	with rates of 0 and settled counters: a pass has nothing to do
 * busy		not quiet: a pass has to take its lock, at least
 * settled	with counters that are known not to have moved (ip_vs_stats.c)
 * group	CPUs that share a bit of ip_vs_stats.dirty: one CPU, if few
 * generation	number of a time in which estimation was on, or off: est->gen
 * chain	RCU list of estimators, walked in one read-side section: 100 us
 * chain_max	how many estimators a chain may hold
 * row		48 chains, walked one after the other, in a tick of their own
 * tick		time from a row to the next, 40 ms
 * period	50 ticks, 2 s: each row is walked once
 * context	50 rows and the kthread that walks them, if it runs
 * slot		index of a context in its namespace, and number of its task
 * kthread 0	the one that, besides walking, calibrates, places and repacks
 * pending	in no chain: on the list of those that wait for a place in one
 * repack	takes estimators out of chains, to be placed within new limits
 * batch	estimators that are moved under one hold of est->lock, or whose
 *		counters are read together (struct ip_vs_est_batch)
 * probe	the walk of a chain in which busy estimators are timed
 * meter	fits the cost of an estimator to these times, one a context
 * guess	chain_max as calibration finds it, before there is a meter
 * judge	makes one chain_max of what all meters of a namespace have found
 * view		figures of a context for /proc/net/ip_vs_est
 * wish		CPUs that est_cpulist names, or the default
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
#include "ip_vs_est_meter.h"
#include "ip_vs_est_pass.h"

/* Rows of a context, as many as Linux 6.2 and later have ticks: the period is
 * the 2 s that users know
 */
#define IP_VS_EST_ROWS		50
/* 40 ms as there, or what HZ makes of it, jiffies */
#define IP_VS_EST_TICK		(HZ / 25 ? : 1)
/* jiffies; a row may be ahead of its time by IP_VS_EST_AHEAD */
#define IP_VS_EST_PERIOD	(IP_VS_EST_ROWS * IP_VS_EST_TICK)
/* Chains of a row, as many as there.  The limit is lowered when a chain takes
 * more than 102 us; 48 of these are 4.9 of the 40 ms that a row has.  So a
 * kthread takes at most 1/8 of a CPU, without what interrupts take meanwhile.
 */
#define IP_VS_EST_CHAINS	48
/* Kthreads for each CPU of est_cpulist, as there: 4 times 1/8 is half of it */
#define IP_VS_EST_KTHREADS	4
/* Does the kernel keep the CPUs that a kthread was first given, and go back to them
 * when others come or are isolated?  Where not, include/net/ip_vs.h says so.
 */
#ifndef IP_VS_EST_PREFERRED_KEPT
#define IP_VS_EST_PREFERRED_KEPT	true
#endif
/* The coarsest clock to measure chains of 100 us with, ns.  Every clocksource
 * is finer but jiffies, which is what a machine has without any.
 */
#define IP_VS_EST_CLOCK_RES	1000
/* A batch under one hold of est->lock; contexts without room count, too.  As
 * many as Linux 6.2 and later have moved under their mutex.
 */
#define IP_VS_EST_LOCK_BATCH	16
/* Estimators of a chain, at most: struct ip_vs_est_row counts them in u16 */
#define IP_VS_EST_CHAIN_LIMIT	U16_MAX

/* est->started counts the estimator of the namespace's total, which exists
 * without a service
 */
#define IP_VS_EST_TOTALS	1

/* Estimators that a row gets one after the other on machines of many CPUs,
 * where to read one means to look up a page for each CPU: as many as have their
 * counters in the same 4 KiB.  Measured with 256 CPUs, as in ip_vs_stats_sum.c:
 * a walk in which each chain has pages of its own takes 1.4 times as long.
 */
#define IP_VS_EST_ROW_RUN	(4096 / sizeof(struct ip_vs_cpu_stats))
/* Chains whose estimators are fetched at once.  Of 0, 4 and 8 this was measured
 * to be the fastest there, with 128 CPUs and chains in no order: 162, 78 and
 * 63 ns for each estimator of 50,000 of which 1 % are active.
 */
#define IP_VS_EST_PREFETCH	8

/**
 * struct ip_vs_est_row - chains that are walked in the same tick
 * @used: a bit for each chain that holds any, written under est->lock, read by
 *	the walker: empty chains are not looked at.  Halves of it may be seen at
 *	different times on 32 bits: each bit is about its own chain
 * @chain: the estimators, RCU lists
 * @len: how many there are in each chain, written under est->lock; the walker
 *	reads it as a hint
 * @walked: when the last walk of each chain that has ended began, jiffies;
 *	written by the walker, read under est->lock
 * @rcu: frees the row when no walker can see it
 */
struct ip_vs_est_row {
	u64			used;
	struct hlist_head	chain[IP_VS_EST_CHAINS];
	u16			len[IP_VS_EST_CHAINS];
	unsigned long		walked[IP_VS_EST_CHAINS];
	struct rcu_head		rcu;
};

/**
 * struct ip_vs_est_view - figures of a context for /proc/net/ip_vs_est
 * @last_us: time in the chains of the last row, us
 * @worst_us: the longest such time since the context exists, us
 * @read: estimators whose counters were read in the last period
 * @skipped: estimators of that period that needed no reading
 * @ended: when that period ended, jiffies
 *
 * Written by the kthread alone, read without a lock, each for itself.
 */
struct ip_vs_est_view {
	u32			last_us;
	u32			worst_us;
	u32			read;
	u32			skipped;
	unsigned long		ended;
};

/**
 * struct ip_vs_est_ctx - a context; lives on without a task
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
 * @worked: time in its chains since it slept, ns, kthread only
 * @meter: how long its chains take, kthread only
 * @batch: for a walk on a machine of many CPUs, empty between walks, kthread
 *	only; not on its stack, which compilers zero for each chain
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

	/* The kthread alone */
	unsigned int		cursor;
	unsigned long		cursor_time;
	u64			worked;
	struct ip_vs_est_meter	meter;
	struct ip_vs_est_batch	batch;
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
 * @cpulist_other: and has other CPUs than that, which may be of another speed
 * @domain: CPUs that were not isolated when that was last looked at
 * @affinity_reset: a CPU has come online, or others are isolated: the kernel
 *	gives tasks their preferred CPUs, or may do so for a while
 * @reset_at: when that was, jiffies
 * @handle_reset: @affinity_reset when est_reload_work began; for it alone
 * @cpus: what of @cpulist a new task gets
 * @taken: CPUs that cpuset partitions have taken from kthreads
 * @active: estimation is wanted and has CPUs; read without the lock
 * @gen: generation, new each time that @active changes; read without the lock
 * @exiting: nothing is queued or started any more
 *
 * @pending: estimators that wait for a place
 * @place_at: when kthread 0 should look at @pending, jiffies
 * @full: no room for the first of @pending: wait until some appears
 * @warned: the warning that there is no room is in the log
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
 * @judge: makes a limit of what the meters measure
 * @measured: that limit, for kthread 0 to take over; or 0
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

	/* Sysctls and CPUs */
	int			run;
	int			nice;
	cpumask_var_t		cpulist;
	bool			cpulist_set;
	bool			cpulist_new;
	bool			cpulist_other;
	bool			affinity_reset;
	unsigned long		reset_at;
	bool			handle_reset;
	cpumask_var_t		domain;
	cpumask_var_t		cpus;
	cpumask_var_t		taken;
	bool			active;
	bool			exiting;
	u32			gen;

	/* Estimators without a place */
	struct list_head	pending;
	unsigned long		place_at;
	bool			full;
	bool			warned;
	unsigned int		started;

	/* Contexts */
	struct ip_vs_est_ctx	**slot;
	unsigned int		nslots;
	unsigned int		slots_max;
	unsigned int		nctx;
	unsigned int		ctx_max;
	unsigned int		room_from;
	unsigned int		nrows;
	struct list_head	detached;

	/* The limit */
	u32			chain_max;
	u32			guess;
	struct ip_vs_est_judge	judge;
	u32			measured;
	bool			calibrate;
	unsigned int		corrections;

	/* Progress of a repack */
	bool			repack;
	unsigned int		repack_ctx;
	unsigned int		repack_row;
	unsigned int		rows_keep;

	/* Not under est->lock: of one task alone, or of the core */
	struct delayed_work	reload_work;
	cpumask_var_t		reload_mask;
	struct ip_vs_est_row	*spare_row;
	struct ip_vs_est_ctx	*spare_ctx;
	struct hlist_node	cpuhp_online;
	struct hlist_node	cpuhp_dead;
};

/* Estimators that a context may hold; est->lock held */
static inline u32 ip_vs_est_ctx_room(const struct ip_vs_est_net *est)
{
	return IP_VS_EST_ROWS * IP_VS_EST_CHAINS * est->chain_max;
}

/* ip_vs_est_ctx.c */
struct ip_vs_est_ctx *ip_vs_est_ctx_alloc(struct ip_vs_est_net *est, gfp_t gfp);
void ip_vs_est_wake(struct ip_vs_est_ctx *ctx);
void ip_vs_est_queue_reload(struct ip_vs_est_net *est, unsigned long delay);
void ip_vs_est_ctx_detach(struct ip_vs_est_net *est, struct ip_vs_est_ctx *ctx);

/* ip_vs_est_chain.c */
void ip_vs_est_unlink(struct ip_vs_est_net *est, struct ip_vs_stats *stats);
void ip_vs_est_add_pending(struct ip_vs_est_net *est,
			   struct ip_vs_stats *stats);
int ip_vs_est_chain_add(struct ip_vs_est_ctx *ctx, struct ip_vs_stats *stats,
			u32 chain_max, struct ip_vs_est_row **spare);
void ip_vs_est_chain_del(struct ip_vs_stats *stats);
struct ip_vs_stats *ip_vs_est_chain_excess(const struct ip_vs_est_ctx *ctx,
					   unsigned int row, u32 limit);
int ip_vs_est_next_row(const struct ip_vs_est_ctx *ctx, unsigned int from);
unsigned int ip_vs_est_next_chain(const struct ip_vs_est_row *r,
				  unsigned int from);
unsigned int ip_vs_est_row_prefetch(const struct ip_vs_est_row *r,
				    unsigned int from);

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

/* ip_vs_est_param.c */
int ip_vs_est_cpulist_parse(char *text, const unsigned long *possible,
			    unsigned int nbits, unsigned long *cpus);
int ip_vs_est_cpulist_get(char *text, bool cut, struct cpumask *cpus);
int ip_vs_est_nice_check(int nice);
void ip_vs_est_param_init(void);
void ip_vs_est_defaults(struct ip_vs_est_net *est);

/* ip_vs_est_reload.c */
void ip_vs_est_set_active(struct ip_vs_est_net *est);
void ip_vs_est_reload(struct work_struct *work);
void ip_vs_est_stop_all(struct ip_vs_est_net *est);

/* ip_vs_est_cpus.c */
void ip_vs_est_task_cpus(struct task_struct *task, struct cpumask *cpus);
void ip_vs_est_set_limits(struct ip_vs_est_net *est);
void ip_vs_est_set_cpulist(struct ip_vs_est_net *est,
			   const struct cpumask *cpus);
void ip_vs_est_expect_reset(struct ip_vs_est_net *est);
void ip_vs_est_update_cpus(struct ip_vs_est_net *est);
void ip_vs_est_check_own_cpus(struct ip_vs_est_net *est);
void ip_vs_est_preferred(struct ip_vs_est_net *est, struct cpumask *cpus);
bool ip_vs_est_cpus_for(struct ip_vs_est_net *est, struct task_struct *task,
			bool anew, struct cpumask *cpus);
void ip_vs_est_rescue(struct ip_vs_est_net *est, struct task_struct *task,
		      struct cpumask *cpus);
void ip_vs_est_cpus_init(void);

/* ip_vs_est_hotplug.c */
extern enum cpuhp_state ip_vs_est_cpuhp_online;
extern enum cpuhp_state ip_vs_est_cpuhp_dead;
int ip_vs_est_hotplug_add(struct ip_vs_est_net *est);
void ip_vs_est_hotplug_del(struct ip_vs_est_net *est);
int ip_vs_est_hotplug_init(void);
void ip_vs_est_hotplug_cleanup(void);

#endif /* _IP_VS_EST_IMPL_H */
