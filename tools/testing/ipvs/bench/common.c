// SPDX-License-Identifier: GPL-2.0-or-later
/* The native benchmark, the kernel's side, the same for each implementation */
#include "impl.h"

static struct ip_vs_dest **bench_dest;
static unsigned int bench_ests;

/* An order that has nothing to do with that of memory, the same in each program */
static void bench_shuffle(struct ip_vs_dest **dest, unsigned int n)
{
	u64 seed = 0x9e3779b97f4a7c15ULL;
	unsigned int i, j;

	for (i = n; i > 1; i--) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		j = seed % i;
		swap(dest[i - 1], dest[j]);
	}
}

/* The estimators are those of servers, at the distances that servers have.  In a
 * table that has aged they stand in chains in another order than in memory.
 */
int bench_setup(unsigned int cpus, unsigned int ests, int aged)
{
	struct ip_vs_dest **order;
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
	order = bench_alloc(ests * sizeof(*order));
	for (i = 0; i < ests; i++) {
		bench_dest[i] = bench_alloc(sizeof(*bench_dest[i]));
		order[i] = bench_dest[i];
		ret = impl_init(&bench_dest[i]->stats);
		if (ret)
			return ret;
	}
	if (aged)
		bench_shuffle(order, ests);
	for (i = 0; i < ests; i++) {
		ret = impl_add(&order[i]->stats);
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

void bench_spread(void)
{
	unsigned int i;

	for (i = 0; i < bench_ests; i++)
		impl_spread(&bench_dest[i]->stats);
}

unsigned int bench_settle(void)
{
	return impl_settle();
}

/* In the order in which they were made, as users see them */
void bench_dump(void)
{
	struct ip_vs_kstats k;
	unsigned int i;

	for (i = 0; i < bench_ests; i++) {
		impl_copy(&bench_dest[i]->stats, &k);
		OPTIMIZER_HIDE_VAR(k.inpkts);
	}
}

void bench_read(unsigned int nr, unsigned long long *packets,
		unsigned long long *rate)
{
	impl_read(&bench_dest[nr]->stats, packets, rate);
}
