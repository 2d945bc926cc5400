// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: repacking, by kthread 0
 *
 * A repack decides which contexts and rows are kept: as many as all estimators
 * need.  Then it goes through all contexts and puts estimators back onto the
 * pending list: those above the limits, those in more chains than a row needs,
 * and those in contexts and rows that are not kept.  It is due
 *
 *  - when a limit changes: chain_max, or how many contexts there may be;
 *  - when few estimators are left in many rows, after most were deleted: each
 *    row may be a wake-up, and each context is a task.
 */

#include <linux/kernel.h>
#include <linux/list.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* Contexts that all estimators need, of those that there may be; est->lock
 * held
 */
static unsigned int ip_vs_est_need_ctx(const struct ip_vs_est_net *est)
{
	return clamp(DIV_ROUND_UP(est->started, ip_vs_est_ctx_room(est)), 1U,
		     est->ctx_max);
}

/* Rows that they need, in the contexts that they need; est->lock held */
static unsigned int ip_vs_est_need_rows(const struct ip_vs_est_net *est)
{
	return clamp(DIV_ROUND_UP(est->started, est->chain_max), 1U,
		     ip_vs_est_need_ctx(est) * IP_VS_EST_ROWS);
}

/**
 * ip_vs_est_repack() - let kthread 0 take out what is above the limits
 * @est: estimation in the namespace
 *
 * Decides which contexts and rows are kept: as many as all estimators need
 * now, and no more than there may be.
 *
 * Context: est->lock held.
 */
void ip_vs_est_repack(struct ip_vs_est_net *est)
{
	unsigned int keep, id;

	lockdep_assert_held(&est->lock);

	/* Before calibration there is nothing in any context */
	if (!est->chain_max)
		return;
	keep = ip_vs_est_need_ctx(est);
	for (id = 0; id < est->nslots; id++) {
		if (!est->slot[id])
			continue;
		est->slot[id]->draining = !keep;
		if (keep)
			keep--;
	}
	est->rows_keep = min_t(u32, ip_vs_est_need_rows(est), IP_VS_EST_ROWS);
	est->repack = true;
	est->repack_ctx = 0;
	est->repack_row = 0;
	est->room_from = 0;
	est->full = false;
	ip_vs_est_wake(est->slot[0]);
}

/**
 * ip_vs_est_compact() - repack when few estimators are left in many rows
 * @est: estimation in the namespace
 *
 * Or in many contexts.  Takes constant time, or, when it begins a repack, time
 * for each context.  A repack leaves no more than are needed, so that one never
 * leads to the next.
 *
 * Context: est->lock held.
 */
void ip_vs_est_compact(struct ip_vs_est_net *est)
{
	lockdep_assert_held(&est->lock);

	/* One that goes on ends with another look at this */
	if (est->repack || !est->chain_max)
		return;
	if (est->nrows >= IP_VS_EST_SPARSE * ip_vs_est_need_rows(est) ||
	    est->nctx >= IP_VS_EST_SPARSE * ip_vs_est_need_ctx(est))
		ip_vs_est_repack(est);
}

/**
 * ip_vs_est_repack_step() - take out at most a batch of a row
 * @est: estimation in the namespace
 *
 * Context: kthread 0, takes est->lock.
 * Return: true if there is more to do.
 */
bool ip_vs_est_repack_step(struct ip_vs_est_net *est)
{
	struct ip_vs_est_ctx *ctx;
	struct ip_vs_stats *stats;
	unsigned int n;
	bool more;
	u32 limit;

	spin_lock(&est->lock);
	for (n = 0; est->repack && n < IP_VS_EST_LOCK_BATCH; n++) {
		if (est->repack_row == IP_VS_EST_ROWS) {
			est->repack_row = 0;
			est->repack_ctx++;
		}
		if (est->repack_ctx >= est->nslots) {
			est->repack = false;
			ip_vs_est_compact(est);
			break;
		}
		/* Emptied and detached meanwhile, or never there */
		ctx = est->slot[est->repack_ctx];
		if (!ctx) {
			est->repack_row = IP_VS_EST_ROWS;
			continue;
		}
		limit = ctx->draining || est->repack_row >= est->rows_keep ?
			0 : est->chain_max;
		stats = ip_vs_est_chain_excess(ctx, est->repack_row, limit);
		if (!stats) {
			est->repack_row++;
			continue;
		}
		ip_vs_est_unlink(est, stats);
		ip_vs_est_add_pending(est, stats);
	}
	more = est->repack;
	spin_unlock(&est->lock);
	return more;
}
