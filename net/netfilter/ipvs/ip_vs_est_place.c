// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: kthread 0 finds the limit and places estimators
 *
 * Kthread 0 takes estimators from the pending list and puts them into the
 * first context that has room.  When all are full it makes a new one in the
 * first free slot, and est_reload_work gives it a task.  When no more may be
 * made, the rest wait: their counters are exact, only their rates are missing.
 *
 * Limits change: by calibration, by what the kthreads measure, with the list
 * of CPUs.  What is above them then comes back to the pending list, see
 * ip_vs_est_repack.c.
 *
 * All of this happens in batches of IP_VS_EST_LOCK_BATCH for each hold of
 * est->lock, and for a tick at most before a row is walked.  Memory is
 * allocated between batches: a spare row, a spare context, a longer array of
 * slots.
 */

#define pr_fmt(fmt) "IPVS: " fmt

#include <linux/kthread.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_impl.h"

/* Pause between calibration runs, as Linux 6.2 and later have made */
#define IP_VS_EST_PAUSE_MS	20

static bool ip_vs_est_pause(void)
{
	schedule_timeout_idle(msecs_to_jiffies(IP_VS_EST_PAUSE_MS));
	return !kthread_should_stop();
}

/* Log the limits that the first calibration, or correction, has found */
static void ip_vs_est_log_limits(struct ip_vs_est_net *est, const char *how)
{
	unsigned int ctx_max;
	u32 chain_max, room;

	/* A host of containers has hundreds of namespaces, all with the same
	 * limits or nearly so; each shows its own in /proc/net/ip_vs_est.
	 */
	if (!net_eq(est->ipvs->net, &init_net))
		return;

	spin_lock(&est->lock);
	chain_max = est->chain_max;
	room = ip_vs_est_ctx_room(est);
	ctx_max = est->ctx_max;
	spin_unlock(&est->lock);
	pr_info("netns %d: %s: %u estimators in a chain, %u for a kthread, up to %u kthreads\n",
		est->ipvs->gen, how, chain_max, room, ctx_max);
}

/* Set the limit, and repack when it is not the one in use */
static void ip_vs_est_set_chain_max(struct ip_vs_est_net *est, u32 chain_max)
{
	lockdep_assert_held(&est->lock);

	if (chain_max == est->chain_max)
		return;
	/* Pairs with READ_ONCE() in ip_vs_est_walk_chain(),
	 * ip_vs_est_period_end() and ip_vs_est_distribute()
	 */
	WRITE_ONCE(est->chain_max, chain_max);
	ip_vs_est_repack(est);
}

static void ip_vs_est_calibrate(struct ip_vs_est_net *est)
{
	struct ip_vs_stats *stats;
	u32 guess, limit;
	bool first;
	u64 cost;

	/* Without waiting, see ip_vs_stats_create() */
	stats = ip_vs_stats_create(est, GFP_NOWAIT | __GFP_NOWARN);
	if (!stats) {
		/* Estimators wait meanwhile; try again after a pause */
		ip_vs_est_pause();
		return;
	}
	/* Cleared first: if it is asked for again meanwhile, it runs again */
	spin_lock(&est->lock);
	/* Pairs with READ_ONCE() in ip_vs_est_distribute() */
	WRITE_ONCE(est->calibrate, false);
	spin_unlock(&est->lock);

	cost = ip_vs_est_cost(stats, ip_vs_est_clock, ip_vs_est_pause);
	ip_vs_stats_destroy(stats);

	spin_lock(&est->lock);
	if (!cost) {
		/* This task was asked to stop: the next one calibrates.  Pairs
		 * with READ_ONCE() in ip_vs_est_distribute().
		 */
		WRITE_ONCE(est->calibrate, true);
		spin_unlock(&est->lock);
		return;
	}
	guess = ip_vs_est_chain_max(cost);
	first = !est->chain_max;
	limit = first ? guess : ip_vs_est_recalibrated(est->chain_max,
						       est->guess, guess);
	if (first || !ip_vs_est_same_guess(est->guess, guess))
		est->guess = guess;
	ip_vs_est_set_chain_max(est, limit);
	/* What was measured meanwhile is about the old limit */
	est->measured = 0;
	memset(&est->judge, 0, sizeof(est->judge));
	est->judge.begun = jiffies;
	spin_unlock(&est->lock);
	trace_ipvs_est_calibrated(est->ipvs->gen, cost, guess, limit);
	if (first)
		ip_vs_est_log_limits(est, "calibrated");
}

/* Take over what the kthreads' meters ask for */
static void ip_vs_est_correct(struct ip_vs_est_net *est)
{
	bool first = false;
	u32 old, want;

	spin_lock(&est->lock);
	old = est->chain_max;
	want = est->measured;
	est->measured = 0;
	if (want) {
		first = !est->corrections++;
		ip_vs_est_set_chain_max(est, want);
	}
	spin_unlock(&est->lock);
	if (want)
		trace_ipvs_est_corrected(est->ipvs->gen, old, want);
	if (first)
		ip_vs_est_log_limits(est, "corrected");
}

/* Put the spare context into a free slot.  -EAGAIN: there is no spare, or no
 * free slot in the array.  -ENOSPC: no more contexts are allowed.
 */
static int ip_vs_est_ctx_attach(struct ip_vs_est_net *est)
{
	struct ip_vs_est_ctx *ctx = est->spare_ctx;
	unsigned int id;

	lockdep_assert_held(&est->lock);

	if (est->nctx >= est->ctx_max)
		return -ENOSPC;
	for (id = 0; id < est->nslots && est->slot[id]; id++)
		;
	if (!ctx || id == est->slots_max)
		return -EAGAIN;

	ctx->id = id;
	est->slot[id] = ctx;
	est->spare_ctx = NULL;
	est->nslots = max(est->nslots, id + 1);
	est->nctx++;
	est->room_from = min(est->room_from, id);
	ip_vs_est_queue_reload(est, 0);
	return 0;
}

/* Put an estimator into the first context with room.  1: that context has
 * none, come again for the next one.  -EAGAIN: allocate what is missing and
 * come again.  -ENOSPC: no room anywhere.
 */
static int ip_vs_est_place(struct ip_vs_est_net *est, struct ip_vs_stats *stats)
{
	unsigned int id = est->room_from;
	struct ip_vs_est_ctx *ctx;
	int ret;

	lockdep_assert_held(&est->lock);

	if (id >= est->nslots) {
		/* A context gets its first estimator under the hold of the lock
		 * that it appears in: an empty one would never be detached
		 */
		if (!est->spare_row)
			return -EAGAIN;
		ret = ip_vs_est_ctx_attach(est);
		return ret ? : ip_vs_est_place(est, stats);
	}

	ctx = est->slot[id];
	if (!ctx || ctx->draining || ctx->count >= ip_vs_est_ctx_room(est)) {
		est->room_from++;
		return 1;
	}
	ret = ip_vs_est_chain_add(ctx, stats, est->chain_max, &est->spare_row);
	if (ret < 0)
		return ret;
	list_del_init(&stats->pending);
	trace_ipvs_est_placed(est->ipvs->gen, stats, id, stats->est.row,
			      stats->est.chain);
	/* The kthread may sleep until a later row, as this one is new */
	if (ret > 0)
		ip_vs_est_wake(ctx);
	return 0;
}

/* Double the array of slots */
static bool ip_vs_est_more_slots(struct ip_vs_est_net *est)
{
	unsigned int max = est->slots_max * 2;
	struct ip_vs_est_ctx **slot, **old;

	slot = kzalloc_objs(*slot, max, GFP_KERNEL);
	if (!slot)
		return false;
	spin_lock(&est->lock);
	old = est->slot;
	memcpy(slot, old, est->nslots * sizeof(*slot));
	est->slot = slot;
	est->slots_max = max;
	spin_unlock(&est->lock);
	kfree(old);
	return true;
}

/* Allocate what placing has found missing.  Only kthread 0 takes the spares
 * and makes the array longer.
 */
static bool ip_vs_est_prepare(struct ip_vs_est_net *est)
{
	bool need_ctx, need_slots;

	spin_lock(&est->lock);
	need_ctx = est->nctx < est->ctx_max;
	need_slots = need_ctx && est->nslots == est->slots_max;
	spin_unlock(&est->lock);

	if (!est->spare_row)
		est->spare_row = kzalloc_obj(*est->spare_row, GFP_KERNEL);
	if (need_ctx && !est->spare_ctx)
		est->spare_ctx = ip_vs_est_ctx_alloc(est, GFP_KERNEL);
	return est->spare_row && (!need_ctx || est->spare_ctx) &&
	       (!need_slots || ip_vs_est_more_slots(est));
}

/* One warning for a namespace, with the figures */
static void ip_vs_est_warn_full(struct ip_vs_est_net *est)
{
	unsigned int nctx, started;
	u32 room;
	bool warn;

	/* A user who makes namespaces could use up the rate limit, which is one
	 * for all
	 */
	if (est->ipvs->net->user_ns != &init_user_ns)
		return;

	spin_lock(&est->lock);
	warn = !est->warned;
	est->warned = true;
	nctx = est->nctx;
	started = est->started;
	room = ip_vs_est_ctx_room(est);
	spin_unlock(&est->lock);
	if (warn)
		pr_warn_ratelimited("netns %d: %u estimators, but room for %u kthreads of %u each: the rest have exact counters and no rates\n",
				    est->ipvs->gen, started, nctx, room);
}

/**
 * ip_vs_est_place_batch() - place at most IP_VS_EST_LOCK_BATCH estimators
 * @est: estimation in the namespace
 *
 * A context without room counts as one of them; it is not looked at again
 * before something has left a chain or limits have changed.
 *
 * Context: kthread 0, takes est->lock; may allocate after it.
 * Return: true if there may be more to place right now.
 */
bool ip_vs_est_place_batch(struct ip_vs_est_net *est)
{
	struct ip_vs_stats *stats;
	unsigned int n;
	int ret = 0;

	spin_lock(&est->lock);
	for (n = 0; n < IP_VS_EST_LOCK_BATCH && !est->full; n++) {
		stats = list_first_entry_or_null(&est->pending,
						 struct ip_vs_stats,
						 pending);
		if (!stats)
			break;
		/* A walker may still stand on it.  Those behind it in the list
		 * came later, so hardly one of them is ready: wait for this one.
		 */
		if (stats->est.unlinked &&
		    !poll_state_synchronize_rcu(stats->est.cookie)) {
			est->place_at = jiffies + IP_VS_EST_TICK;
			break;
		}
		ret = ip_vs_est_place(est, stats);
		if (ret < 0)
			break;
	}
	if (ret == -ENOSPC)
		est->full = true;
	spin_unlock(&est->lock);

	if (ret == -ENOSPC)
		ip_vs_est_warn_full(est);
	if (ret == -EAGAIN) {
		if (ip_vs_est_prepare(est))
			return true;
		spin_lock(&est->lock);
		est->place_at = jiffies + IP_VS_EST_TICK;
		spin_unlock(&est->lock);
		return false;
	}
	return n == IP_VS_EST_LOCK_BATCH;
}

/**
 * ip_vs_est_place_wait() - when kthread 0 should look at the pending list
 * @est: estimation in the namespace
 *
 * Context: est->lock held.
 * Return: jiffies, a tick at most; 0 if it is time.  A place_at that is further
 * ahead is long past: jiffies have wrapped since somebody looked.
 */
long ip_vs_est_place_wait(const struct ip_vs_est_net *est)
{
	unsigned long wait = est->place_at - jiffies;

	lockdep_assert_held(&est->lock);

	return wait <= IP_VS_EST_TICK ? wait : 0;
}

static bool ip_vs_est_may_place(struct ip_vs_est_net *est)
{
	bool may;

	spin_lock(&est->lock);
	may = !list_empty(&est->pending) && !est->full &&
	      !ip_vs_est_place_wait(est);
	spin_unlock(&est->lock);
	return may;
}

/* Batches of one kind, until there are no more, a tick is over or the task is
 * to stop.  Returns true if there are none left.
 */
static bool ip_vs_est_batches(struct ip_vs_est_net *est, unsigned long end,
			      bool (*batch)(struct ip_vs_est_net *est))
{
	bool more;

	do {
		more = batch(est);
		cond_resched();
	} while (more && time_before(jiffies, end) && !kthread_should_stop());
	return !more;
}

/**
 * ip_vs_est_distribute() - all that kthread 0 does besides walking
 * @est: estimation in the namespace
 *
 * What takes longer than a tick goes on in the next turn, so that a row is
 * walked in between.
 *
 * Context: kthread 0, no lock held; may sleep.
 */
void ip_vs_est_distribute(struct ip_vs_est_net *est)
{
	unsigned long end;

	/* Tested again under the lock before this task sleeps: a late look is
	 * no harm.  Pairs with WRITE_ONCE() in ip_vs_est_recalibrate() and
	 * ip_vs_est_calibrate().
	 */
	if (READ_ONCE(est->calibrate))
		ip_vs_est_calibrate(est);
	/* Pairs with WRITE_ONCE() in ip_vs_est_set_chain_max() */
	if (!READ_ONCE(est->chain_max))
		return;
	ip_vs_est_correct(est);

	end = jiffies + IP_VS_EST_TICK;
	if (ip_vs_est_batches(est, end, ip_vs_est_repack_step) &&
	    ip_vs_est_may_place(est))
		ip_vs_est_batches(est, end, ip_vs_est_place_batch);
}
