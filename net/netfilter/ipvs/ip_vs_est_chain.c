// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: rows, chains and the pending list
 *
 * Filling: while every open row holds a chain's worth of estimators, a new
 * row is opened; otherwise the least loaded row takes the next one, and those
 * after it until their chain is full.  So few estimators are few rows, which
 * are few wakeups; many are spread evenly over the period, but for a chain; and
 * those that come one after the other, whose counters are neighbours in memory
 * as a rule, are walked one after the other.  On machines of many CPUs, where
 * to read neighbours means fewer pages to look up, a row gets several chains of
 * them (IP_VS_EST_ROW_RUN).  Inside a row the first chain that is not full
 * takes it.
 *
 * Walking: a walker holds the RCU read lock for one chain at a time and reads
 * the row anew after it, with the word that says which chains hold any.
 * Estimators may come and go meanwhile:
 *
 *  - One that leaves keeps its forward link, so a walker that stands on it
 *    goes on along the old chain.  That is why it must not enter a chain
 *    again, nor be freed, before a grace period has passed.
 *  - One that comes is put at the head, where a walker of this chain has
 *    already been: no walk is ever made longer by it.
 *  - A row that loses its last estimator is unpublished and freed after a
 *    grace period.  A walker that finds another row in its place goes on
 *    there with the next chain.
 *
 * Writers hold est->lock of the namespace.
 */

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "ip_vs_est_impl.h"

/* Does the row that was filled last take the next one, too?  Until its first
 * chain is full.  Once all rows are open: until it has got as many as it gets
 * one after the other, in whole chains.  est->lock held.
 */
static bool ip_vs_est_keep_filling(const struct ip_vs_est_ctx *ctx,
				   u32 chain_max)
{
	u32 load = ctx->load[ctx->filling], run = chain_max;

	if (load < chain_max)
		return load;
	if (ip_vs_stats_wide)
		run = roundup(IP_VS_EST_ROW_RUN, chain_max);
	return load % run && load < IP_VS_EST_CHAINS * chain_max &&
	       bitmap_full(ctx->used, IP_VS_EST_ROWS);
}

/* The row to fill, or -1 when none is open: the one that was filled last until
 * it has got its share, then the one with the fewest estimators.  est->lock
 * held.
 */
static int ip_vs_est_row_to_fill(const struct ip_vs_est_ctx *ctx, u32 chain_max)
{
	unsigned int row;
	int best = -1;

	if (ip_vs_est_keep_filling(ctx, chain_max))
		return ctx->filling;

	for_each_set_bit(row, ctx->used, IP_VS_EST_ROWS) {
		if (best < 0 || ctx->load[row] < ctx->load[best])
			best = row;
	}
	return best;
}

static struct ip_vs_est_row *ip_vs_est_row(const struct ip_vs_est_ctx *ctx,
					   unsigned int row)
{
	return rcu_dereference_protected(ctx->rows[row],
					 lockdep_is_held(&ctx->net->lock));
}

/* Publish *spare as the first row that is not open; est->lock held */
static int ip_vs_est_row_open(struct ip_vs_est_ctx *ctx,
			      struct ip_vs_est_row **spare)
{
	unsigned int row = find_first_zero_bit(ctx->used, IP_VS_EST_ROWS);
	unsigned int chain;

	/* A new row counts as walked now: no estimator that is put in was
	 * sampled later.  Not 0, which is ahead of jiffies half of the time.
	 */
	for (chain = 0; chain < IP_VS_EST_CHAINS; chain++)
		(*spare)->walked[chain] = jiffies;
	/* Pairs with rcu_dereference() in ip_vs_est_walk_row() */
	rcu_assign_pointer(ctx->rows[row], *spare);
	*spare = NULL;
	__set_bit(row, ctx->used);
	ctx->net->nrows++;
	return row;
}

static void ip_vs_est_row_close(struct ip_vs_est_ctx *ctx, unsigned int row)
{
	struct ip_vs_est_row *old = ip_vs_est_row(ctx, row);

	RCU_INIT_POINTER(ctx->rows[row], NULL);
	__clear_bit(row, ctx->used);
	ctx->net->nrows--;
	kfree_rcu(old, rcu);
}

/**
 * ip_vs_est_chain_add() - put an estimator into a chain of a context
 * @ctx: where
 * @stats: the estimator's, in no chain; if it has been in one before, an RCU
 *	grace period has passed since
 * @chain_max: estimators in a chain, at most
 * @spare: a zeroed row, taken and set to NULL when a row is opened
 *
 * Context: est->lock held.
 * Return: 1 if a row was opened, 0 if not, -ENOSPC if the context is full,
 * -EAGAIN if a row must be opened and *@spare is NULL.  Nothing has changed
 * after an error.
 */
int ip_vs_est_chain_add(struct ip_vs_est_ctx *ctx, struct ip_vs_stats *stats,
			u32 chain_max, struct ip_vs_est_row **spare)
{
	struct ip_vs_estimator *est = &stats->est;
	int row = ip_vs_est_row_to_fill(ctx, chain_max);
	struct ip_vs_est_row *r;
	unsigned int chain;
	bool open;

	lockdep_assert_held(&ctx->net->lock);

	open = (row < 0 || ctx->load[row] >= chain_max) &&
	       !bitmap_full(ctx->used, IP_VS_EST_ROWS);
	if (open) {
		if (!*spare)
			return -EAGAIN;
		row = ip_vs_est_row_open(ctx, spare);
	} else if (ctx->load[row] >= IP_VS_EST_CHAINS * chain_max) {
		return -ENOSPC;
	}

	/* There is one: the row holds less than all chains together may */
	r = ip_vs_est_row(ctx, row);
	for (chain = 0; r->len[chain] >= chain_max; chain++)
		;
	/* Pairs with READ_ONCE() in ip_vs_est_next_chain().  A walker that does
	 * not see the bit yet walks this chain in the next period.
	 */
	WRITE_ONCE(r->used, r->used | BIT_ULL(chain));
	/* Pairs with READ_ONCE() in ip_vs_est_walk_chain() */
	WRITE_ONCE(r->len[chain], r->len[chain] + 1);
	ctx->load[row]++;
	ctx->count++;
	est->ctx = ctx;
	est->row = row;
	est->chain = chain;
	ctx->filling = row;
	ip_vs_est_enter(stats);
	/* Pairs with hlist_for_each_entry_rcu() in ip_vs_est_chain_walk(),
	 * ip_vs_est_chain_walk_wide() and ip_vs_est_chain_probe(), and with
	 * rcu_dereference() in ip_vs_est_row_prefetch()
	 */
	hlist_add_head_rcu(&est->node, &r->chain[chain]);
	return open;
}

/**
 * ip_vs_est_chain_del() - take an estimator out of its chain
 * @stats: the estimator's, in a chain
 *
 * The caller must let an RCU grace period pass before the estimator enters a
 * chain again or is freed.
 *
 * Context: est->lock held.
 */
void ip_vs_est_chain_del(struct ip_vs_stats *stats)
{
	struct ip_vs_estimator *est = &stats->est;
	struct ip_vs_est_ctx *ctx = est->ctx;
	struct ip_vs_est_row *r;

	lockdep_assert_held(&ctx->net->lock);

	r = ip_vs_est_row(ctx, est->row);
	hlist_del_rcu(&est->node);
	/* Pairs with WRITE_ONCE() in ip_vs_est_walk_chain().  If a walk is just
	 * about to write it, the older time is as right: a quiet estimator had
	 * counted nothing by then, either.
	 */
	ip_vs_est_leave(stats, READ_ONCE(r->walked[est->chain]));
	/* Pairs with READ_ONCE() in ip_vs_est_walk_chain() */
	WRITE_ONCE(r->len[est->chain], r->len[est->chain] - 1);
	/* Pairs with READ_ONCE() in ip_vs_est_next_chain() */
	if (!r->len[est->chain])
		WRITE_ONCE(r->used, r->used & ~BIT_ULL(est->chain));
	ctx->count--;
	est->ctx = NULL;
	if (!--ctx->load[est->row])
		ip_vs_est_row_close(ctx, est->row);
}

/**
 * ip_vs_est_chain_excess() - find an estimator that a row has to give up
 * @ctx: where
 * @row: index of the row
 * @limit: estimators that a chain of this row may keep; 0: none
 *
 * One in a chain that is too long; or in the last chain, if fewer chains are
 * enough for all of the row.  So chains are full again when the limit was
 * raised: the cost of estimators is not measured in short ones.
 *
 * Context: est->lock held.
 * Return: an estimator to take out, or NULL when the row keeps the limit.
 */
struct ip_vs_stats *ip_vs_est_chain_excess(const struct ip_vs_est_ctx *ctx,
					   unsigned int row, u32 limit)
{
	struct ip_vs_est_row *r;
	unsigned int chain;

	lockdep_assert_held(&ctx->net->lock);

	if (!test_bit(row, ctx->used))
		return NULL;
	r = ip_vs_est_row(ctx, row);
	for (chain = 0; chain < IP_VS_EST_CHAINS; chain++) {
		if (r->len[chain] > limit)
			return hlist_entry(r->chain[chain].first,
					   struct ip_vs_stats, est.node);
	}
	if (hweight64(r->used) <= DIV_ROUND_UP(ctx->load[row], limit))
		return NULL;
	return hlist_entry(r->chain[fls64(r->used) - 1].first,
			   struct ip_vs_stats, est.node);
}

/**
 * ip_vs_est_add_pending() - put an estimator on the pending list
 * @est: estimation in its namespace
 * @stats: the estimator's, in no list
 *
 * Kthread 0 is woken when the list is empty no more, and then waits a tick for
 * others to gather.
 *
 * Context: est->lock held.
 */
void ip_vs_est_add_pending(struct ip_vs_est_net *est,
			   struct ip_vs_stats *stats)
{
	bool first = list_empty(&est->pending);

	lockdep_assert_held(&est->lock);

	list_add_tail(&stats->pending, &est->pending);
	if (first) {
		est->place_at = jiffies + IP_VS_EST_TICK;
		ip_vs_est_wake(est->slot[0]);
	}
}

/**
 * ip_vs_est_unlink() - take an estimator out of the list or chain it is in
 * @est: estimation in its namespace
 * @stats: the estimator's, started
 *
 * Context: est->lock held.
 */
void ip_vs_est_unlink(struct ip_vs_est_net *est, struct ip_vs_stats *stats)
{
	struct ip_vs_est_ctx *ctx = stats->est.ctx;

	lockdep_assert_held(&est->lock);

	if (!ctx) {
		list_del_init(&stats->pending);
		return;
	}

	ip_vs_est_chain_del(stats);
	/* Polled by ip_vs_est_place_batch() before it is linked again */
	stats->est.cookie = start_poll_synchronize_rcu();
	stats->est.unlinked = true;
	est->room_from = min(est->room_from, ctx->id);
	if (!ctx->count && ctx->id)
		ip_vs_est_ctx_detach(est, ctx);
	if (est->full) {
		est->full = false;
		ip_vs_est_wake(est->slot[0]);
	}
}

/**
 * ip_vs_est_next_row() - the next row that holds estimators
 * @ctx: where
 * @from: index of the row to begin with, wrapped around after the last
 *
 * Context: est->lock held.
 * Return: steps from @from to that row, 0 to 49, or -1 when there is none.
 */
int ip_vs_est_next_row(const struct ip_vs_est_ctx *ctx, unsigned int from)
{
	unsigned int row;

	lockdep_assert_held(&ctx->net->lock);

	row = find_next_bit(ctx->used, IP_VS_EST_ROWS, from);
	if (row < IP_VS_EST_ROWS)
		return row - from;
	row = find_first_bit(ctx->used, IP_VS_EST_ROWS);
	if (row < IP_VS_EST_ROWS)
		return IP_VS_EST_ROWS - from + row;
	return -1;
}

/**
 * ip_vs_est_next_chain() - the next chain of a row that holds estimators
 * @r: the row, read in this RCU read-side section
 * @from: chain to begin with, up to IP_VS_EST_CHAINS
 *
 * Context: RCU read side, or est->lock held.
 * Return: the chain, or IP_VS_EST_CHAINS when there is none.
 */
unsigned int ip_vs_est_next_chain(const struct ip_vs_est_row *r,
				  unsigned int from)
{
	/* Pairs with WRITE_ONCE() in ip_vs_est_chain_add() and
	 * ip_vs_est_chain_del()
	 */
	u64 left = READ_ONCE(r->used) >> from;

	BUILD_BUG_ON(IP_VS_EST_CHAINS >= BITS_PER_LONG_LONG);
	while (left && !(left & 1)) {
		left >>= 1;
		from++;
	}
	return left ? from : IP_VS_EST_CHAINS;
}

/**
 * ip_vs_est_row_prefetch() - fetch the estimators of the next chains
 * @r: the row, read in this RCU read-side section
 * @from: chain to begin with, up to IP_VS_EST_CHAINS
 *
 * Only the memory of an estimator says where the next one is: a walk waits for
 * each that is not beside the last one.  Here some chains are followed in
 * turns, so that their memory is waited for at the same time.
 *
 * Context: process context, RCU read side.
 * Return: the chain after the last one that was followed.
 */
unsigned int ip_vs_est_row_prefetch(const struct ip_vs_est_row *r,
				    unsigned int from)
{
	const struct hlist_node *node[IP_VS_EST_PREFETCH];
	unsigned int n, i;
	bool any;

	/* Here and below: pairs with hlist_add_head_rcu() in
	 * ip_vs_est_chain_add()
	 */
	for (n = 0; n < IP_VS_EST_PREFETCH; n++) {
		from = ip_vs_est_next_chain(r, from);
		if (from == IP_VS_EST_CHAINS)
			break;
		node[n] = rcu_dereference(hlist_first_rcu(&r->chain[from++]));
	}
	do {
		any = false;
		for (i = 0; i < n; i++) {
			if (!node[i])
				continue;
			node[i] = rcu_dereference(hlist_next_rcu(node[i]));
			any = true;
		}
	} while (any);
	return from;
}
