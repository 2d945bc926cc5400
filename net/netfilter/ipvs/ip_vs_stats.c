// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS traffic counters: objects that have them, and which must be read
 *
 * Each CPU adds to counters of its own, which are never reset.  A reader sums
 * those of the CPUs that can have counted, and takes off what the sum was when
 * the user last zeroed it.  So every read is exact, with or without estimation.
 *
 * dirty: a packet sets the bit of its CPU's group if it is clear.  The bits
 * stay while there is traffic, so that packets read a line that nobody writes.
 * A pass clears them, under stats->lock, when nothing was counted since the
 * last sample; and now and then to find out which are still wanted, see
 * ip_vs_stats_age().
 *
 * hot, cold: bits of dirty that were seen set go to seen, for good, and to hot.
 * Groups in hot are read.  One that left its bit clear for a grace period is
 * cooled on machines of many CPUs: what it has counted is added to *cold, which
 * then stands for it until its bit is set again.  When all are silent the
 * object is settled: est.base stands for everything until any bit is set.
 *
 * What a sum could miss
 *
 *   Bits leave dirty by ip_vs_stats_clear() alone: only those of hot groups,
 *   and the cookie of a grace period is taken after that.  Take a packet of
 *   group g that has counted and is through.
 *
 *   - g is hot: it is read.
 *   - g is not hot, and its bit is set: the reader sees it, and sums all groups
 *     of seen and dirty instead.
 *   - g is not hot, and its bit is clear: the packet has found it set, or has
 *     set it, before the last clear that g was in.  After that, g was taken out
 *     of hot, once a grace period had ended that began after the clear.  It has
 *     waited for the packet's read-side section; so the reading of g that went
 *     into *cold, or into est.base, and which was made after the cookie was
 *     polled, holds what the packet has counted.
 *
 *   So no order between bit and counter is needed in the packet path, on any
 *   memory model: RCU gives it.  That passes find a bit clear, twice or more,
 *   would not be enough: a packet may be held up between finding its bit set
 *   and counting, for longer than that.
 *
 *   Sums never fall: *cold and est.base change under the lock only, to a
 *   reading that is newer, and the same reading is what the pass itself shows.
 *
 *   A sum may miss an addition that is going on; this is no error.  A reader
 *   that comes after a packet, because something has told it that the packet is
 *   through, sees bit and counters, and both stay visible from then on.
 */

#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* On machines of many CPUs, bits are cleared once in so many samples, 64 s, to
 * learn which groups packets still set.  By choice: the atomics that packets
 * pay for it are 1/32 of those that clearing at each sample would cost.  Tests
 * set it.
 */
unsigned int ip_vs_stats_refresh __read_mostly = 32;

/**
 * ip_vs_est_gfp() - how memory is allocated that a user asks for
 * @est: estimation in the namespace that it is for
 *
 * In a network namespace of the initial user namespace nobody is charged: a
 * node's agent, whose memory limit fits its own process, adds tens of thousands
 * of services.  In others the memory cgroup of whoever adds services is
 * charged, because nothing else limits users there.
 *
 * Context: any; what it returns is for callers that may sleep.
 * Return: GFP_KERNEL or GFP_KERNEL_ACCOUNT.
 */
gfp_t ip_vs_est_gfp(const struct ip_vs_est_net *est)
{
	return GFP_KERNEL | est->account;
}

static int ip_vs_stats_init_gfp(struct ip_vs_stats *stats,
				struct ip_vs_est_net *net, gfp_t gfp)
{
	unsigned int cpu;

	stats->cpustats = alloc_percpu_gfp(struct ip_vs_cpu_stats, gfp);
	if (!stats->cpustats)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats->cpustats, cpu)->syncp);

	stats->net = net;
	spin_lock_init(&stats->lock);
	/* Nothing was counted, and est.base says so */
	stats->settled = true;
	INIT_LIST_HEAD(&stats->pending);
	stats->est.gen = IP_VS_EST_GEN_NEW;
	return 0;
}

/**
 * ip_vs_stats_init() - allocate the counters and initialise the rest
 * @stats: zeroed memory
 * @net: estimation in the namespace that it belongs to
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM and nothing is to be released.
 */
int ip_vs_stats_init(struct ip_vs_stats *stats, struct ip_vs_est_net *net)
{
	return ip_vs_stats_init_gfp(stats, net, ip_vs_est_gfp(net));
}

/**
 * ip_vs_stats_release() - free the counters
 * @stats: initialised by ip_vs_stats_init()
 *
 * Context: any; an RCU grace period after the estimator was stopped and the
 * object was hidden from packets, or before either could see it.
 */
void ip_vs_stats_release(struct ip_vs_stats *stats)
{
	kfree(stats->cold);
	free_percpu(stats->cpustats);
}

/* A struct ip_vs_stats that is not part of a service or server */
struct ip_vs_stats_own {
	struct ip_vs_stats	stats;
	struct rcu_head		rcu;
};

/**
 * ip_vs_stats_create() - allocate an object of its own
 * @net: estimation in the namespace that it belongs to
 * @gfp: how to allocate.  With GFP_KERNEL it waits for the mutex of per-CPU
 *	memory, which the whole machine shares: not for a task that may be
 *	kept from its CPU while it holds that.
 *
 * Context: what @gfp asks for.
 * Return: the object, or NULL when there is no memory.
 */
struct ip_vs_stats *ip_vs_stats_create(struct ip_vs_est_net *net, gfp_t gfp)
{
	struct ip_vs_stats_own *own;

	own = kzalloc_obj(*own, gfp);
	if (!own)
		return NULL;
	if (ip_vs_stats_init_gfp(&own->stats, net, gfp)) {
		kfree(own);
		return NULL;
	}
	return &own->stats;
}

static void ip_vs_stats_free_cb(struct rcu_head *head)
{
	struct ip_vs_stats_own *own;

	own = container_of(head, struct ip_vs_stats_own, rcu);
	ip_vs_stats_release(&own->stats);
	kfree(own);
}

/**
 * ip_vs_stats_destroy() - free an object when nobody can see it any more
 * @stats: from ip_vs_stats_create(), its estimator stopped
 *
 * Context: any.  Module removal waits for it with rcu_barrier().
 */
void ip_vs_stats_destroy(struct ip_vs_stats *stats)
{
	struct ip_vs_stats_own *own;

	own = container_of(stats, struct ip_vs_stats_own, stats);
	call_rcu(&own->rcu, ip_vs_stats_free_cb);
}

/**
 * ip_vs_stats_mark_each() - set the bit of a group where it is clear
 * @dest: a server's object
 * @svc: its service's
 * @total: the namespace's
 * @group: the bit
 *
 * For the first packet after silence, or after bits were cleared to see which
 * are still set.
 *
 * Context: packet path, the RCU read-side section in which it counts.
 */
void ip_vs_stats_mark_each(struct ip_vs_stats *dest, struct ip_vs_stats *svc,
			   struct ip_vs_stats *total, unsigned long group)
{
	if (!(atomic_long_read(&dest->dirty) & group))
		atomic_long_or(group, &dest->dirty);
	if (!(atomic_long_read(&svc->dirty) & group))
		atomic_long_or(group, &svc->dirty);
	if (!(atomic_long_read(&total->dirty) & group))
		atomic_long_or(group, &total->dirty);
}

/* Add what all groups but the hot ones have counted; stats->lock held.  Not if
 * hot is 0 because all is settled: there may be no *cold then, and est.base
 * stands for all.
 */
static void ip_vs_stats_add_cold(const struct ip_vs_stats *stats,
				 struct ip_vs_counts *sum)
{
	if (stats->hot != stats->seen)
		ip_vs_counts_add(sum, stats->cold);
}

/**
 * ip_vs_stats_now() - what all CPUs have counted, as of now
 * @stats: where
 * @now: filled in
 *
 * Context: stats->lock held, so that sums are seen in the order they are made.
 */
void ip_vs_stats_now(const struct ip_vs_stats *stats, struct ip_vs_counts *now)
{
	unsigned long dirty = atomic_long_read(&stats->dirty);

	lockdep_assert_held(&stats->lock);

	if (stats->settled && !dirty) {
		*now = stats->est.base;
	} else if (dirty & ~stats->hot) {
		/* Some of what is cold may have grown */
		ip_vs_stats_sum(stats, stats->seen | dirty, now);
	} else {
		ip_vs_stats_sum(stats, stats->hot, now);
		ip_vs_stats_add_cold(stats, now);
	}
}

/**
 * ip_vs_stats_clear() - have packets mark anew which CPUs they are on
 * @stats: which
 *
 * Of the hot groups alone: from another one, only its bit shows that packets
 * have come.
 *
 * Context: stats->lock held.
 */
void ip_vs_stats_clear(struct ip_vs_stats *stats)
{
	lockdep_assert_held(&stats->lock);

	atomic_long_andnot(stats->hot, &stats->dirty);
	/* It begins with a full barrier, so the grace period of this cookie
	 * begins after dirty was cleared.  It waits for the read-side section
	 * of every packet that has found its bit set before that.
	 */
	stats->cleared = get_state_synchronize_rcu();
}

/* Memory for *cold, in a walk that must not wait.  Without it all groups stay
 * hot, which costs time and nothing else.  Nobody is charged for it: it is a
 * kthread that asks, for 40 bytes beside the counters of 32 CPUs or more.
 * stats->lock held.
 */
static bool ip_vs_stats_has_cold(struct ip_vs_stats *stats)
{
	if (!stats->cold && ip_vs_stats_wide)
		stats->cold = kzalloc_obj(*stats->cold,
					  GFP_NOWAIT | __GFP_NOWARN);
	return stats->cold;
}

/* Groups that were not hot have counted, and are hot from here on.  *cold is
 * the sum of all that were not, these included: it is made anew of those that
 * are left.  stats->lock held.
 */
static void ip_vs_stats_heat(struct ip_vs_stats *stats, unsigned long dirty,
			     unsigned long *read)
{
	unsigned long others;

	stats->settled = false;
	stats->seen |= dirty;
	stats->hot |= dirty;
	others = stats->seen & ~stats->hot;
	if (!others)
		return;
	if (ip_vs_stats_has_cold(stats)) {
		ip_vs_stats_sum(stats, others, stats->cold);
		*read |= others;
	} else {
		stats->hot = stats->seen;
	}
}

/* Hot groups were silent for a grace period: read them once more, and then no
 * more.  stats->lock held.
 */
static void ip_vs_stats_cool(struct ip_vs_stats *stats, unsigned long silent,
			     unsigned long *read)
{
	struct ip_vs_counts sum;

	if (silent == stats->hot) {
		stats->settled = true;
		return;
	}
	if (!ip_vs_stats_has_cold(stats))
		return;
	ip_vs_stats_sum(stats, silent, &sum);
	*read |= silent;
	if (stats->hot == stats->seen)
		*stats->cold = sum;
	else
		ip_vs_counts_add(stats->cold, &sum);
	stats->hot &= ~silent;
}

/* Count samples; stats->lock held.  Returns true if this one is to clear bits:
 *
 *  - the first since the object was settled.  So traffic that is a packet now
 *    and then is settled again after two readings, not three;
 *  - on machines of many CPUs, one of ip_vs_stats_refresh.
 */
static bool ip_vs_stats_age(struct ip_vs_stats *stats)
{
	unsigned int age = stats->age, refresh = ip_vs_stats_refresh;

	stats->age = age + 1 < 2 * refresh ? age + 1 : refresh;
	return !age || (ip_vs_stats_wide && age % refresh == 0);
}

/**
 * ip_vs_stats_collect() - what all CPUs have counted, for a pass
 * @stats: where
 * @now: filled in; the caller makes it est.base before it gives back the lock
 * @later: do not read the counters of all CPUs, the caller will
 * @read: set to the groups that were read
 *
 * See the head of this file.
 *
 * Context: stats->lock held, RCU read side or not.
 * Return: true; or false if @later, packets have come, and all CPUs must be
 * read: then @now is not filled in, and @stats is not settled.
 */
bool ip_vs_stats_collect(struct ip_vs_stats *stats, struct ip_vs_counts *now,
			 bool later, unsigned long *read)
{
	unsigned long dirty = atomic_long_read(&stats->dirty), silent;
	bool refresh;

	lockdep_assert_held(&stats->lock);

	*read = 0;
	if (stats->settled && !dirty) {
		*now = stats->est.base;
		return true;
	}
	if (dirty & ~stats->hot)
		ip_vs_stats_heat(stats, dirty, read);
	silent = stats->hot & ~dirty;
	/* Before hot groups are read.  When it returns true it has ended with a
	 * full barrier: the read-side sections of those packets are over, and
	 * what they have counted is in what is read below.  For cold groups
	 * that was so when they were cooled.
	 */
	if (silent && poll_state_synchronize_rcu(stats->cleared))
		ip_vs_stats_cool(stats, silent, read);
	refresh = dirty && ip_vs_stats_age(stats);

	if (later && dirty && ip_vs_stats_dense &&
	    stats->hot == ip_vs_stats_groups) {
		if (refresh)
			ip_vs_stats_clear(stats);
		return false;
	}
	*read |= stats->hot;
	ip_vs_stats_sum(stats, stats->hot, now);
	ip_vs_stats_add_cold(stats, now);
	if (stats->settled) {
		stats->hot = 0;
		stats->age = 0;
	} else if (refresh ||
		   (dirty && ip_vs_counts_same(now, &stats->est.base))) {
		ip_vs_stats_clear(stats);
	}
	return true;
}
