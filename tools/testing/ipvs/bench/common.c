// SPDX-License-Identifier: GPL-2.0-or-later
/* The native benchmark, the kernel's side, the same for each implementation */
#include "impl.h"

static struct ip_vs_dest **bench_dest;
static unsigned int bench_ests;

/* The estimators are those of servers, at the distances that servers have */
int bench_setup(unsigned int cpus, unsigned int ests)
{
	unsigned int i;
	int ret;

	bench_cpus(cpus);
	ret = impl_setup(ests);
	if (ret)
		return ret;
	for (i = 0; i < cpus; i++) {
		bench_cpu(i);
		impl_setup_cpu(i);
	}

	bench_dest = bench_alloc(ests * sizeof(*bench_dest));
	for (i = 0; i < ests; i++) {
		bench_dest[i] = bench_alloc(sizeof(*bench_dest[i]));
		ret = impl_init(&bench_dest[i]->stats);
		if (!ret)
			ret = impl_add(&bench_dest[i]->stats);
		if (ret)
			return ret;
	}
	bench_ests = ests;
	return 0;
}

/* One packet for every step'th estimator on this CPU */
void bench_count(unsigned int step)
{
	unsigned int i;

	for (i = 0; i < bench_ests; i += step)
		impl_count(&bench_dest[i]->stats);
}

/* 2 s pass */
void bench_tick(void)
{
	jiffies += 2 * HZ;
}

void bench_pass(void)
{
	impl_pass();
}

void bench_forget(void)
{
	unsigned int i;

	for (i = 0; i < bench_ests; i++)
		impl_forget(&bench_dest[i]->stats);
}

void bench_read(unsigned int nr, unsigned long long *packets,
		unsigned long long *rate)
{
	impl_read(&bench_dest[nr]->stats, packets, rate);
}
