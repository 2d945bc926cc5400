// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS traffic counters: the groups of CPUs, and the sums of what they counted
 *
 * With more CPUs than a word has bits, a bit of stats->dirty stands for 2, 4,
 * 8... CPUs.  ip_vs_stats.c decides which are to be read; here it is done.
 */

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/prefetch.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* What was measured here was so by tools/testing/ipvs/bench, in November 2026
 * in a virtual machine on an AMD EPYC.
 *
 * From so many CPUs on, several objects are read together, and CPUs that fell
 * silent are read no more.  Measured for the former: with 16 the second look at
 * each object costs more than what is gained, with 32 it is about the same,
 * with 64 a quarter is gained.
 */
#define IP_VS_STATS_WIDE	32
/* Fewer objects than this are read one by one after all.  By choice: their
 * counters fill five lines.
 */
#define IP_VS_STATS_FEW		8
/* Counters that are so near, bytes, share lines or pages, so that reading them
 * CPU by CPU pays.  By choice: those of six objects.  Measured with chains in
 * the order of allocation, and with chains in no order, which are read faster
 * one by one.
 */
#define IP_VS_STATS_NEAR	256
/* CPUs that are read for each object in turn, while as many after them are
 * fetched: of 2, 4 and 8 this was measured to be the fastest
 */
#define IP_VS_STATS_BLOCK	4
/* Groups of CPUs whose counters are fetched ahead, at most.  By choice: about as
 * many lines as a processor asks for at a time.
 */
#define IP_VS_STATS_FETCH	8

DEFINE_PER_CPU(unsigned long, ip_vs_stats_group);

/* There are IP_VS_STATS_WIDE possible CPUs or more */
bool ip_vs_stats_wide __read_mostly;

/* Bits of stats->dirty that stand for any possible CPU, and how many */
unsigned long ip_vs_stats_groups __read_mostly;
unsigned int ip_vs_stats_ngroups __read_mostly;

/* No number below nr_cpu_ids is left out of the possible CPUs */
bool ip_vs_stats_dense __read_mostly;

/* A bit of stats->dirty stands for 2^shift CPUs */
static unsigned int ip_vs_stats_shift __read_mostly;

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
	ip_vs_stats_wide = cpus >= IP_VS_STATS_WIDE;
}

/* Written out, as ip_vs_counts_add() is, so that the sum of all CPUs is kept in
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

/**
 * ip_vs_stats_sum() - what the CPUs of some groups have counted
 * @stats: where
 * @groups: their bits of stats->dirty
 * @dst: filled in
 *
 * Context: any but a writer's own update.
 */
void ip_vs_stats_sum(const struct ip_vs_stats *stats, unsigned long groups,
		     struct ip_vs_counts *dst)
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
 * ip_vs_stats_prefetch() - fetch what the next sample of an object needs
 * @stats: where
 *
 * Its own lines, and the counters of the first CPU of each group that has its
 * bit, which need not be a possible one: a prefetch does not fault.  Counters
 * of all CPUs are left to ip_vs_stats_sum_all(), for several objects together.
 *
 * Context: RCU read side.
 */
void ip_vs_stats_prefetch(const struct ip_vs_stats *stats)
{
	unsigned long groups = atomic_long_read(&stats->dirty);
	unsigned int n;

	prefetch(&stats->est.base);
	prefetch(&stats->seen);
	if (groups == ip_vs_stats_groups)
		return;
	for (n = 0; groups && n < IP_VS_STATS_FETCH; n++) {
		prefetch(per_cpu_ptr(stats->cpustats,
				     __ffs(groups) << ip_vs_stats_shift));
		groups &= groups - 1;
	}
}

/* The sum is in registers meanwhile, and what comes next is prefetched */
static __always_inline void ip_vs_stats_add_block(const struct ip_vs_stats *stats,
						  unsigned int from,
						  unsigned int end,
						  struct ip_vs_counts *sum)
{
	struct ip_vs_counts all = *sum;
	unsigned int cpu, next;

	for (cpu = from; cpu < end; cpu++) {
		next = min(cpu + IP_VS_STATS_BLOCK, nr_cpu_ids - 1);
		prefetch(per_cpu_ptr(stats->cpustats, next));
		ip_vs_stats_add_cpu(stats, cpu, &all);
	}
	*sum = all;
}

/* Were most of them allocated one after the other? */
static bool ip_vs_stats_neighbours(struct ip_vs_stats *const *stats,
				   unsigned int n)
{
	unsigned int i, near = 0;
	unsigned long this, last;

	last = (__force unsigned long)stats[0]->cpustats;
	for (i = 1; i < n; i++) {
		this = (__force unsigned long)stats[i]->cpustats;
		near += this - last + IP_VS_STATS_NEAR < 2 * IP_VS_STATS_NEAR;
		last = this;
	}
	return 2 * near >= n;
}

/**
 * ip_vs_stats_sum_all() - what all CPUs have counted, for several objects
 * @stats: the objects
 * @n: how many
 * @sum: filled in for each
 *
 * A few CPUs at a time: the counters that a CPU has for objects which were
 * allocated one after the other are neighbours.  Read object by object, a cache
 * line would be gone before the second half of it is asked for, because the
 * counters of all CPUs for one object are at the same place of a page, and the
 * sets of a cache are chosen by that: a few ways have to do for all CPUs.
 *
 * Context: RCU read side.  Only if ip_vs_stats_dense.
 */
void ip_vs_stats_sum_all(struct ip_vs_stats *const *stats, unsigned int n,
			 struct ip_vs_counts *sum)
{
	unsigned int from, end, i;

	if (n < IP_VS_STATS_FEW || !ip_vs_stats_neighbours(stats, n)) {
		for (i = 0; i < n; i++)
			ip_vs_stats_sum(stats[i], ip_vs_stats_groups, &sum[i]);
		return;
	}
	memset(sum, 0, n * sizeof(*sum));
	for (from = 0; from < nr_cpu_ids; from = end) {
		end = min(from + IP_VS_STATS_BLOCK, nr_cpu_ids);
		for (i = 0; i < n; i++)
			ip_vs_stats_add_block(stats[i], from, end, &sum[i]);
	}
}
