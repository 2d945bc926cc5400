// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: contexts made and detached, kthreads woken, work queued */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/**
 * ip_vs_est_ctx_alloc() - allocate a context
 * @est: estimation in the namespace that it is for
 * @gfp: how
 *
 * Context: as @gfp says.
 * Return: a context without rows, task and id, or NULL.
 */
struct ip_vs_est_ctx *ip_vs_est_ctx_alloc(struct ip_vs_est_net *est, gfp_t gfp)
{
	struct ip_vs_est_ctx *ctx = kzalloc_obj(*ctx, gfp);

	if (ctx) {
		ctx->net = est;
		ctx->cursor_time = jiffies;
		INIT_LIST_HEAD(&ctx->detached);
	}
	return ctx;
}

/**
 * ip_vs_est_wake() - let a kthread look for work
 * @ctx: its context
 *
 * Context: est->lock held, which keeps the task from being stopped.
 */
void ip_vs_est_wake(struct ip_vs_est_ctx *ctx)
{
	lockdep_assert_held(&ctx->net->lock);

	if (ctx->task)
		wake_up_process(ctx->task);
}

/**
 * ip_vs_est_queue_reload() - let est_reload_work compare tasks with wishes
 * @est: estimation in the namespace
 * @delay: when, jiffies; it may come earlier for another reason
 *
 * One that waits without a delay has yet to begin, and one that runs comes
 * again: what has changed before this call is seen.  The timer of a delay may
 * be that of this CPU, isolated or not.
 *
 * Context: est->lock held.
 */
void ip_vs_est_queue_reload(struct ip_vs_est_net *est, unsigned long delay)
{
	lockdep_assert_held(&est->lock);

	if (est->exiting)
		return;
	if (delay)
		queue_delayed_work(system_dfl_long_wq, &est->reload_work,
				   delay);
	else
		mod_delayed_work(system_dfl_long_wq, &est->reload_work, 0);
}

/**
 * ip_vs_est_ctx_detach() - give up a context that has lost all estimators
 * @est: estimation in the namespace
 * @ctx: the context, not the first
 *
 * est_reload_work stops its task and frees it.
 *
 * Context: est->lock held.
 */
void ip_vs_est_ctx_detach(struct ip_vs_est_net *est, struct ip_vs_est_ctx *ctx)
{
	lockdep_assert_held(&est->lock);

	est->slot[ctx->id] = NULL;
	est->nctx--;
	while (!est->slot[est->nslots - 1])
		est->nslots--;
	list_add_tail(&ctx->detached, &est->detached);
	ip_vs_est_queue_reload(est, 0);
}
