// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: what is true each time that est->lock is given back, the parts
 * that take long now and then, and what must come true in the end
 */

#include <linux/rculist.h>

#include "model.h"

static bool ctx_has_room(const struct ip_vs_est_net *est,
			 const struct ip_vs_est_ctx *ctx)
{
	unsigned int row;

	if (ctx->draining)
		return false;
	for (row = 0; row < IP_VS_EST_ROWS; row++) {
		if (ctx->load[row] < IP_VS_EST_CHAINS * est->chain_max)
			return true;
	}
	return false;
}

/* A task that sleeps knows of nothing that is to be done before it wakes */
static void check_asleep(const struct ip_vs_est_net *est,
			 const struct ip_vs_est_ctx *ctx)
{
	const struct task_struct *task = ctx->task;
	unsigned int row = ctx->cursor, steps;
	unsigned long due;

	if (!task || task->pausing || task->briefly || !sim_sleeps(task))
		return;
	for (steps = 0; steps < IP_VS_EST_ROWS && !ctx->load[row]; steps++)
		row = (row + 1) % IP_VS_EST_ROWS;
	due = ctx->cursor_time + steps * IP_VS_EST_TICK;
	if (steps < IP_VS_EST_ROWS &&
	    (!task->timed || time_after(task->meant, due)))
		sim_fail("task %u sleeps longer than until its next row",
			 ctx->id);
	if (ctx->id)
		return;
	if (est->calibrate || est->measured || est->repack)
		sim_fail("kthread 0 sleeps, but has work to do");
	if (!list_empty(&est->pending) && !est->full &&
	    (!task->timed || time_after(task->meant, est->place_at)))
		sim_fail("kthread 0 sleeps longer than until it may place");
}

/* The namespace, in about as many steps as there are contexts */
void model_check(void)
{
	struct ip_vs_est_net *est = model_est();
	unsigned int id, n = 0, count = 0;
	struct ip_vs_est_ctx *ctx;

	for (id = 0; id < est->nslots; id++) {
		ctx = est->slot[id];
		if (!ctx)
			continue;
		n++;
		count += ctx->count;
		if (ctx->id != id || ctx->net != est)
			sim_fail("context %u is in slot %u", ctx->id, id);
		if (id && !ctx->count)
			sim_fail("context %u is empty and not detached", id);
		check_asleep(est, ctx);
	}
	if (count != model.linked)
		sim_fail("%u estimators in chains, but contexts count %u",
			 model.linked, count);
	if (n != est->nctx || est->nslots > est->slots_max ||
	    !est->slot[0] || !est->slot[est->nslots - 1])
		sim_fail("%u contexts, but nctx %u nslots %u slots_max %u", n,
			 est->nctx, est->nslots, est->slots_max);
	if (est->nctx > est->ctx_max && !est->repack)
		sim_fail("%u contexts, but the limit is %u", n, est->ctx_max);
	if (est->slot[0]->draining)
		sim_fail("context 0 is draining");
}

static void model_find(struct obj *obj)
{
	if (obj->index >= model.nstarted || model.started[obj->index] != obj)
		sim_fail("an estimator that is not started is in a list");
	if (obj->mark == model.mark)
		sim_fail("an estimator is in two places");
	obj->mark = model.mark;
}

static void check_chain(const struct ip_vs_est_ctx *ctx, unsigned int row,
			unsigned int chain)
{
	const struct ip_vs_est_row *r = ctx->rows[row];
	struct ip_vs_stats *stats;
	unsigned int n = 0;

	hlist_for_each_entry(stats, &r->chain[chain], est.node) {
		struct obj *obj = container_of(stats, struct obj, stats);

		n++;
		model_find(obj);
		if (!obj->linked || stats->est.ctx != ctx ||
		    stats->est.row != row || stats->est.chain != chain)
			sim_fail("an estimator in row %u, chain %u says %u, %u",
				 row, chain, stats->est.row, stats->est.chain);
	}
	if (!n != !(r->used & BIT_ULL(chain)))
		sim_fail("a chain of %u is said to be %s", n,
			 n ? "empty" : "used");
	if (n != r->len[chain])
		sim_fail("%u estimators in a chain, but its length is %u", n,
			 r->len[chain]);
	if (n > ctx->net->chain_max && !ctx->net->repack)
		sim_fail("%u estimators in a chain, but the limit is %u", n,
			 ctx->net->chain_max);
}

static void check_ctx(const struct ip_vs_est_ctx *ctx)
{
	unsigned int row, chain, sum, count = 0;

	for (row = 0; row < IP_VS_EST_ROWS; row++) {
		const struct ip_vs_est_row *r = ctx->rows[row];

		if (!!r != !!test_bit(row, ctx->used) ||
		    !!r != !!ctx->load[row])
			sim_fail("row %u: load %u, is %sthere and %sused", row,
				 ctx->load[row], r ? "" : "not ",
				 test_bit(row, ctx->used) ? "" : "not ");
		if (!r)
			continue;
		for (sum = 0, chain = 0; chain < IP_VS_EST_CHAINS; chain++) {
			check_chain(ctx, row, chain);
			sum += r->len[chain];
		}
		if (sum != ctx->load[row])
			sim_fail("row %u: load %u, but %u in its chains", row,
				 ctx->load[row], sum);
		count += sum;
	}
	if (count != ctx->count)
		sim_fail("context %u: count %u, but %u in its rows", ctx->id,
			 ctx->count, count);
	if (ctx->draining && !ctx->net->repack)
		sim_fail("context %u is left draining", ctx->id);
}

/* Each estimator, between two steps */
void model_check_all(void)
{
	struct ip_vs_est_net *est = model_est();
	struct ip_vs_stats *stats;
	struct ip_vs_est_ctx *ctx;
	unsigned int id, n = 0;

	model.mark++;
	for (id = 0; id < est->nslots; id++) {
		if (est->slot[id])
			check_ctx(est->slot[id]);
	}
	list_for_each_entry(ctx, &est->detached, detached) {
		if (ctx->count || !bitmap_empty(ctx->used, IP_VS_EST_ROWS))
			sim_fail("a detached context holds estimators");
	}
	list_for_each_entry(stats, &est->pending, pending) {
		struct obj *obj = container_of(stats, struct obj, stats);

		n++;
		model_find(obj);
		if (obj->linked || stats->est.ctx)
			sim_fail("an estimator waits and is in a chain");
	}
	if (model.nstarted != est->started || n + model.linked != est->started)
		sim_fail("%u started, but there are %u; %u in chains, %u wait",
			 est->started, model.nstarted, model.linked, n);

	for (id = 0; est->full && id < est->nslots; id++) {
		if (est->slot[id] && ctx_has_room(est, est->slot[id]))
			sim_fail("room in context %u, but all are said full",
				 id);
	}
	if (est->full && est->nctx < est->ctx_max)
		sim_fail("more contexts may be made, but all are said full");
	for (id = 0; id < model.nstopped; id++) {
		if (model.stopped[id]->linked)
			sim_fail("a stopped estimator is in a chain");
		obj_check_quiet(model.stopped[id]);
	}
	for (id = 0; id < model.nstarted; id++)
		obj_check_quiet(model.started[id]);
}

static void check_tasks(struct ip_vs_est_net *est, bool run)
{
	unsigned int id;

	for (id = 0; id < est->nslots; id++) {
		struct task_struct *task;

		if (!est->slot[id])
			continue;
		task = est->slot[id]->task;
		if (!task != !run)
			sim_fail("context %u has %s task", id,
				 task ? "a" : "no");
		if (!task)
			continue;
		if (task->nice != est->nice)
			sim_fail("task %u: nice %d, not %d", id, task->nice,
				 est->nice);
		if (cpumask_weight_and(est->cpulist, cpu_online_mask) &&
		    !cpumask_subset(&task->cpus_mask, est->cpulist))
			sim_fail("task %u runs on other CPUs", id);
	}
	if (!list_empty(&est->detached))
		sim_fail("a detached context is not freed");
}

/* Estimators share rows and contexts: no more of these are there than four
 * times what so many need
 */
static void check_compact(const struct ip_vs_est_net *est)
{
	unsigned int room = IP_VS_EST_ROWS * IP_VS_EST_CHAINS * est->chain_max;
	unsigned int contexts, rows, open = 0, id;

	if (!room)
		return;
	contexts = min(DIV_ROUND_UP(est->started, room), est->ctx_max);
	rows = min(DIV_ROUND_UP(est->started, est->chain_max),
		   contexts * IP_VS_EST_ROWS);
	for (id = 0; id < est->nslots; id++) {
		if (est->slot[id])
			open += bitmap_weight(est->slot[id]->used,
					      IP_VS_EST_ROWS);
	}
	if (open >= 4 * rows || est->nctx >= 4 * contexts)
		sim_fail("%u estimators in %u rows of %u contexts, but need %u of %u",
			 est->started, open, est->nctx, rows, contexts);
}

/* An estimator in a chain: who has left one may point to a row that is gone */
static void check_sampled(const struct obj *obj, u64 begin)
{
	u64 stamp = obj->stamp;

	/* Nothing to do for it: looked at is enough */
	if (obj->quiet && !atomic_long_read(&obj->stats.dirty))
		stamp = time_after64(obj_walked(obj), stamp) ?
			obj_walked(obj) : stamp;
	if (obj->gen != model_est()->gen || (s64)(stamp - begin) <= 0)
		sim_fail("forgotten: in row %u, but not sampled for %lu jiffies",
			 obj->stats.est.row, (unsigned long)(sim.now - stamp));
}

/* After more than two periods without trouble, which began at @begin: every
 * estimator that finds room is in a chain and was sampled
 */
void model_check_settled(u64 begin)
{
	struct ip_vs_est_net *est = model_est();
	bool run = model_runs();
	unsigned int i;

	model_check_all();
	check_tasks(est, run);
	if (!run)
		return;
	if (est->calibrate || est->measured || est->repack)
		sim_fail("kthread 0 is behind with its work");
	check_compact(est);
	if (!list_empty(&est->pending) && !est->full)
		sim_fail("forgotten: an estimator waits, but there is room");
	for (i = 0; i < model.nstarted; i++) {
		if (model.started[i]->linked)
			check_sampled(model.started[i], begin);
	}
}

/* After periods without packets: passes have nothing to read any more.  Nobody
 * else has asked for the grace periods that this takes.
 */
void model_check_rest(void)
{
	unsigned int i;

	if (!model_runs())
		return;
	for (i = 0; i < model.nstarted; i++) {
		if (model.started[i]->linked && !obj_at_rest(model.started[i]))
			sim_fail("nothing is counted, but it does not settle");
	}
}
