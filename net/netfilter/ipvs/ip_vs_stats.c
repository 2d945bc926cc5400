// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS traffic counters: allocated, summed, shown and zeroed
 *
 * Each CPU adds to counters of its own, which are never reset.  A reader sums
 * those of the CPUs that can have counted and takes off what the sum was when
 * the user last zeroed it; so every read is exact, with or without estimation.
 *
 * Which counters must be read
 *
 *   A packet, having counted, sets the bit of its CPU in stats->dirty unless
 *   it is set; with more CPUs than bits, a bit stands for 2, 4, 8... CPUs.  A
 *   pass takes the bits out (xchg) and remembers them in stats->seen, for
 *   good.  So a CPU that has counted is in dirty or in seen, and who sums those
 *   misses nothing; CPUs that never carried a service are not read for it.
 *
 *   If nothing was counted, not even those need be read.  An object is settled
 *   when a pass has
 *
 *	1. found dirty == 0,
 *	2. found that a grace period has ended which began after dirty was
 *	   last cleared, and
 *	3. then summed.
 *
 *   While it is settled and dirty is 0, that sum is exact.  For, which packets
 *   could it miss?  A packet that finds its bit clear sets it: then dirty is
 *   not 0.  One that finds it set leaves no trace; but it has read dirty
 *   before that was last cleared, inside an RCU read-side section.  The grace
 *   period began after the clearing and has waited for that section, so all
 *   of its additions were visible to the sum in 3.  This needs no order
 *   between counter and bit in the packet path, on any memory model: RCU gives
 *   it.  Two passes with dirty == 0 would not be enough: a packet may be held
 *   up between finding its bit set and counting, for longer than that.
 *
 *   A sum that misses an addition which is going on is no error: who reads
 *   after a packet, in the sense that something has told him that it is
 *   through, sees bit and counters, and both stay visible from then on.
 */

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* From so many CPUs on, several objects are read together.  Measured: with 16
 * the second look at each object costs more than what is gained, with 32 it is
 * about the same, with 64 a quarter is gained.
 */
#define IP_VS_STATS_WIDE	32
/* Fewer objects than this are read one by one after all */
#define IP_VS_STATS_FEW		8
/* CPUs between the one whose counters are read and the one whose counters are
 * asked for; of 1, 2, 4 and 8 this was the fastest
 */
#define IP_VS_STATS_AHEAD	4

DEFINE_PER_CPU(unsigned long, ip_vs_stats_group);

/* Objects that all CPUs have counted for are read together */
bool ip_vs_stats_together __read_mostly;

/* Bits of stats->dirty that stand for any possible CPU */
unsigned int ip_vs_stats_ngroups __read_mostly;

/* A bit of stats->dirty stands for 2^shift CPUs */
static unsigned int ip_vs_stats_shift __read_mostly;
/* Those that stand for any possible CPU */
static unsigned long ip_vs_stats_groups __read_mostly;
/* No number below nr_cpu_ids is left out of the possible CPUs */
static bool ip_vs_stats_dense __read_mostly;

/**
 * ip_vs_stats_setup() - share out the bits of stats->dirty among the CPUs
 *
 * Context: module initialisation, before anything is counted.
 */
void ip_vs_stats_setup(void)
{
	unsigned int cpu, cpus = 0;
	unsigned long group;

	ip_vs_stats_shift = 0;
	while ((nr_cpu_ids - 1) >> ip_vs_stats_shift >= BITS_PER_LONG)
		ip_vs_stats_shift++;
	ip_vs_stats_groups = 0;
	for_each_possible_cpu(cpu) {
		group = BIT(cpu >> ip_vs_stats_shift);
		per_cpu(ip_vs_stats_group, cpu) = group;
		ip_vs_stats_groups |= group;
		cpus++;
	}
	ip_vs_stats_ngroups = hweight_long(ip_vs_stats_groups);
	ip_vs_stats_dense = cpus == nr_cpu_ids;
	ip_vs_stats_together = cpus >= IP_VS_STATS_WIDE;
}

/**
 * ip_vs_est_gfp() - how memory is allocated that a user asks for
 * @est: estimation in the namespace that it is for
 *
 * A node's agent, with a memory limit that fits its own process, adds tens of
 * thousands of services: in a namespace of the initial user namespace nobody
 * is charged for them.  In others they are charged to the memory cgroup of
 * who adds them, because nothing else limits users there.
 *
 * Context: any; what it returns is for callers that may sleep.
 * Return: GFP_KERNEL or GFP_KERNEL_ACCOUNT.
 */
gfp_t ip_vs_est_gfp(const struct ip_vs_est_net *est)
{
	return GFP_KERNEL | est->account;
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
	unsigned int cpu;

	stats->cpustats = alloc_percpu_gfp(struct ip_vs_cpu_stats,
					   ip_vs_est_gfp(net));
	if (!stats->cpustats)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats->cpustats, cpu)->syncp);

	stats->net = net;
	spin_lock_init(&stats->lock);
	/* Nothing was counted, and est.base says so */
	stats->settled = true;
	INIT_LIST_HEAD(&stats->est.pending);
	stats->est.gen = IP_VS_EST_GEN_NEW;
	return 0;
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
 *
 * Context: may sleep.
 * Return: the object, or NULL when there is no memory.
 */
struct ip_vs_stats *ip_vs_stats_create(struct ip_vs_est_net *net)
{
	struct ip_vs_stats_own *own;

	own = kzalloc_obj(*own, ip_vs_est_gfp(net));
	if (!own)
		return NULL;
	if (ip_vs_stats_init(&own->stats, net)) {
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

/* Written out, as are the next ones, so that the sum of all CPUs is kept in
 * registers: these loops are where passes and readers spend their time.
 */
static __always_inline void
__ip_vs_stats_read_cpu(const struct ip_vs_cpu_stats *s,
		       struct ip_vs_counts *dst)
{
	unsigned int start;

	BUILD_BUG_ON(IP_VS_NCOUNTS != 5);
	do {
		start = u64_stats_fetch_begin(&s->syncp);
		dst->v[0] = u64_stats_read(&s->cnt[0]);
		dst->v[1] = u64_stats_read(&s->cnt[1]);
		dst->v[2] = u64_stats_read(&s->cnt[2]);
		dst->v[3] = u64_stats_read(&s->cnt[3]);
		dst->v[4] = u64_stats_read(&s->cnt[4]);
	} while (u64_stats_fetch_retry(&s->syncp, start));
}

static __always_inline void ip_vs_counts_add(struct ip_vs_counts *sum,
					     const struct ip_vs_counts *one)
{
	sum->v[0] += one->v[0];
	sum->v[1] += one->v[1];
	sum->v[2] += one->v[2];
	sum->v[3] += one->v[3];
	sum->v[4] += one->v[4];
}

/**
 * ip_vs_stats_read_cpu() - what one CPU has counted since it was allocated
 * @stats: where
 * @cpu: a possible CPU
 * @dst: filled in
 *
 * Context: any but a writer's own update.
 */
void ip_vs_stats_read_cpu(const struct ip_vs_stats *stats, unsigned int cpu,
			  struct ip_vs_counts *dst)
{
	__ip_vs_stats_read_cpu(per_cpu_ptr(stats->cpustats, cpu), dst);
}

static __always_inline void ip_vs_stats_add_cpu(const struct ip_vs_stats *stats,
						unsigned int cpu,
						struct ip_vs_counts *sum)
{
	struct ip_vs_counts one;

	__ip_vs_stats_read_cpu(per_cpu_ptr(stats->cpustats, cpu), &one);
	ip_vs_counts_add(sum, &one);
}

/* Add up what the CPUs of some groups have counted */
static void ip_vs_stats_sum(const struct ip_vs_stats *stats,
			    unsigned long groups, struct ip_vs_counts *dst)
{
	unsigned int shift = ip_vs_stats_shift, cpu, end;
	struct ip_vs_counts sum = {};

	if (groups == ip_vs_stats_groups && ip_vs_stats_dense) {
		for (cpu = 0; cpu < nr_cpu_ids; cpu++)
			ip_vs_stats_add_cpu(stats, cpu, &sum);
		groups = 0;
	}
	for (; !shift && groups; groups &= groups - 1)
		ip_vs_stats_add_cpu(stats, __ffs(groups), &sum);

	for (; groups; groups &= groups - 1) {
		cpu = __ffs(groups) << shift;
		end = min(cpu + (1U << shift), nr_cpu_ids);
		for (; cpu < end; cpu++) {
			/* A group may have gaps, a single CPU has counted */
			if (cpu_possible(cpu))
				ip_vs_stats_add_cpu(stats, cpu, &sum);
		}
	}
	*dst = sum;
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

	if (stats->settled && !dirty)
		*now = stats->est.base;
	else
		ip_vs_stats_sum(stats, stats->seen | dirty, now);
}

/**
 * ip_vs_stats_collect() - what all CPUs have counted, for a pass
 * @stats: where
 * @now: filled in; the caller makes it est.base before it gives back the lock
 * @later: do not read the counters of all CPUs, the caller will
 *
 * See the head of this file.
 *
 * Context: stats->lock held, RCU read side or not.
 * Return: what it took; IP_VS_EST_LATER if @later, packets have come, and all
 * CPUs must be read: then @now is not filled in, and @stats is not settled.
 */
enum ip_vs_est_did ip_vs_stats_collect(struct ip_vs_stats *stats,
				       struct ip_vs_counts *now, bool later)
{
	lockdep_assert_held(&stats->lock);

	if (stats->settled && !atomic_long_read(&stats->dirty)) {
		*now = stats->est.base;
		return IP_VS_EST_FOLDED;
	}
	if (atomic_long_read(&stats->dirty)) {
		stats->seen |= atomic_long_xchg(&stats->dirty, 0);
		/* Full barriers, in the xchg and here, pair with what RCU
		 * gives packets: who has read dirty before the xchg is waited
		 * for by the grace period of this cookie.
		 */
		stats->cleared = get_state_synchronize_rcu();
		stats->settled = false;
		if (later && ip_vs_stats_dense &&
		    stats->seen == ip_vs_stats_groups)
			return IP_VS_EST_LATER;
	} else {
		/* The barrier in it, when it returns true, pairs with the end
		 * of the read-side sections of packets: the sum below sees
		 * what they have counted.
		 */
		stats->settled = poll_state_synchronize_rcu(stats->cleared);
	}
	ip_vs_stats_sum(stats, stats->seen, now);
	return stats->seen == ip_vs_stats_groups ? IP_VS_EST_READ_ALL :
						   IP_VS_EST_READ;
}

/**
 * ip_vs_stats_sum_all() - what all CPUs have counted, for several objects
 * @stats: the objects
 * @n: how many
 * @sum: filled in for each
 *
 * CPU by CPU: the counters that a CPU has for objects which were allocated one
 * after the other are neighbours.  Read object by object, a cache line would be
 * gone before the second half of it is asked for, because the counters of all
 * CPUs for one object are at the same place of a page, and the sets of a cache
 * are chosen by that: a few ways have to do for all CPUs.
 *
 * Context: RCU read side.  Only if ip_vs_stats_dense.
 */
void ip_vs_stats_sum_all(struct ip_vs_stats *const *stats, unsigned int n,
			 struct ip_vs_counts *sum)
{
	unsigned int cpu, next, i;

	if (n < IP_VS_STATS_FEW) {
		for (i = 0; i < n; i++)
			ip_vs_stats_sum(stats[i], ip_vs_stats_groups, &sum[i]);
		return;
	}
	memset(sum, 0, n * sizeof(*sum));
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		next = min(cpu + IP_VS_STATS_AHEAD, nr_cpu_ids - 1);
		for (i = 0; i < n; i++) {
			prefetch(per_cpu_ptr(stats[i]->cpustats, next));
			ip_vs_stats_add_cpu(stats[i], cpu, &sum[i]);
		}
	}
}

/**
 * ip_vs_stats_unsettle() - let the next pass take as long as one can
 * @stats: a private object
 *
 * Context: any, nobody else uses @stats.
 */
void ip_vs_stats_unsettle(struct ip_vs_stats *stats)
{
	atomic_long_set(&stats->dirty, ip_vs_stats_groups);
	WRITE_ONCE(stats->est.quiet, 0);
}

/**
 * ip_vs_copy_stats() - read counters and rates for the user
 * @dst: filled in: counters exact as of now, rates a second
 * @src: what to read
 *
 * Rates read 0 while estimation is off and when the last sample is over 10 s
 * old (IP_VS_EST_STALE).
 *
 * Context: process context, takes src->lock.
 */
void ip_vs_copy_stats(struct ip_vs_kstats *dst, struct ip_vs_stats *src)
{
	struct ip_vs_estimator *est = &src->est;
	struct ip_vs_counts now;
	bool live;

	spin_lock(&src->lock);
	ip_vs_stats_now(src, &now);
	dst->conns = now.v[IP_VS_CONNS] - src->zero.v[IP_VS_CONNS];
	dst->inpkts = now.v[IP_VS_INPKTS] - src->zero.v[IP_VS_INPKTS];
	dst->outpkts = now.v[IP_VS_OUTPKTS] - src->zero.v[IP_VS_OUTPKTS];
	dst->inbytes = now.v[IP_VS_INBYTES] - src->zero.v[IP_VS_INBYTES];
	dst->outbytes = now.v[IP_VS_OUTBYTES] - src->zero.v[IP_VS_OUTBYTES];

	/* Both pair with WRITE_ONCE() in ip_vs_est_set_active() */
	live = READ_ONCE(src->net->active) &&
	       est->gen == READ_ONCE(src->net->gen) &&
	       get_jiffies_64() - est->stamp <= IP_VS_EST_STALE;
	dst->cps = live ? ip_vs_est_rate(est, IP_VS_CONNS) : 0;
	dst->inpps = live ? ip_vs_est_rate(est, IP_VS_INPKTS) : 0;
	dst->outpps = live ? ip_vs_est_rate(est, IP_VS_OUTPKTS) : 0;
	dst->inbps = live ? ip_vs_est_rate(est, IP_VS_INBYTES) : 0;
	dst->outbps = live ? ip_vs_est_rate(est, IP_VS_OUTBYTES) : 0;
	spin_unlock(&src->lock);
}

/**
 * ip_vs_zero_stats() - let counters and rates read 0 from here on
 * @stats: which
 *
 * Context: process context, takes stats->lock.
 */
void ip_vs_zero_stats(struct ip_vs_stats *stats)
{
	spin_lock(&stats->lock);
	ip_vs_stats_now(stats, &stats->zero);
	ip_vs_est_rebase(&stats->est, &stats->zero);
	spin_unlock(&stats->lock);
}
