// SPDX-License-Identifier: GPL-2.0-or-later
/* The peers that estimate in kthreads: chains that a kthread walks */
#include "impl.h"
#include "impl_cnt.h"
#include "impl_cpu.h"

static struct hlist_head *impl_chain;
static unsigned int impl_ests;

int impl_setup(unsigned int ests)
{
	impl_chain = bench_alloc(DIV_ROUND_UP(ests, BENCH_CHAIN) *
				 sizeof(*impl_chain));
	return 0;
}

void impl_setup_cpu(unsigned int cpu)
{
	impl_cpu(cpu);
}

int impl_init(struct ip_vs_stats *stats)
{
	spin_lock_init(&stats->lock);
	stats->cpustats = alloc_percpu(struct ip_vs_cpu_stats);
	return stats->cpustats ? 0 : -ENOMEM;
}

int impl_init_total(struct netns_ipvs *ipvs)
{
	ipvs->tot_stats = bench_alloc(sizeof(*ipvs->tot_stats));
	return impl_init(&ipvs->tot_stats->s);
}

struct ip_vs_stats *impl_total(struct netns_ipvs *ipvs)
{
	return &ipvs->tot_stats->s;
}

int impl_add(struct ip_vs_stats *stats)
{
	hlist_add_head_rcu(&stats->est.list,
			   &impl_chain[impl_ests++ / BENCH_CHAIN]);
	return 0;
}

void impl_pass(void)
{
	unsigned int i;

	for (i = 0; i < DIV_ROUND_UP(impl_ests, BENCH_CHAIN); i++)
		ip_vs_chain_estimation(&impl_chain[i]);
}
