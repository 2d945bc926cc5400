/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both peers have alike: functions that read and count */
#ifndef _IMPL_CNT_H
#define _IMPL_CNT_H

/* Static functions that are the walk: objcopy makes them visible */
void ip_vs_chain_estimation(struct hlist_head *chain);
void estimation_timer(struct timer_list *t);

u64 impl_counted(struct ip_vs_stats *stats, unsigned int cpu)
{
	struct ip_vs_cpu_stats *s = per_cpu_ptr(stats->cpustats, cpu);

	return u64_stats_read(&s->cnt.inpkts) +
	       u64_stats_read(&s->cnt.outpkts) +
	       u64_stats_read(&s->cnt.conns);
}

void impl_forget(struct ip_vs_stats *stats)
{
	ip_vs_zero_estimator(stats);
}

/* All passes are alike */
void impl_spread(struct ip_vs_stats *stats)
{
}

unsigned int impl_settle(void)
{
	return 0;
}

void impl_count(struct ip_vs_stats *stats)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_inc(&s->cnt.inpkts);
	u64_stats_add(&s->cnt.inbytes, BENCH_LEN);
}

/* Counters as of the last pass */
void impl_copy(struct ip_vs_stats *stats, struct ip_vs_kstats *dst)
{
	spin_lock(&stats->lock);
	*dst = stats->kstats;
	ip_vs_read_estimator(dst, stats);
	spin_unlock(&stats->lock);
}

void impl_read(struct ip_vs_stats *stats, u64 *packets, u64 *rate)
{
	struct ip_vs_kstats k;

	impl_copy(stats, &k);
	*packets = k.inpkts;
	*rate = k.inpps;
}

#endif /* _IMPL_CNT_H */
