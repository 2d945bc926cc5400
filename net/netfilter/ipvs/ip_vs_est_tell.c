// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: who is told that there is work */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

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
		queue_delayed_work(system_dfl_long_wq, &est->reload_work, delay);
	else
		mod_delayed_work(system_dfl_long_wq, &est->reload_work, 0);
}
