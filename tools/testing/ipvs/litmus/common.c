// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs about the counters share: the machine, memory, what happened */

#include <linux/jiffies.h>
#include <net/ip_vs.h>
#include "../../../../net/netfilter/ipvs/ip_vs_est_impl.h"
#include "litmus.h"

struct sim sim;
unsigned long jiffies = 1000 * HZ;
struct cpumask sim_possible;
struct cpumask sim_online;
__thread unsigned int litmus_cpu;
struct ip_vs_est_net litmus_net = {
	.gen = IP_VS_EST_GEN_FIRST,
	.active = true,
};

bool litmus_enomem;
struct litmus_seen litmus_seen;

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", litmus_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void sim_might_sleep(void) { }
void sim_preempt(void) { }

void *sim_alloc(size_t n, size_t size, gfp_t gfp)
{
	/* Only passes do without waiting, and there is one thread for them */
	if (litmus_enomem && !(gfp & __GFP_DIRECT_RECLAIM) &&
	    litmus_seen.no_memory++ % 8)
		return NULL;
	size = ALIGN(n * size, SIM_CACHE_LINE);
	return memset(aligned_alloc(SIM_CACHE_LINE, size), 0, size);
}

void sim_free(void *p)
{
	free(p);
}

/* Without a library's, which would lock */
u32 litmus_rnd(u64 *state, u32 n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((*state >> 32) * n) >> 32;
}

void litmus_machine(unsigned int cpus, bool wide, unsigned int refresh)
{
	unsigned int i;

	sim.nr_cpus = cpus;
	/* The one before may have had more */
	bitmap_zero(sim_possible.bits, SIM_CPUS);
	for (i = 0; i < cpus; i++)
		__set_bit(i, sim_possible.bits);
	ip_vs_stats_setup();
	ip_vs_stats_wide |= wide;
	ip_vs_stats_refresh = refresh;
}

struct litmus_was litmus_before(const struct ip_vs_stats *stats)
{
	return (struct litmus_was){
		.settled = stats->settled,
		.hot = stats->hot,
		.seen = stats->seen,
		.cleared = stats->cleared,
	};
}

void litmus_after(const struct ip_vs_stats *stats, const struct litmus_was *was,
		  bool in_batch)
{
	litmus_seen.passes++;
	litmus_seen.together += in_batch;
	litmus_seen.refreshed += stats->cleared != was->cleared &&
				 stats->hot == was->hot;
	litmus_seen.settled += stats->settled && !was->settled;
	if (stats->settled)
		return;
	litmus_seen.thawed += was->settled && stats->hot != stats->seen;
	litmus_seen.cooled += !was->settled && (was->hot & ~stats->hot);
	litmus_seen.heated += !was->settled &&
			      (stats->hot & ~was->hot & was->seen);
}

void litmus_report(void)
{
	const struct litmus_seen *s = &litmus_seen;

	printf("%s: %lu passes, %lu of them in batches, %lu times zeroed\n",
	       litmus_name, s->passes, s->together, s->zeroed);
	printf("%s: settled %lu times, cooled %lu, heated %lu, thawed %lu\n",
	       litmus_name, s->settled, s->cooled, s->heated, s->thawed);
	printf("%s: looked for groups %lu times, no memory %lu times\n",
	       litmus_name, s->refreshed, s->no_memory);
	if (!s->together || !s->zeroed || !s->settled || !s->cooled ||
	    !s->heated || !s->thawed || !s->refreshed || !s->no_memory)
		sim_fail("something never happened");
	printf("%s: ok\n", litmus_name);
}
