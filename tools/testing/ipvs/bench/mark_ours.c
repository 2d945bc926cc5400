// SPDX-License-Identifier: GPL-2.0-or-later
/* What passes and readers do to the objects of packets, for mark.c
 *
 * The objects are those of packet.c: a server's, its service's and the total.
 */
#include "impl.h"
#include "ip_vs_est_impl.h"

#define OBJECTS		3

static struct ip_vs_stats *mark_stats[OBJECTS];
static struct ip_vs_stats *mark_other[OBJECTS];
/* Objects of their own that have the counters of the packets' */
static struct ip_vs_stats *mark_twin[OBJECTS];

static int mark_object(struct ip_vs_stats **stats)
{
	int ret;

	*stats = bench_alloc(sizeof(struct ip_vs_dest));
	ret = impl_init(*stats);
	if (!ret)
		ip_vs_est_begin(*stats);
	return ret;
}

/* After bench_packet_setup() */
int bench_mark_setup(void)
{
	unsigned int i;
	int ret;

	/* The counters of the others are not in the same lines, nor in the next */
	if (!__alloc_percpu(PAGE_SIZE, PAGE_SIZE))
		return -ENOMEM;
	for (i = 0; i < OBJECTS; i++) {
		mark_stats[i] = bench_packet_object(i);
		ret = impl_add(mark_stats[i]);
		if (!ret)
			ret = mark_object(&mark_other[i]);
		if (!ret)
			ret = mark_object(&mark_twin[i]);
		if (ret)
			return ret;
		mark_twin[i]->cpustats = mark_stats[i]->cpustats;
	}
	return 0;
}

static void mark_pass(struct ip_vs_stats *stats)
{
	struct ip_vs_est_walk walk = {
		.gen = stats->net->gen,
	};

	ip_vs_est_pass(stats, &walk, NULL);
}

/* What a pass does to them */
void bench_mark_now(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		mark_pass(mark_stats[i]);
}

/* To objects that are active, as far as the pass can tell */
static void mark_pass_active(struct ip_vs_stats *stats)
{
	if (!atomic_long_read(&stats->dirty))
		atomic_long_or(1, &stats->dirty);
	mark_pass(stats);
}

/* And that nobody else touches: what the other processor's work costs this one in
 * any case.
 */
void bench_mark_elsewhere(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		mark_pass_active(mark_other[i]);
}

/* What every estimator does: it reads what has been counted, on the CPU that has, when
 * a pass comes to it.  All is as in a pass over the packets' objects, but that packets
 * touch nothing of these except for the counters.
 */
void bench_mark_counters(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		mark_pass_active(mark_twin[i]);
}

/* What passes did when each of them cleared dirty, so that packets had to tell
 * again.  That is what is compared; the rest is as it is now, and quiet was written
 * as well.
 */
void bench_mark_previous(void)
{
	struct ip_vs_counts now;
	struct ip_vs_stats *stats;
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		stats = mark_stats[i];
		spin_lock(&stats->lock);
		stats->settled = false;
		stats->seen |= atomic_long_xchg(&stats->dirty, 0);
		stats->hot = stats->seen;
		ip_vs_stats_sum(stats, stats->seen, &now);
		ip_vs_est_fold(&stats->est, &now, 2 * HZ);
		stats->est.stamp = get_jiffies_64();
		WRITE_ONCE(stats->est.quiet, 0);
		spin_unlock(&stats->lock);
	}
}

void bench_mark_read(void)
{
	struct ip_vs_kstats k;
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		ip_vs_copy_stats(&k, mark_stats[i]);
}

/* What readers see of all three, packets from clients */
unsigned long long bench_mark_packets(void)
{
	struct ip_vs_kstats k;
	u64 packets = 0;
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		ip_vs_copy_stats(&k, mark_stats[i]);
		packets += k.inpkts;
	}
	return packets;
}

/* How many atomic operations packets have done while each CPU has counted some in
 * each of so many periods, with a pass after each
 */
unsigned long bench_atomics(unsigned int cpus, unsigned int periods)
{
	unsigned long atomics = 0, before[OBJECTS];
	unsigned int period, cpu, n, i;

	for (period = 0; period < periods; period++) {
		for (cpu = 0; cpu < cpus; cpu++) {
			bench_cpu(cpu);
			for (n = 0; n < 4; n++) {
				for (i = 0; i < OBJECTS; i++)
					before[i] = atomic_long_read(&mark_stats[i]->dirty);
				bench_packet_in();
				for (i = 0; i < OBJECTS; i++)
					atomics += before[i] !=
						   atomic_long_read(&mark_stats[i]->dirty);
			}
		}
		bench_cpu(0);
		bench_tick();
		impl_pass();
	}
	return atomics;
}
