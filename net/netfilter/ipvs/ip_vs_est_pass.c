// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the sampling that turns counters into rates
 *
 * A pass over an estimator takes a sample: what was counted since its last
 * sample, divided by the time that has really passed since then,
 *
 *	rate = (now - base) * HZ * 2^scale / elapsed		[1/s, scaled]
 *
 * and folds it into an exponentially weighted moving average,
 *
 *	avg += (rate - avg) / 4
 *
 * which is the average of about the last 8 s when there is a sample every 2 s.
 * The scale is 2^10 for connections and packets and 2^5 for bytes; users have
 * read rates with these roundings since IPVS has estimators.  Averages are
 * signed and the division by 4 is an arithmetic shift, which rounds down: so
 * an average without traffic reaches 0 and stays there.
 *
 * Because the time stands in the estimator, a late sample is as right as a
 * punctual one, and an estimator may move to another row or kthread at any
 * time.  Sums and averages change together under stats->lock: a pass that
 * summed outside it could fold an older sum over a fresher one, and a
 * negative difference is a huge rate.
 *
 * Quiet estimators
 *
 *   When an object is settled (see ip_vs_stats.c) and its averages are 0, a
 *   pass has nothing to do until a packet is counted.  Until then it reads the
 *   first cache line of the object, takes no lock and writes nothing, not even
 *   the time.  When packets have come at last, the sample covers the time since
 *   the last pass that found nothing.  That was in the last walk of this chain,
 *   whose time the walker knows; or it is the time in the estimator, if that is
 *   later.  An estimator that enters a chain is not quiet, so this walker has
 *   passed over it before.
 *
 * Estimators that are read together
 *
 *   On machines of many CPUs, estimators whose counters must be read on all
 *   CPUs are taken into a batch of 32, then read CPU by CPU without a lock
 *   (see ip_vs_stats_sum_all()), then sampled.
 *
 *   No older sum is folded over a fresher one here, either: every sample, and
 *   zeroing, writes the time into the estimator, and the sum counts only if
 *   that is what it was before.  It was at least 1 s ago, so it is not the
 *   same again by chance.  The time of such a sample is that of the sums.  If
 *   making them was held up, each estimator is sampled at once instead.
 *
 *   An estimator in a batch is not settled, and all its groups are hot.  So
 *   what is counted while the sum is made, or what another walker clears, is
 *   not lost: it is a part of the next sample.
 */

#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/math64.h>

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

/* Each average takes 2^-2 of its distance from a sample, as in all versions of
 * IPVS
 */
#define IP_VS_EST_EWMA_LOG	2

/* diff * HZ * 2^scale / elapsed without overflow, at most S64_MAX.
 *
 * The product fits while diff is at most U64_MAX / (HZ << scale), 2^44 at
 * HZ 1000: exact to one unit.  Above, divide first: the quotient is then at
 * least 2^44 / 2^32, so that what the division drops is less than 1 in 2^12.
 * Out of line, as a punctual sample needs none of it.
 */
static noinline s64 ip_vs_est_scaled(u64 diff, u32 elapsed, unsigned int scale)
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

/* Fold what one counter has counted into its average */
static __always_inline void ip_vs_est_fold_one(struct ip_vs_estimator *est,
					       const struct ip_vs_counts *now,
					       u32 elapsed,
					       unsigned int ewma_log,
					       enum ip_vs_count c)
{
	u64 diff = now->v[c] - est->base.v[c];
	unsigned int scale = ip_vs_est_scale[c];
	s64 rate;

	/* What a punctual pass has: the division by 2 s is a shift */
	if (elapsed == 2 * HZ && diff <= S64_MAX >> scale)
		rate = diff << scale >> 1;
	else
		rate = ip_vs_est_scaled(diff, elapsed, scale);
	est->avg[c] += (rate - est->avg[c]) >> ewma_log;
	est->base.v[c] = now->v[c];
}

/* Written out, as the scales are constants then */
static __always_inline void ip_vs_est_fold_all(struct ip_vs_estimator *est,
					       const struct ip_vs_counts *now,
					       u32 elapsed,
					       unsigned int ewma_log)
{
	BUILD_BUG_ON(IP_VS_NCOUNTS != 5);
	ip_vs_est_fold_one(est, now, elapsed, ewma_log, IP_VS_CONNS);
	ip_vs_est_fold_one(est, now, elapsed, ewma_log, IP_VS_INPKTS);
	ip_vs_est_fold_one(est, now, elapsed, ewma_log, IP_VS_OUTPKTS);
	ip_vs_est_fold_one(est, now, elapsed, ewma_log, IP_VS_INBYTES);
	ip_vs_est_fold_one(est, now, elapsed, ewma_log, IP_VS_OUTBYTES);
}

/**
 * ip_vs_est_fold() - fold a sample into the averages
 * @est: the estimator
 * @now: counters now, the base of the next sample
 * @elapsed: time since the last sample, jiffies; taken as at most U32_MAX,
 *	49 days at HZ 1000, and as at least 1.  A sample that covers more than
 *	IP_VS_EST_STALE is the average.
 *
 * Context: stats->lock held, unless nobody else can see @est.
 */
void ip_vs_est_fold(struct ip_vs_estimator *est, const struct ip_vs_counts *now,
		    u64 elapsed)
{
	u32 time = clamp_t(u64, elapsed, 1, U32_MAX);
	/* What was not shown any more must not come back */
	unsigned int ewma_log = time > IP_VS_EST_STALE ? 0 : IP_VS_EST_EWMA_LOG;

	/* As long as the kthread is punctual, all of it is constant */
	if (likely(elapsed == 2 * HZ))
		ip_vs_est_fold_all(est, now, 2 * HZ, IP_VS_EST_EWMA_LOG);
	else
		ip_vs_est_fold_all(est, now, time, ewma_log);
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

/**
 * ip_vs_est_rebase() - start anew, as if the estimator began here
 * @est: the estimator
 * @now: counters now
 *
 * Context: stats->lock held.
 */
void ip_vs_est_rebase(struct ip_vs_estimator *est,
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
	/* Pairs with READ_ONCE() in ip_vs_est_is_quiet() */
	WRITE_ONCE(est->quiet, 0);
	if (est->gen == IP_VS_EST_GEN_NEW) {
		/* Pairs with WRITE_ONCE() in ip_vs_est_set_active() */
		est->gen = READ_ONCE(stats->net->gen);
		est->stamp = get_jiffies_64();
	} else {
		est->gen = IP_VS_EST_GEN_STALE;
	}
	spin_unlock(&stats->lock);
}

/* Quiet no more, as packets came or the estimator leaves: note up to when there
 * were none.  stats->lock held.
 */
static void ip_vs_est_clear_quiet(struct ip_vs_estimator *est, u64 walked)
{
	if (!est->quiet)
		return;
	if (time_after64(walked, est->stamp))
		est->stamp = walked;
	/* Pairs with READ_ONCE() in ip_vs_est_is_quiet() */
	WRITE_ONCE(est->quiet, 0);
}

/**
 * ip_vs_est_leave() - an estimator leaves its chain
 * @stats: the estimator's
 * @walked: when the last walk of its chain that has ended began, jiffies
 *
 * Context: process context, takes stats->lock.
 */
void ip_vs_est_leave(struct ip_vs_stats *stats, unsigned long walked)
{
	u64 now = get_jiffies_64();

	spin_lock(&stats->lock);
	ip_vs_est_clear_quiet(&stats->est, now - ((unsigned long)now - walked));
	spin_unlock(&stats->lock);
}

/**
 * ip_vs_est_enter() - an estimator enters a chain
 * @stats: the estimator's; no walker is at it
 *
 * A walker of the old chain may have made it quiet again while it left.
 *
 * Context: process context, takes stats->lock.
 */
void ip_vs_est_enter(struct ip_vs_stats *stats)
{
	spin_lock(&stats->lock);
	/* Pairs with READ_ONCE() in ip_vs_est_is_quiet() */
	WRITE_ONCE(stats->est.quiet, 0);
	spin_unlock(&stats->lock);
}

static bool ip_vs_est_all_zero(const struct ip_vs_estimator *est)
{
	s64 any = 0;
	unsigned int c;

	for (c = 0; c < IP_VS_NCOUNTS; c++)
		any |= est->avg[c];
	return !any;
}

/* Only if it changes: packets read what is on this line.  stats->lock held. */
static void ip_vs_est_set_quiet(struct ip_vs_estimator *est, u32 quiet)
{
	/* Pairs with READ_ONCE() in ip_vs_est_is_quiet() */
	if (est->quiet != quiet)
		WRITE_ONCE(est->quiet, quiet);
}

/* Take a sample if one is due, stats->lock held */
static enum ip_vs_est_result ip_vs_est_sample(struct ip_vs_stats *stats,
					      struct ip_vs_est_walk *walk,
					      struct ip_vs_est_batch *batch)
{
	struct ip_vs_estimator *est = &stats->est;
	struct ip_vs_counts now;
	unsigned long read;
	u64 time;

	if (est->gen == walk->gen) {
		ip_vs_est_clear_quiet(est, walk->walked);
		if (get_jiffies_64() - est->stamp < IP_VS_EST_MIN_SAMPLE)
			return IP_VS_EST_EARLY;
	}
	if (!ip_vs_stats_collect(stats, &now, batch && est->gen == walk->gen,
				 &read)) {
		batch->stats[batch->n] = stats;
		batch->stamp[batch->n++] = est->stamp;
		return IP_VS_EST_LATER;
	}
	if (est->gen == walk->gen) {
		time = get_jiffies_64();
		ip_vs_est_fold(est, &now, time - est->stamp);
		est->stamp = time;
	} else {
		ip_vs_est_rebase(est, &now);
		est->gen = walk->gen;
	}
	ip_vs_est_set_quiet(est, stats->settled && ip_vs_est_all_zero(est) ?
				 walk->gen : 0);
	if (!read)
		return IP_VS_EST_FOLDED;
	/* Those of all are known by their number */
	if (read == ip_vs_stats_groups)
		return IP_VS_EST_READ_ALL;
	walk->groups += hweight_long(read);
	return IP_VS_EST_READ;
}

/* Take the sample of the @i'th in a batch, unless somebody else has done so
 * since it was taken in, or it was zeroed or started anew: all leave another
 * time or generation.  @time is that of the sums, 0 if they have none.
 * stats->lock held.
 */
static enum ip_vs_est_result ip_vs_est_sample_sum(struct ip_vs_est_batch *batch,
						  unsigned int i, u64 time,
						  struct ip_vs_est_walk *walk)
{
	struct ip_vs_stats *stats = batch->stats[i];
	struct ip_vs_estimator *est = &stats->est;

	if (est->gen != walk->gen || est->stamp != batch->stamp[i])
		return IP_VS_EST_EARLY;
	if (!time)
		return ip_vs_est_sample(stats, walk, NULL);
	/* As ip_vs_stats_collect() does when nothing was counted */
	if (ip_vs_counts_same(&batch->sum[i], &est->base))
		ip_vs_stats_clear(stats);
	ip_vs_est_fold(est, &batch->sum[i], time - est->stamp);
	est->stamp = time;
	return IP_VS_EST_READ_ALL;
}

/**
 * ip_vs_est_pass_batch() - take the samples of all estimators in a batch
 * @batch: which; empty afterwards
 * @walk: the walk that they are a part of; what was done is added to it
 *
 * Context: process context, takes stats->lock; in the RCU read-side section in
 * which they were taken in.
 */
void ip_vs_est_pass_batch(struct ip_vs_est_batch *batch,
			  struct ip_vs_est_walk *walk)
{
	u64 time = get_jiffies_64();
	enum ip_vs_est_result result;
	unsigned int i;

	ip_vs_stats_sum_all(batch->stats, batch->n, batch->sum);
	/* Held up meanwhile, as a nice task may be where RCU readers can be
	 * preempted: some of the sums are of a later time
	 */
	if (get_jiffies_64() - time > 1)
		time = 0;
	for (i = 0; i < batch->n; i++) {
		spin_lock(&batch->stats[i]->lock);
		result = ip_vs_est_sample_sum(batch, i, time, walk);
		walk->unsettled |= ip_vs_stats_needs_gp(batch->stats[i]);
		spin_unlock(&batch->stats[i]->lock);
		walk->results[result]++;
	}
	batch->n = 0;
}

/**
 * ip_vs_est_pass_busy() - take a sample of an estimator that is not quiet
 * @stats: the estimator's
 * @walk: see ip_vs_est_pass(), which calls it
 * @batch: see ip_vs_est_pass()
 *
 * Context: as ip_vs_est_pass().
 */
void ip_vs_est_pass_busy(struct ip_vs_stats *stats, struct ip_vs_est_walk *walk,
			 struct ip_vs_est_batch *batch)
{
	enum ip_vs_est_result result;

	spin_lock(&stats->lock);
	result = ip_vs_est_sample(stats, walk, batch);
	walk->unsettled |= ip_vs_stats_needs_gp(stats);
	spin_unlock(&stats->lock);

	if (result != IP_VS_EST_LATER)
		walk->results[result]++;
	else if (batch->n == IP_VS_EST_READ_BATCH)
		ip_vs_est_pass_batch(batch, walk);
}
