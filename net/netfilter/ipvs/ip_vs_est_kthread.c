// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the kthread, which walks the rows of its context
 *
 * Sleeping
 *
 *   A kthread sets its state, then looks at the rows, at the pending list and
 *   at kthread_should_stop().  Whoever publishes work does so under est->lock
 *   before it wakes the kthread: the look, under the same lock, either sees
 *   the work or comes before it, and then the wake-up finds the state set.
 *   On PREEMPT_RT, taking the lock may sleep, but keeps the state that was set,
 *   and a wake-up meanwhile as well.
 *
 *   A sample is right whenever it is taken, as it is divided by its own time.
 *   So a kthread that is awake, and has little to do, goes on with the rows
 *   that are due soon, and then sleeps until the next row's own time: an idle
 *   table is a few wake-ups in a period, not one for each row.  Each row is
 *   walked once a period all the same: its next time follows from the time that
 *   it was due.
 */

#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/rculist.h>
#include <linux/timekeeping.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_impl.h"

/* How much ahead of its time a row may be walked, jiffies: 400 ms, a fifth of a
 * period, so that samples are 1.6 to 2.4 s apart.  By choice: 11 rows for each
 * wake-up.
 */
#define IP_VS_EST_AHEAD		(10 * IP_VS_EST_TICK)
/* That is allowed to a kthread that has walked for less than this since it
 * slept, ns.  By choice: 5 full chains; what is more should be spread over the
 * period.
 */
#define IP_VS_EST_LIGHT_NS	500000

/**
 * struct ip_vs_est_visit - the walk of a row
 * @ests: estimators that were passed over
 * @read: those of them whose counters were read
 * @ns: time in the chains, ns; 0 if no clock is fine enough
 * @unsettled: there was an object that waits for a grace period
 */
struct ip_vs_est_visit {
	u32			ests;
	u32			read;
	u64			ns;
	bool			unsettled;
};

/* Add the walk of a chain */
static void ip_vs_est_visit_add(struct ip_vs_est_visit *visit,
				const struct ip_vs_est_walk *walk, u64 ns)
{
	unsigned int result;

	for (result = 0; result < IP_VS_EST_NRESULTS; result++)
		visit->ests += walk->results[result];
	visit->read += walk->results[IP_VS_EST_READ] +
		       walk->results[IP_VS_EST_READ_ALL];
	visit->ns += ns;
	visit->unsettled |= walk->unsettled;
}

/* Walk a chain, and note when and how long.  The row says when the last walk
 * that has ended began: so all of the chain was walked then or later, whenever
 * somebody reads it.
 */
static void ip_vs_est_walk_chain(struct ip_vs_est_ctx *ctx,
				 struct ip_vs_est_row *r, unsigned int chain,
				 struct ip_vs_est_visit *visit)
{
	/* Pairs with WRITE_ONCE() in ip_vs_est_set_chain_max() */
	u32 chain_max = READ_ONCE(ctx->net->chain_max);
	unsigned long switches = current->nvcsw + current->nivcsw;
	/* Pairs with WRITE_ONCE() in ip_vs_est_chain_add() and
	 * ip_vs_est_chain_del().  A hint: what is walked is counted.
	 */
	u32 len = READ_ONCE(r->len[chain]);
	bool probe = ip_vs_est_long_enough(len, chain_max) &&
		     ip_vs_est_meter_probe_due(&ctx->meter);
	struct ip_vs_est_batch *batch = ip_vs_stats_wide ? &ctx->batch : NULL;
	u64 begin = get_jiffies_64(), time;
	struct ip_vs_est_walk walk = { };

	/* Pairs with WRITE_ONCE() in ip_vs_est_set_active().  After an old value
	 * the next walk sees the new one, and takes the counters as base again.
	 */
	walk.gen = READ_ONCE(ctx->net->gen);
	walk.walked = begin - ((unsigned long)begin - r->walked[chain]);

	time = ip_vs_est_clock();
	if (probe)
		ip_vs_est_chain_probe(&ctx->meter, &r->chain[chain], &walk,
				      batch);
	else
		ip_vs_est_chain_walk(&r->chain[chain], &walk, batch);
	time = ip_vs_est_clock() - time;
	/* Pairs with READ_ONCE() in ip_vs_est_chain_del() */
	WRITE_ONCE(r->walked[chain], (unsigned long)begin);

	/* If the clock became too coarse meanwhile */
	if ((s64)time < 0)
		time = 0;
	if (probe && (s64)time > walk.clock_ns &&
	    switches == current->nvcsw + current->nivcsw)
		ip_vs_est_meter_add(&ctx->meter, time - walk.clock_ns, &walk,
				    chain_max);
	ip_vs_est_visit_add(visit, &walk, time);
}

/* Part of the walk of a row, and of its time.  Only on machines of many CPUs:
 * they have large tables, whose estimators are in no cache, and memory that is
 * far away.
 */
static unsigned int ip_vs_est_prefetch(const struct ip_vs_est_row *r,
				       unsigned int chain,
				       struct ip_vs_est_visit *visit)
{
	u64 time = ip_vs_est_clock();

	chain = ip_vs_est_row_prefetch(r, chain);
	time = ip_vs_est_clock() - time;
	if ((s64)time > 0)
		visit->ns += time;
	return chain;
}

/* The walk of a row is over: let users see it */
static void ip_vs_est_note_row(struct ip_vs_est_ctx *ctx, unsigned int row,
			       const struct ip_vs_est_visit *visit,
			       unsigned long late)
{
	u32 us = min_t(u64, div_u64(visit->ns, NSEC_PER_USEC), U32_MAX);

	/* Without a fine clock, no row is known to be light */
	ctx->worked += visit->ns ? : IP_VS_EST_LIGHT_NS;
	ctx->ests += visit->ests;
	ctx->read += visit->read;
	/* Pair with READ_ONCE() in ip_vs_est_line_get() */
	WRITE_ONCE(ctx->view.last_us, us);
	if (us > ctx->view.worst_us)
		WRITE_ONCE(ctx->view.worst_us, us);
	trace_ipvs_est_row_walked(ctx->net->ipvs->gen, ctx->id, row,
				  visit->ests, visit->read, visit->ns, late);
}

/* Walk the chains of a row, with a reschedule point after each.  Not
 * cond_resched_rcu(): it is empty with PREEMPT_RCU, which kernels have that
 * boot with voluntary preemption, and 48 chains would then be one section.
 */
static void ip_vs_est_walk_row(struct ip_vs_est_ctx *ctx, unsigned int row,
			       unsigned long late)
{
	struct ip_vs_est_visit visit = { };
	unsigned int chain, fetched = 0;
	struct ip_vs_est_row *r;

	for (chain = 0; ; chain++) {
		rcu_read_lock();
		/* Pairs with rcu_assign_pointer() in ip_vs_est_row_open() */
		r = rcu_dereference(ctx->rows[row]);
		chain = r ? ip_vs_est_next_chain(r, chain) : IP_VS_EST_CHAINS;
		if (chain < IP_VS_EST_CHAINS) {
			if (ip_vs_stats_wide && chain >= fetched)
				fetched = ip_vs_est_prefetch(r, chain, &visit);
			ip_vs_est_walk_chain(ctx, r, chain, &visit);
		}
		rcu_read_unlock();

		if (chain == IP_VS_EST_CHAINS)
			break;
		cond_resched();
		if (kthread_should_stop())
			break;
	}
	/* These objects settle after a grace period: ask for one, as perhaps
	 * nobody else does.  Each has its own cookie to poll.
	 */
	if (visit.unsettled)
		start_poll_synchronize_rcu();
	ip_vs_est_note_row(ctx, row, &visit, late);
}

/* A period is over: let users see it, and give its cost to the judge.  The
 * kthread that ends a round of the judge hands the new limit to kthread 0.
 */
static void ip_vs_est_period_end(struct ip_vs_est_ctx *ctx)
{
	struct ip_vs_est_net *est = ctx->net;
	u32 cost, want = 0;

	/* Pair with READ_ONCE() in ip_vs_est_line_get() */
	WRITE_ONCE(ctx->view.read, ctx->read);
	WRITE_ONCE(ctx->view.skipped, ctx->ests - ctx->read);
	WRITE_ONCE(ctx->view.ended, jiffies);
	ctx->ests = 0;
	ctx->read = 0;
	ip_vs_est_check_own_cpus(est);

	/* Pairs with WRITE_ONCE() in ip_vs_est_set_chain_max() */
	cost = ip_vs_est_meter_period(&ctx->meter, READ_ONCE(est->chain_max));

	spin_lock(&est->lock);
	if (ip_vs_est_judge_add(&est->judge, cost, jiffies))
		want = ip_vs_est_judge_round(&est->judge, est->chain_max,
					     est->guess);
	if (want) {
		est->measured = want;
		ip_vs_est_wake(est->slot[0]);
	}
	spin_unlock(&est->lock);
}

/* Find the next row with estimators and when it is due; est->lock held.
 *
 * A row that is late by more than a period is due now, and those after it
 * follow from there: what was missed is skipped, not caught up with.  The same
 * holds if it seems to be due later than any row can be: then jiffies have
 * wrapped while the context had no rows or no task, which takes 25 days on 32
 * bits at HZ 1000.
 */
static int ip_vs_est_find_row(struct ip_vs_est_ctx *ctx, unsigned long *due)
{
	int steps = ip_vs_est_next_row(ctx, ctx->cursor);
	unsigned long now = jiffies;

	if (steps < 0)
		return -1;
	*due = ctx->cursor_time + steps * IP_VS_EST_TICK;
	if (!time_in_range(*due, now - IP_VS_EST_PERIOD,
			   now + IP_VS_EST_PERIOD + IP_VS_EST_AHEAD)) {
		ctx->cursor_time = now - steps * IP_VS_EST_TICK;
		*due = now;
	}
	return (ctx->cursor + steps) % IP_VS_EST_ROWS;
}

/* How much ahead of its time a row may be walked, jiffies */
static unsigned long ip_vs_est_ahead(const struct ip_vs_est_ctx *ctx)
{
	return ctx->worked < IP_VS_EST_LIGHT_NS ? IP_VS_EST_AHEAD : 0;
}

/* Walk the next row if it is due, or may be walked ahead.  One row only: if
 * walks take longer than a tick, another one is always due, and kthread 0 has
 * other work as well.
 */
static void ip_vs_est_walk_next(struct ip_vs_est_ctx *ctx)
{
	struct ip_vs_est_net *est = ctx->net;
	unsigned long due, now;
	int row;

	spin_lock(&est->lock);
	row = ip_vs_est_find_row(ctx, &due);
	spin_unlock(&est->lock);
	now = jiffies;
	if (row < 0 || time_before(now + ip_vs_est_ahead(ctx), due))
		return;

	ip_vs_est_walk_row(ctx, row, time_after(now, due) ? now - due : 0);
	if (row < ctx->cursor || row == IP_VS_EST_ROWS - 1)
		ip_vs_est_period_end(ctx);
	ctx->cursor = (row + 1) % IP_VS_EST_ROWS;
	ctx->cursor_time = due + IP_VS_EST_TICK;
}

/* How long there is nothing to do, jiffies; called with the state set */
static long ip_vs_est_idle_time(struct ip_vs_est_ctx *ctx)
{
	struct ip_vs_est_net *est = ctx->net;
	long idle = MAX_SCHEDULE_TIMEOUT;
	unsigned long due;

	spin_lock(&est->lock);
	if (ip_vs_est_find_row(ctx, &due) >= 0) {
		idle = (long)(due - jiffies);
		if (idle <= (long)ip_vs_est_ahead(ctx))
			idle = 0;
	}
	if (!ctx->id) {
		if (!list_empty(&est->pending) && !est->full)
			idle = min(idle, ip_vs_est_place_wait(est));
		if (est->calibrate || est->measured || est->repack)
			idle = 0;
	}
	spin_unlock(&est->lock);
	return max(idle, 0L);
}

/* How long to sleep, jiffies; called with the state set.  A kthread that is
 * always late sleeps a jiffy in each period all the same: Tasks RCU waits until
 * every task has slept once, and would wait for this one for ever.
 */
static long ip_vs_est_sleep_time(struct ip_vs_est_ctx *ctx, unsigned long slept)
{
	long idle = ip_vs_est_idle_time(ctx);

	if (!idle && time_after(jiffies, slept + IP_VS_EST_PERIOD))
		idle = 1;
	return kthread_should_stop() ? 0 : idle;
}

/**
 * ip_vs_est_kthread() - estimate what is in a context
 * @data: the context
 *
 * Created and woken for the first time by est_reload_work, stopped by it or by
 * the namespace's exit.  Takes est->lock and stats->lock, and no mutex.
 * Walking waits for a tick of distributing at most, and distributing for the
 * walk of one row; only calibration takes longer, 60 ms and more.
 *
 * Context: process context, may sleep.
 * Return: 0, when kthread_stop() has asked for it.
 */
int ip_vs_est_kthread(void *data)
{
	struct ip_vs_est_ctx *ctx = data;
	unsigned long slept = jiffies;
	long idle;

	/* CPUs may have been taken away, or isolated, since it was given its own */
	ip_vs_est_check_own_cpus(ctx->net);

	while (!kthread_should_stop()) {
		if (!ctx->id)
			ip_vs_est_distribute(ctx->net);
		ip_vs_est_walk_next(ctx);

		/* Its barrier pairs with that of wake_up_process() in
		 * ip_vs_est_wake(), and in kthread_stop()
		 */
		set_current_state(TASK_IDLE);
		idle = ip_vs_est_sleep_time(ctx, slept);
		if (idle) {
			schedule_timeout(idle);
			slept = jiffies;
			ctx->worked = 0;
		}
		__set_current_state(TASK_RUNNING);
		cond_resched();
	}
	return 0;
}
