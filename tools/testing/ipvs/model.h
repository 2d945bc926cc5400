/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The estimator in user space: the model that it is compared with
 *
 * model_obj.c		objects with estimators, and what they should read
 * model_link.c		what enters and leaves chains
 * model_turns.c	what kthreads do in their turns
 * model_check.c	what is true after every step
 * model_ops.c		the steps
 * model_life.c		what is before and after them
 * model_sample.c	samples and what they weigh
 */
#ifndef _MODEL_H
#define _MODEL_H

#include <linux/sched.h>
#include <linux/rculist.h>
#include <net/ip_vs.h>
#include "../../../net/netfilter/ipvs/ip_vs_est_impl.h"

#define MODEL_OBJS	12000U
/* Counters of all CPUs of all objects */
#define MODEL_COUNTERS	32768

/* What the test itself is about to do with an object */
enum model_doing {
	MODEL_NOTHING,
	MODEL_START,
	MODEL_READ,
	MODEL_ZERO,
};

/**
 * struct obj - as a service or a server: it has counters and an estimator
 * @stats: these
 * @rcu: frees it
 * @doing: what the test does with it
 * @index: in model.started or model.stopped
 * @mark: the last full check that has found it
 * @linked: it is in a chain
 * @left: it has left a chain before
 * @next: the one behind it then, which a walker still goes on to
 * @left_gp: the last grace period that had begun then
 * @leaving: it is leaving a chain
 * @walked: when its chain, or the last one, was walked
 * @first: when the first packet came since the last sample, or 0
 * @taken: a walker has taken it in, to read it with others
 * @anew: it was zeroed since then, or its counters became the base
 * @took: what was counted then
 * @took_at: when that was
 * @settled: stats.settled, after the last sample
 * @hot: stats.hot, then
 * @seen: stats.seen, then
 * @total: what was counted, the sum over the CPUs
 * @zero: that when it was zeroed
 * @gen: what the estimator should hold, as are the next ones
 * @quiet: see above
 * @stamp: see above
 * @base: see above
 * @avg: see above
 */
struct obj {
	struct ip_vs_stats	stats;
	struct rcu_head		rcu;
	enum model_doing	doing;
	unsigned int		index;
	unsigned int		mark;

	bool			linked;
	bool			left;
	struct hlist_node	*next;
	unsigned long		left_gp;
	bool			leaving;
	const unsigned long	*walked;
	u64			first;
	bool			taken;
	bool			anew;
	u64			took[IP_VS_NCOUNTS];
	u64			took_at;

	bool			settled;
	unsigned long		hot;
	unsigned long		seen;

	u64			total[IP_VS_NCOUNTS];
	u64			zero[IP_VS_NCOUNTS];
	u32			gen;
	u32			quiet;
	u64			stamp;
	u64			base[IP_VS_NCOUNTS];
	s64			avg[IP_VS_NCOUNTS];
};

/* Packets in the middle of being counted, at a time */
#define MODEL_HELD	8

/**
 * struct held - a packet that is held up while it is counted
 * @obj: where, or NULL
 * @cpu: on which CPU
 * @c: what
 * @marked: the bit of that CPU was set already, or is set now
 * @gp: what its RCU read side began with
 */
struct held {
	struct obj		*obj;
	unsigned int		cpu;
	enum ip_vs_count	c;
	bool			marked;
	unsigned long		gp;
};

/**
 * struct model_turn - what kthread 0 does between its walks
 * @owed: walks that it has ended since what it has to do last moved on
 * @repack: how far repacking has come; 0: none
 * @room_from: est->room_from as it was last seen
 * @failed: sim.failed as it was last seen
 * @measured: est->measured as it was last seen
 * @calibrate: est->calibrate as it was last seen
 * @placing: the task that has moved estimators since its last walk, while a row
 *	is due
 * @switches: times that it had slept then
 * @since: when it began to, jiffies
 * @late: batches that were too late
 */
struct model_turn {
	unsigned int owed;
	unsigned int repack;
	unsigned int room_from;
	unsigned long failed;
	u32 measured;
	bool calibrate;
	const struct task_struct *placing;
	unsigned long switches;
	u64 since;
	unsigned int late;
};

/* Contexts that have different ones of these, more than there ever are */
#define MODEL_CTXS	64

/**
 * struct model_rows - which rows of a context were walked
 * @ctx: it
 * @walks: walks of its rows
 * @walked: the last walk of each, or that before it was opened
 * @task: who has made them
 * @due: when the last walk of each was due, or 0
 * @begun: when the last two began, or 0
 * @late: walks in a row that were late by more than a period: a task that gets no
 *	CPU after it has looked at the time may make one
 */
struct model_rows {
	const struct ip_vs_est_ctx *ctx;
	unsigned long walks;
	unsigned long walked[IP_VS_EST_ROWS];
	const struct task_struct *task;
	u64 due[IP_VS_EST_ROWS];
	u64 begun[IP_VS_EST_ROWS][2];
	unsigned int late[IP_VS_EST_ROWS];
};

/**
 * struct model_seen - what a run has come by, so that it is not nothing
 * @objs: estimators at a time, at most
 * @contexts: contexts at a time, at most
 * @chain: limit of a chain, at most
 * @samples: samples
 * @woken: of them, that were the first after a time of quiet
 * @together: of them, that were taken of several objects at once
 * @held: packets that were held up
 * @settled: objects that have fallen silent
 * @cooled: times that some groups of an object have, and others not
 * @heated: times that such a group has counted again
 * @thawed: objects that were silent as a whole, and of which some groups still are
 * @rebased: passes that took counters as base
 * @linked: times that an estimator entered a chain
 * @full: times that there was no room
 * @repacks: changes of the limits that took estimators out
 * @corrections: changes of the limits by measurement
 * @walks: walks of rows
 * @late: of them, that began later than a tick
 * @starved: times that a task was left without a CPU
 * @months: times that jiffies of 32 bits seemed to go back
 */
struct model_seen {
	unsigned int objs;
	unsigned int contexts;
	unsigned int chain;
	unsigned long samples;
	unsigned long woken;
	unsigned long together;
	unsigned long held;
	unsigned long settled;
	unsigned long cooled;
	unsigned long heated;
	unsigned long thawed;
	unsigned long rebased;
	unsigned long linked;
	unsigned long full;
	unsigned long repacks;
	unsigned long corrections;
	unsigned long walks;
	unsigned long late;
	unsigned long starved;
	unsigned long months;
};

extern struct model_seen model_seen;

/**
 * struct model - the namespace
 * @ipvs: it
 * @net: see @ipvs
 * @user_ns: one without privilege
 * @pick: where the choices come from: a number less than its argument
 * @step: how many there were
 * @objs_max: objects, at most
 * @started: with started estimators; the first is the namespace's total
 * @nstarted: how many
 * @stopped: with stopped ones
 * @nstopped: how many
 * @held: packets that are under way
 * @busy: index in @started of one that has more traffic than others
 * @busy_cpu: the first of the CPUs that this comes on
 * @busy_cpus: how many these are
 * @linked: estimators in chains
 * @batch: how many entered or left chains under this hold of est->lock
 * @moved: these
 * @mark: full checks
 * @turn: kthread 0
 * @rows: the contexts
 * @full: est->full as it was last seen
 * @repack: est->repack as it was last seen
 */
struct model {
	struct netns_ipvs	ipvs;
	struct net		net;
	struct user_namespace	user_ns;
	u32			(*pick)(u32 n);
	unsigned long		step;
	unsigned int		objs_max;
	struct obj		*started[MODEL_OBJS];
	unsigned int		nstarted;
	struct obj		*stopped[MODEL_OBJS];
	unsigned int		nstopped;
	struct held		held[MODEL_HELD];
	unsigned int		busy;
	unsigned int		busy_cpu;
	unsigned int		busy_cpus;
	unsigned int		linked;
	unsigned int		batch;
	struct obj		*moved[IP_VS_EST_LOCK_BATCH];
	unsigned int		mark;
	struct model_turn	turn;
	struct model_rows	rows[MODEL_CTXS];
	bool			full;
	bool			repack;
};

extern struct model model;

static inline struct ip_vs_est_net *model_est(void)
{
	return model.ipvs.est;
}

/* There is something to estimate, and it may be */
static inline bool model_runs(void)
{
	return model_est()->active && model_est()->started > IP_VS_EST_TOTALS;
}

/* model_obj.c */
struct obj *obj_new(void);
void obj_free(struct obj *obj);
void obj_count(struct obj *const objs[3], unsigned int cpu, enum ip_vs_count c,
	       u32 len);
void obj_jump(struct obj *obj, enum ip_vs_count c, u64 n);
void obj_hold(struct held *held, struct obj *obj, enum ip_vs_count c);
void obj_let_go(struct held *held);
u64 obj_walked(const struct obj *obj);
bool obj_at_rest(const struct obj *obj);
void obj_check_quiet(const struct obj *obj);
void obj_read(struct obj *obj);
void obj_zero(struct obj *obj);

/* model_sample.c */
extern const unsigned int obj_scale[IP_VS_NCOUNTS];
u64 obj_shown_rate(const struct obj *obj, enum ip_vs_count c, u64 now);
void obj_check_sample(struct obj *obj);
void obj_rebase(struct obj *obj);

/* model_link.c */
void model_check_left(const struct obj *obj);
void model_unlocked(spinlock_t *lock);

/* model_turns.c */
void model_turn_unlocked(void);
void model_row_opened(const struct ip_vs_est_ctx *ctx, unsigned int row);
void model_row_walked(unsigned int row, unsigned long late);

/* model_check.c */
void model_check(void);
void model_check_all(void);
void model_check_settled(u64 begin);
void model_check_rest(void);

/* model_ops.c */
void model_op(void);
void op_start(u32 n);
void op_stop(u32 n, bool keep);
void op_stop_most(void);
void op_revive(u32 n);
void op_run(int run);
void op_free(u32 n);
void op_yield(void);
void op_trouble(void);
void obj_stop(struct obj *obj);

/* model_life.c */
void model_begin(u64 seed, unsigned int cpus, unsigned int objs, bool root,
		 u32 (*pick)(u32 n));
void model_settle(void);
void model_months(void);
void model_end(void);

/* est_fuzz.c, under the name that libFuzzer calls */
int est_fuzz(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

#endif /* _MODEL_H */
