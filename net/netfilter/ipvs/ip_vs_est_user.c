// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: counters and rates, read and zeroed by users */

#include <linux/jiffies.h>
#include <linux/spinlock.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

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
