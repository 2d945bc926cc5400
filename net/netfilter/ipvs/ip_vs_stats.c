// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS traffic counters, and the sampling that turns them into rates
 *
 * Counters
 *
 *   Each CPU adds to counters of its own, which are never reset.  A reader
 *   sums those of all possible CPUs and takes off what the sum was when the
 *   user last zeroed it; so every read is exact, with or without estimation.
 *
 * Sampling
 *
 *   A pass over an estimator takes a sample: what was counted since its last
 *   sample, divided by the time that has really passed since then,
 *
 *	rate = (now - base) * HZ * 2^scale / elapsed		[1/s, scaled]
 *
 *   and folds it into an exponentially weighted moving average,
 *
 *	avg += (rate - avg) / 4
 *
 *   which is the average of about the last 8 s when there is a sample each
 *   2 s.  The scale is 2^10 for connections and packets and 2^5 for bytes;
 *   users have read rates with these roundings since IPVS has estimators.
 *   Averages are signed and the division by 4 is an arithmetic shift, which
 *   rounds down: so an average without traffic reaches 0 and stays there.
 *
 *   Because the time stands in the estimator, a late sample is as right as a
 *   punctual one, and an estimator may move to another row or kthread at any
 *   time.  Sums and averages change together under stats->lock: a pass that
 *   summed outside it could fold an older sum over a fresher one, and a
 *   negative difference is a huge rate.
 */

#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* Binary digits after the point of a rate */
static const u8 ip_vs_est_scale[IP_VS_NCOUNTS] = {
	[IP_VS_CONNS]		= 10,
	[IP_VS_INPKTS]		= 10,
	[IP_VS_OUTPKTS]		= 10,
	[IP_VS_INBYTES]		= 5,
	[IP_VS_OUTBYTES]	= 5,
};

/* The weight of a sample, 2^-2 */
#define IP_VS_EST_WEIGHT	2

/**
 * ip_vs_stats_init() - allocate the counters and initialise the rest
 * @stats: zeroed memory
 * @net: estimation in the namespace that it belongs to
 *
 * The counters are charged to the memory cgroup of the caller.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM and nothing is to be released.
 */
int ip_vs_stats_init(struct ip_vs_stats *stats, struct ip_vs_est_net *net)
{
	unsigned int cpu;

	stats->cpustats = alloc_percpu_gfp(struct ip_vs_cpu_stats,
					   GFP_KERNEL_ACCOUNT);
	if (!stats->cpustats)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats->cpustats, cpu)->syncp);

	stats->net = net;
	spin_lock_init(&stats->lock);
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

	own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);
	if (!own)
		return NULL;
	if (ip_vs_stats_init(&own->stats, net)) {
		kfree(own);
		return NULL;
	}
	return &own->stats;
}

static void ip_vs_stats_rcu_free(struct rcu_head *head)
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
	call_rcu(&own->rcu, ip_vs_stats_rcu_free);
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
	const struct ip_vs_cpu_stats *s = per_cpu_ptr(stats->cpustats, cpu);
	unsigned int start, c;

	do {
		start = u64_stats_fetch_begin(&s->syncp);
		for (c = 0; c < IP_VS_NCOUNTS; c++)
			dst->v[c] = u64_stats_read(&s->cnt[c]);
	} while (u64_stats_fetch_retry(&s->syncp, start));
}

/**
 * ip_vs_stats_sum() - add up what all CPUs have counted
 * @stats: where
 * @sum: filled in
 *
 * Context: stats->lock held, so that sums are seen in the order they are made.
 */
void ip_vs_stats_sum(const struct ip_vs_stats *stats, struct ip_vs_counts *sum)
{
	struct ip_vs_counts one;
	unsigned int cpu, c;

	lockdep_assert_held(&stats->lock);

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		ip_vs_stats_read_cpu(stats, cpu, &one);
		for (c = 0; c < IP_VS_NCOUNTS; c++)
			sum->v[c] += one.v[c];
	}
}

/* diff * HZ * 2^scale / elapsed without overflow, at most S64_MAX.
 *
 * The product fits while diff is at most U64_MAX / (HZ << scale), 2^44 at
 * HZ 1000: exact to one unit.  Above, divide first: the quotient is then at
 * least 2^44 / 2^32, so that what the division drops is less than 1 in 2^12.
 */
static s64 ip_vs_est_scaled(u64 diff, u32 elapsed, unsigned int scale)
{
	u64 rate;

	if (!diff)
		return 0;
	if (diff <= (U64_MAX / HZ) >> scale)
		return min_t(u64, div_u64((diff * HZ) << scale, elapsed),
			     S64_MAX);

	rate = div_u64(diff, elapsed);
	if (rate > ((u64)S64_MAX / HZ) >> scale)
		return S64_MAX;
	return (rate * HZ) << scale;
}

/**
 * ip_vs_est_fold() - fold a sample into the averages
 * @est: the estimator
 * @now: counters now, the base of the next sample
 * @elapsed: time since the last sample, jiffies; taken as at most U32_MAX,
 *	49 days at HZ 1000, and as at least 1
 *
 * Context: stats->lock held, unless nobody else can see @est.
 */
void ip_vs_est_fold(struct ip_vs_estimator *est, const struct ip_vs_counts *now,
		    u64 elapsed)
{
	u32 time = clamp_t(u64, elapsed, 1, U32_MAX);
	unsigned int c;
	s64 rate;

	for (c = 0; c < IP_VS_NCOUNTS; c++) {
		rate = ip_vs_est_scaled(now->v[c] - est->base.v[c], time,
					ip_vs_est_scale[c]);
		est->avg[c] += (rate - est->avg[c]) >> IP_VS_EST_WEIGHT;
		est->base.v[c] = now->v[c];
	}
}

/**
 * ip_vs_est_rate() - decode an average
 * @est: the estimator
 * @c: which
 *
 * Context: stats->lock held, unless nobody else can see @est.
 * Return: the rate a second, rounded to the nearest, a half downwards.
 */
u64 ip_vs_est_rate(const struct ip_vs_estimator *est, enum ip_vs_count c)
{
	u64 half = (1ULL << (ip_vs_est_scale[c] - 1)) - 1;

	return ((u64)est->avg[c] + half) >> ip_vs_est_scale[c];
}

/* Start anew from the counters @now: as if the estimator began here */
static void ip_vs_est_rebase(struct ip_vs_estimator *est,
			     const struct ip_vs_counts *now)
{
	est->base = *now;
	est->stamp = get_jiffies_64();
	memset(est->avg, 0, sizeof(est->avg));
}

/**
 * ip_vs_est_begin() - prepare an estimator for its next passes
 * @stats: about to be started
 *
 * A new object has counted nothing before now, so that its first sample
 * holds all that it counts from here on.  One that is started once more (a
 * server from the trash) has old counters; the next pass takes them as base.
 *
 * Context: process context, takes stats->lock.
 */
void ip_vs_est_begin(struct ip_vs_stats *stats)
{
	struct ip_vs_estimator *est = &stats->est;

	spin_lock(&stats->lock);
	if (est->gen == IP_VS_EST_GEN_NEW) {
		est->gen = READ_ONCE(stats->net->gen);
		est->stamp = get_jiffies_64();
	} else {
		est->gen = IP_VS_EST_GEN_STALE;
	}
	spin_unlock(&stats->lock);
}

/**
 * ip_vs_est_pass() - take a sample if one is due
 * @stats: the estimator's
 *
 * Context: process context, RCU read side, takes stats->lock.
 * Return: true if the counters were summed, false if it was too early.
 */
bool ip_vs_est_pass(struct ip_vs_stats *stats)
{
	/* Pairs with WRITE_ONCE() in ip_vs_est_set_active().  An old value
	 * costs nothing but one more base: the next pass sees the new one.
	 */
	u32 gen = READ_ONCE(stats->net->gen);
	struct ip_vs_estimator *est = &stats->est;
	struct ip_vs_counts now;
	bool due;
	u64 time;

	spin_lock(&stats->lock);
	due = est->gen != gen ||
	      get_jiffies_64() - est->stamp >= IP_VS_EST_MIN_SAMPLE;
	if (due) {
		ip_vs_stats_sum(stats, &now);
		if (est->gen == gen) {
			time = get_jiffies_64();
			ip_vs_est_fold(est, &now, time - est->stamp);
			est->stamp = time;
		} else {
			ip_vs_est_rebase(est, &now);
			est->gen = gen;
		}
	}
	spin_unlock(&stats->lock);
	return due;
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
	ip_vs_stats_sum(src, &now);
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
	ip_vs_stats_sum(stats, &stats->zero);
	ip_vs_est_rebase(&stats->est, &stats->zero);
	spin_unlock(&stats->lock);
}
