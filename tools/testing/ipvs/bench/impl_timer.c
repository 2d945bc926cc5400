// SPDX-License-Identifier: GPL-2.0-or-later
/* The peer that estimates in a timer: one list, walked by its function */
#include "impl.h"
#include "impl_cnt.h"
#include "impl_cpu.h"

static struct netns_ipvs *impl_net;

int impl_setup(unsigned int ests)
{
	impl_net = bench_alloc(sizeof(*impl_net));
	INIT_LIST_HEAD(&impl_net->est_list);
	spin_lock_init(&impl_net->est_lock);
	impl_net->sysctl_run_estimation = 1;
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
	return impl_init(&ipvs->tot_stats);
}

struct ip_vs_stats *impl_total(struct netns_ipvs *ipvs)
{
	return &ipvs->tot_stats;
}

int impl_add(struct ip_vs_stats *stats)
{
	ip_vs_start_estimator(impl_net, stats);
	return 0;
}

void impl_pass(void)
{
	estimation_timer(&impl_net->est_timer);
}
