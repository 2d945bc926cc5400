// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimators without traffic
 *
 * Specified here: when an object is settled, so that its counters need not be
 * read; and what is due to the time of quiet when packets come again.
 */

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* The bits are enough for all CPUs, and evenly shared */
static void quiet_test_groups(struct kunit *test)
{
	unsigned int cpu, shift = 0;

	while ((nr_cpu_ids - 1) >> shift >= BITS_PER_LONG)
		shift++;
	for_each_possible_cpu(cpu)
		KUNIT_EXPECT_EQ(test, per_cpu(ip_vs_stats_group, cpu),
				BIT(cpu >> shift));
}

/* Nothing was ever counted: quiet after the first pass that is due */
static void quiet_test_new(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;

	ip_vs_est_begin(stats);
	stats->est.stamp -= IP_VS_EST_PERIOD;
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_IDLE);

	/* A generation later it takes its counters as base, once */
	ip_vs_stats_test_net.gen++;
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_IDLE);

	ip_vs_est_begin(stats);
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
}

static enum ip_vs_est_result quiet_test_due(struct ip_vs_stats *stats)
{
	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	return ip_vs_stats_test_pass(stats);
}

/* A grace period that began after @stats was cleared has ended.  One is enough,
 * but a cookie may want a second when the first was not the usual kind, as
 * while the kernel boots.
 */
static void quiet_test_wait(const struct ip_vs_stats *stats)
{
	unsigned int i;

	for (i = 0; i < 10 && !poll_state_synchronize_rcu(stats->cleared); i++)
		synchronize_rcu();
}

/* A pass in a read-side section that began before @stats was cleared: so no
 * grace period has ended since
 */
static enum ip_vs_est_result quiet_test_in_section(struct ip_vs_stats *stats)
{
	enum ip_vs_est_result result;

	rcu_read_lock();
	stats->cleared = get_state_synchronize_rcu();
	result = quiet_test_due(stats);
	rcu_read_unlock();
	return result;
}

/* From a packet until nothing is to be done: sums until a grace period has
 * ended, then samples without reading, until the averages are 0
 */
static void quiet_test_settles(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int i, passes = 0;
	enum ip_vs_est_result result;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_CONNS, 9);
	KUNIT_EXPECT_GE(test, quiet_test_due(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->dirty), 0);
	KUNIT_EXPECT_FALSE(test, stats->settled);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_GE(test, quiet_test_in_section(stats),
				IP_VS_EST_READ);
		KUNIT_EXPECT_FALSE(test, stats->settled);
	}
	quiet_test_wait(stats);
	KUNIT_EXPECT_GE(test, quiet_test_due(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_TRUE(test, stats->settled);

	do {
		result = quiet_test_due(stats);
		KUNIT_EXPECT_TRUE(test, result == IP_VS_EST_FOLDED ||
				  result == IP_VS_EST_IDLE);
	} while (result != IP_VS_EST_IDLE && passes++ < 100);
	KUNIT_EXPECT_EQ(test, result, IP_VS_EST_IDLE);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_CONNS], 0);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_CONNS], 9);
}

/* Add to a counter without telling: only who reads it knows */
static void quiet_test_hide(struct ip_vs_stats *stats, unsigned int cpu)
{
	u64_stats_t *cnt = &per_cpu_ptr(stats->cpustats, cpu)->cnt[IP_VS_CONNS];

	u64_stats_set(cnt, u64_stats_read(cnt) + 1000);
}

/* CPUs that never counted are not read, and none when all is settled: neither
 * by passes nor by readers
 */
static void quiet_test_reads_no_more(struct kunit *test)
{
	unsigned int last = cpumask_last(cpu_possible_mask);
	unsigned int cpu = ip_vs_stats_test_cpu();
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;

	if (per_cpu(ip_vs_stats_group, cpu) == per_cpu(ip_vs_stats_group, last))
		kunit_skip(test, "all CPUs share a bit");

	ip_vs_est_begin(stats);
	quiet_test_hide(stats, last);
	ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, 9);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 9);
	KUNIT_EXPECT_EQ(test, quiet_test_due(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_CONNS], 9);

	quiet_test_wait(stats);
	KUNIT_EXPECT_EQ(test, quiet_test_due(stats), IP_VS_EST_READ);
	quiet_test_hide(stats, cpu);
	KUNIT_EXPECT_EQ(test, quiet_test_due(stats), IP_VS_EST_FOLDED);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 9);
}

/* A packet has found its bit set, and is held up before it counts, while
 * passes clear the bit and find no other: not before a grace period, which
 * waits for it, do they believe that there is nothing
 */
static void quiet_test_held_up(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int cpu = ip_vs_stats_test_cpu();
	struct ip_vs_cpu_stats *s = per_cpu_ptr(stats->cpustats, cpu);
	struct ip_vs_kstats k;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, cpu, IP_VS_INPKTS, 1);
	KUNIT_EXPECT_GE(test, quiet_test_due(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_GE(test, quiet_test_in_section(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_GE(test, quiet_test_in_section(stats), IP_VS_EST_READ);

	/* Now it counts, and leaves its section */
	u64_stats_set(&s->cnt[IP_VS_INPKTS], 2);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, 2);
	quiet_test_wait(stats);
	KUNIT_EXPECT_GE(test, quiet_test_due(stats), IP_VS_EST_READ);
	KUNIT_EXPECT_TRUE(test, stats->settled);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, 2);
}

/* Settled, with averages 0, and the last sample an hour ago */
static void quiet_test_make(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;

	ip_vs_est_begin(stats);
	KUNIT_EXPECT_EQ(test, quiet_test_due(stats), IP_VS_EST_FOLDED);
	KUNIT_EXPECT_NE(test, stats->est.quiet, 0);
	stats->est.stamp = get_jiffies_64() - 3600 * HZ;
}

/* Packets after an hour of quiet came in the time since the last walk */
static void quiet_test_wakes(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	u64 walked;
	s64 want;

	quiet_test_make(test);
	walked = get_jiffies_64() - 2 * HZ;
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_walked(stats, walked),
			IP_VS_EST_IDLE);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS,
			       6000);
	KUNIT_EXPECT_GE(test, ip_vs_stats_test_walked(stats, walked),
			IP_VS_EST_READ);
	want = div64_u64(6000ULL * HZ * IP_VS_TEST_PACKET,
			 stats->est.stamp - walked) / 4;
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
	KUNIT_EXPECT_EQ(test, stats->est.quiet, 0);
}

/* Too early for a sample: the next one begins where this one would have */
static void quiet_test_wakes_early(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	enum ip_vs_est_result result;
	u64 walked;

	/* Again if this CPU was away for a second just then */
	do {
		atomic_long_set(&stats->dirty, 0);
		quiet_test_make(test);
		ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(),
				       IP_VS_INPKTS, 1);
		walked = get_jiffies_64();
		result = ip_vs_stats_test_walked(stats, walked);
	} while (get_jiffies_64() - walked >= HZ);
	KUNIT_EXPECT_EQ(test, result, IP_VS_EST_EARLY);
	KUNIT_EXPECT_EQ(test, stats->est.stamp, walked);
	KUNIT_EXPECT_EQ(test, stats->est.quiet, 0);
	KUNIT_EXPECT_NE(test, atomic_long_read(&stats->dirty), 0);
}

/* Who moves takes along since when there was nothing, and is not quiet in the
 * new chain, whose walks it has missed
 */
static void quiet_test_moves(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned long walked;

	quiet_test_make(test);
	walked = jiffies - 2 * HZ;
	ip_vs_est_leave(stats, walked);
	KUNIT_EXPECT_EQ(test, (unsigned long)stats->est.stamp, walked);
	KUNIT_EXPECT_EQ(test, stats->est.quiet, 0);

	/* A walker was still at it */
	KUNIT_EXPECT_EQ(test, quiet_test_due(stats), IP_VS_EST_FOLDED);
	KUNIT_EXPECT_NE(test, stats->est.quiet, 0);
	ip_vs_est_enter(stats);
	KUNIT_EXPECT_EQ(test, stats->est.quiet, 0);

	/* The time of one that is not quiet stays */
	stats->est.stamp = 12345;
	ip_vs_est_leave(stats, jiffies);
	KUNIT_EXPECT_EQ(test, stats->est.stamp, 12345);
}

/* Zeroing and reading what is settled, with packets before and after */
static void quiet_test_zero(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int i, cpu = ip_vs_stats_test_cpu();
	struct ip_vs_kstats k;

	ip_vs_est_begin(stats);
	for (i = 1; i <= 3; i++) {
		ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, 7);
		ip_vs_copy_stats(&k, stats);
		KUNIT_EXPECT_EQ(test, k.conns, 7);
		quiet_test_due(stats);
		quiet_test_wait(stats);
		quiet_test_due(stats);
		KUNIT_EXPECT_TRUE(test, stats->settled);

		ip_vs_copy_stats(&k, stats);
		KUNIT_EXPECT_EQ(test, k.conns, 7);
		ip_vs_zero_stats(stats);
		KUNIT_EXPECT_TRUE(test, stats->settled);
		KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_CONNS], 7 * i);
		ip_vs_copy_stats(&k, stats);
		KUNIT_EXPECT_EQ(test, k.conns, 0);
	}
	/* With a bit that no pass has taken, too */
	ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, 5);
	ip_vs_zero_stats(stats);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 0);
	ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, 6);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 6);
}

static struct kunit_case quiet_test_cases[] = {
	KUNIT_CASE(quiet_test_groups),
	KUNIT_CASE(quiet_test_new),
	KUNIT_CASE(quiet_test_settles),
	KUNIT_CASE(quiet_test_reads_no_more),
	KUNIT_CASE(quiet_test_held_up),
	KUNIT_CASE(quiet_test_wakes),
	KUNIT_CASE(quiet_test_wakes_early),
	KUNIT_CASE(quiet_test_moves),
	KUNIT_CASE(quiet_test_zero),
	{}
};

static struct kunit_suite quiet_test_suite = {
	.name = "ipvs-quiet",
	.suite_init = ip_vs_stats_test_suite_init,
	.init = ip_vs_stats_test_init,
	.exit = ip_vs_stats_test_exit,
	.test_cases = quiet_test_cases,
};

kunit_test_suite(quiet_test_suite);
