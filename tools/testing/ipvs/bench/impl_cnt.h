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

void impl_count(struct ip_vs_stats *stats)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_inc(&s->cnt.inpkts);
	u64_stats_add(&s->cnt.inbytes, BENCH_LEN);
}

void impl_read(struct ip_vs_stats *stats, u64 *packets, u64 *rate)
{
	struct ip_vs_kstats k;

	ip_vs_read_estimator(&k, stats);
	*packets = stats->kstats.inpkts;
	*rate = k.inpps;
}

#endif /* _IMPL_CNT_H */
