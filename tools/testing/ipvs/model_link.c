// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: what enters and leaves chains, looked at when it does
 *
 * This is called from the list functions themselves, so it holds for every
 * moment and not only for those between two steps.
 */

#include <linux/rculist.h>

#include "model.h"

static struct obj *model_obj(struct hlist_node *node)
{
	return container_of(node, struct obj, stats.est.node);
}

static void model_moved(struct obj *obj)
{
	lockdep_assert_held(&model_est()->lock);
	if (model.batch == IP_VS_EST_LOCK_BATCH)
		sim_fail("more than %u estimators move under one hold of est->lock",
			 IP_VS_EST_LOCK_BATCH);
	model.moved[model.batch++] = obj;
}

/* One that has left a chain leads walkers on until it enters another */
void model_check_left(const struct obj *obj)
{
	if (obj->left && !obj->linked && obj->stats.est.node.next != obj->next)
		sim_fail("an estimator has lost its forward link");
}

/* An estimator is about to enter a chain; its place is written down */
void model_link(struct hlist_node *node, struct hlist_head *chain)
{
	struct ip_vs_est_net *est = model_est();
	struct obj *obj = model_obj(node);
	struct ip_vs_estimator *e = &obj->stats.est;
	struct ip_vs_est_ctx *ctx = e->ctx;
	struct ip_vs_est_row *r;

	model_moved(obj);
	model_check_left(obj);
	if (obj->linked)
		sim_fail("an estimator enters a chain and is in one");
	if (e->quiet)
		sim_fail("an estimator enters a chain without having been looked at there");
	if (obj->left && (long)(sim.gp_ended - obj->left_gp) < 1)
		sim_fail("an estimator enters a chain before a grace period has passed");
	if (!ctx || ctx->id >= est->nslots || est->slot[ctx->id] != ctx)
		sim_fail("an estimator enters a context that is in no slot");
	if (ctx->draining)
		sim_fail("an estimator enters context %u, which is draining",
			 ctx->id);
	if (e->row >= IP_VS_EST_ROWS || e->chain >= IP_VS_EST_CHAINS)
		sim_fail("row %u, chain %u", e->row, e->chain);
	r = ctx->rows[e->row];
	if (!r || chain != &r->chain[e->chain])
		sim_fail("an estimator enters another chain than it says");
	if (r->len[e->chain] > est->chain_max)
		sim_fail("a chain of %u grows above the limit of %u",
			 r->len[e->chain], est->chain_max);
	if (ctx->load[e->row] > IP_VS_EST_CHAINS * est->chain_max)
		sim_fail("a row of %u grows above its limit",
			 ctx->load[e->row]);
	if (ctx->load[e->row] == 1)
		model_row_opened(ctx, e->row);
	obj->walked = &r->walked[e->chain];
	obj->linked = true;
	model.linked++;
	model_seen.linked++;
}

/* An estimator is about to leave its chain */
void model_unlink(struct hlist_node *node)
{
	struct obj *obj = model_obj(node);

	model_moved(obj);
	if (!obj->linked)
		sim_fail("an estimator leaves a chain that it is not in");
	obj->linked = false;
	obj->left = true;
	obj->leaving = true;
	obj->next = node->next;
	obj->left_gp = sim.gp_begun;
	model.linked--;
}

static void model_see(void)
{
	struct ip_vs_est_net *est = model_est();

	model_seen.objs = max(model_seen.objs, est->started);
	model_seen.contexts = max(model_seen.contexts, est->nctx);
	model_seen.chain = max(model_seen.chain, est->chain_max);
	model_seen.full += est->full && !model.full;
	model_seen.repacks += est->repack && !model.repack;
	model.full = est->full;
	model.repack = est->repack;
}

/* est->lock is about to be given back */
void model_unlocked(spinlock_t *lock)
{
	unsigned int i;

	for (i = 0; i < model.batch; i++) {
		if (model.moved[i]->linked &&
		    !list_empty(&model.moved[i]->stats.pending))
			sim_fail("an estimator has entered a chain and waits");
	}
	model_turn_unlocked();
	model.batch = 0;
	model_check();
	model_see();
}
