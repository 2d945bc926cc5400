// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS counters
 *
 * Specified here: that counters are exact, whichever CPU has counted and
 * whatever the estimator does.
 */

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

struct ip_vs_est_net ip_vs_stats_test_net;

/**
 * ip_vs_stats_test_suite_init() - what the module's init sets up for counters
 * @suite: the suite
 *
 * Tests in a module run before its init.
 *
 * Return: 0.
 */
int ip_vs_stats_test_suite_init(struct kunit_suite *suite)
{
	ip_vs_stats_setup();
	return 0;
}

/**
 * ip_vs_stats_test_init() - make an object of no service
 * @test: the test; its priv becomes a struct ip_vs_stats
 *
 * Return: 0 or -ENOMEM.
 */
int ip_vs_stats_test_init(struct kunit *test)
{
	memset(&ip_vs_stats_test_net, 0, sizeof(ip_vs_stats_test_net));
	ip_vs_stats_test_net.gen = IP_VS_EST_GEN_FIRST;
	ip_vs_stats_test_net.active = true;
	test->priv = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/**
 * ip_vs_stats_test_exit() - undo ip_vs_stats_test_init()
 * @test: the test
 */
void ip_vs_stats_test_exit(struct kunit *test)
{
	if (test->priv)
		ip_vs_stats_destroy(test->priv);
}

/**
 * ip_vs_stats_test_count() - count on one CPU, by hand
 * @stats: where
 * @cpu: a possible CPU
 * @c: what
 * @n: how many
 */
void ip_vs_stats_test_count(struct ip_vs_stats *stats, unsigned int cpu,
			    enum ip_vs_count c, u64 n)
{
	u64_stats_t *cnt = &per_cpu_ptr(stats->cpustats, cpu)->cnt[c];

	u64_stats_set(cnt, u64_stats_read(cnt) + n);
	atomic_long_or(per_cpu(ip_vs_stats_group, cpu), &stats->dirty);
}

/**
 * ip_vs_stats_test_walked() - a pass in a walk
 * @stats: the estimator's
 * @walked: when its chain was walked before, jiffies
 *
 * Return: its result.
 */
enum ip_vs_est_result ip_vs_stats_test_walked(struct ip_vs_stats *stats,
					      u64 walked)
{
	struct ip_vs_est_walk walk = {
		.gen = ip_vs_stats_test_net.gen,
		.walked = walked,
	};
	unsigned int result = 0;

	rcu_read_lock();
	ip_vs_est_pass(stats, &walk, NULL);
	rcu_read_unlock();
	while (result < IP_VS_EST_NRESULTS && !walk.results[result])
		result++;
	return result;
}

/**
 * ip_vs_stats_test_pass() - a pass in the first walk of a chain
 * @stats: the estimator's
 *
 * Return: its result.
 */
enum ip_vs_est_result ip_vs_stats_test_pass(struct ip_vs_stats *stats)
{
	return ip_vs_stats_test_walked(stats, 0);
}

/**
 * ip_vs_stats_test_cpu() - some CPU
 *
 * Return: a possible CPU.
 */
unsigned int ip_vs_stats_test_cpu(void)
{
	return cpumask_first(cpu_possible_mask);
}

/* Counters */

static void counters_test_new(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;

	memset(&k, 0xff, sizeof(k));
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 0);
	KUNIT_EXPECT_EQ(test, k.inpkts, 0);
	KUNIT_EXPECT_EQ(test, k.outpkts, 0);
	KUNIT_EXPECT_EQ(test, k.inbytes, 0);
	KUNIT_EXPECT_EQ(test, k.outbytes, 0);
	KUNIT_EXPECT_EQ(test, k.cps, 0);
	KUNIT_EXPECT_EQ(test, k.inpps, 0);
	KUNIT_EXPECT_EQ(test, k.outpps, 0);
	KUNIT_EXPECT_EQ(test, k.inbps, 0);
	KUNIT_EXPECT_EQ(test, k.outbps, 0);
	KUNIT_EXPECT_PTR_EQ(test, stats->est.ctx, NULL);
	KUNIT_EXPECT_TRUE(test, list_empty(&stats->pending));
}

/* Each possible CPU counts, even one that never was online */
static void counters_test_all_cpus(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int cpu, c, cpus = 0;
	struct ip_vs_counts one;
	struct ip_vs_kstats k;

	for_each_possible_cpu(cpu) {
		for (c = 0; c < IP_VS_NCOUNTS; c++)
			ip_vs_stats_test_count(stats, cpu, c, (c + 1) << cpus);
		cpus++;
	}
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 1 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.inpkts, 2 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.outpkts, 3 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.inbytes, 4 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.outbytes, 5 * ((1ULL << cpus) - 1));

	ip_vs_stats_read_cpu(stats, ip_vs_stats_test_cpu(), &one);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		KUNIT_EXPECT_EQ(test, one.v[c], c + 1);
}

#define COUNTERS_TEST_ROUNDS	5000

/* The lower half of a sum of these wraps at 3 of 4 packets, and a 32-bit
 * reader that sees one half before and the other after that is off by 2^32.
 */
#define COUNTERS_TEST_LEN	(3U << 30)

/* A server, a service and the total */
#define COUNTERS_TEST_OBJECTS	3

struct counters_test_work {
	struct work_struct	work;
	struct ip_vs_stats	**stats;
	atomic_t		*running;
};

/* What the packet path does */
static void counters_test_traffic(struct work_struct *work)
{
	unsigned int i, len = COUNTERS_TEST_LEN;
	struct counters_test_work *w;
	struct ip_vs_stats **s;

	w = container_of(work, struct counters_test_work, work);
	s = w->stats;
	for (i = 0; i < COUNTERS_TEST_ROUNDS; i++) {
		rcu_read_lock();
		if (i % 10 == 0)
			ip_vs_stats_conn(s[0], s[1], s[2]);
		ip_vs_stats_in(s[0], s[1], s[2], 60);
		/* Not as a constant, which the add of x86 would not take */
		OPTIMIZER_HIDE_VAR(len);
		ip_vs_stats_out(s[0], s[1], s[2], len);
		rcu_read_unlock();
	}
	atomic_dec(w->running);
}

/* Passes meanwhile: dirty is cleared all the time.  Every other pass reads at
 * once, or as one of several.
 */
static void counters_test_passes(struct ip_vs_stats *stats, unsigned int i,
				 struct ip_vs_est_batch *batch)
{
	struct ip_vs_est_walk walk = { .gen = ip_vs_stats_test_net.gen };

	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	walk.walked = stats->est.stamp;
	rcu_read_lock();
	ip_vs_est_pass(stats, &walk, i % 2 ? batch : NULL);
	ip_vs_est_pass_batch(batch, &walk);
	rcu_read_unlock();
}

static void counters_test_exact(struct kunit *test, struct ip_vs_stats *stats,
				unsigned int cpus)
{
	struct ip_vs_kstats k;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		stats->est.stamp -= IP_VS_EST_PERIOD;
		ip_vs_stats_test_pass(stats);
		synchronize_rcu();
	}
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, cpus * COUNTERS_TEST_ROUNDS / 10);
	KUNIT_EXPECT_EQ(test, k.inpkts, cpus * COUNTERS_TEST_ROUNDS);
	KUNIT_EXPECT_EQ(test, k.outpkts, cpus * COUNTERS_TEST_ROUNDS);
	KUNIT_EXPECT_EQ(test, k.inbytes, cpus * COUNTERS_TEST_ROUNDS * 60ULL);
	KUNIT_EXPECT_EQ(test, k.outbytes,
			cpus * COUNTERS_TEST_ROUNDS * (u64)COUNTERS_TEST_LEN);
}

static unsigned int counters_test_begin(struct counters_test_work *works,
					struct ip_vs_stats **stats,
					atomic_t *running)
{
	unsigned int cpu, n = 0;

	atomic_set(running, num_online_cpus());
	for_each_online_cpu(cpu) {
		works[n].stats = stats;
		works[n].running = running;
		INIT_WORK(&works[n].work, counters_test_traffic);
		schedule_work_on(cpu, &works[n].work);
		n++;
	}
	return n;
}

/* While they count; did a counter ever fall? */
static bool counters_test_watch(struct ip_vs_stats **stats,
				struct ip_vs_est_batch *batch,
				atomic_t *running)
{
	struct ip_vs_kstats k, last[COUNTERS_TEST_OBJECTS] = {};
	bool backwards = false;
	unsigned int i, o;

	for (i = 0; atomic_read(running); i++) {
		o = i / 2 % COUNTERS_TEST_OBJECTS;
		counters_test_passes(stats[o], i, batch);
		ip_vs_copy_stats(&k, stats[o]);
		backwards |= k.inpkts < last[o].inpkts ||
			     k.outbytes < last[o].outbytes;
		last[o] = k;
		cond_resched();
	}
	return backwards;
}

/* All CPUs count at the same time, and somebody reads meanwhile */
static void counters_test_concurrent(struct kunit *test)
{
	struct ip_vs_stats *stats[COUNTERS_TEST_OBJECTS] = { test->priv };
	unsigned int refresh = ip_vs_stats_refresh, n, i;
	struct counters_test_work *works;
	struct ip_vs_est_batch *batch;
	bool backwards, created;
	atomic_t running;

	works = kunit_kcalloc(test, nr_cpu_ids, sizeof(*works), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, works);
	batch = kunit_kzalloc(test, sizeof(*batch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, batch);
	stats[1] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	stats[2] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	created = stats[1] && stats[2];

	if (created) {
		ip_vs_stats_refresh = 2;
		cpus_read_lock();
		n = counters_test_begin(works, stats, &running);
		backwards = counters_test_watch(stats, batch, &running);
		for (i = 0; i < n; i++)
			flush_work(&works[i].work);
		cpus_read_unlock();
		ip_vs_stats_refresh = refresh;

		KUNIT_EXPECT_FALSE(test, backwards);
		for (i = 0; i < COUNTERS_TEST_OBJECTS; i++)
			counters_test_exact(test, stats[i], n);
	}
	for (i = 1; i < COUNTERS_TEST_OBJECTS; i++) {
		if (stats[i])
			ip_vs_stats_destroy(stats[i]);
	}
	KUNIT_EXPECT_TRUE(test, created);
}

/* Users of 32 bits see the counter modulo 2^32, users of 64 bits all of it */
static void counters_test_beyond_32_bits(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, U32_MAX);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 11);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, (1ULL << 32) + 10);
	KUNIT_EXPECT_EQ(test, (u32)k.inpkts, 10);
}

/* Zeroing hides what was counted, and stops nothing */
static void counters_test_zero(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int cpu = ip_vs_stats_test_cpu();
	struct ip_vs_counts one;
	struct ip_vs_kstats k;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, U64_MAX);
	ip_vs_stats_test_count(stats, cpu, IP_VS_INBYTES, 1000000);
	stats->est.avg[IP_VS_INBYTES] = 1000 * IP_VS_TEST_BYTE;

	ip_vs_zero_stats(stats);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 0);
	KUNIT_EXPECT_EQ(test, k.inbytes, 0);
	KUNIT_EXPECT_EQ(test, k.inbps, 0);

	/* Across the end of 64 bits, too */
	ip_vs_stats_test_count(stats, cpu, IP_VS_CONNS, 5);
	ip_vs_stats_test_count(stats, cpu, IP_VS_INBYTES, 7);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 5);
	KUNIT_EXPECT_EQ(test, k.inbytes, 7);
	ip_vs_stats_read_cpu(stats, cpu, &one);
	KUNIT_EXPECT_EQ(test, one.v[IP_VS_CONNS], 4);
	KUNIT_EXPECT_EQ(test, one.v[IP_VS_INBYTES], 1000007);
}

/* Passes change rates, never counters */
static void counters_test_exact_under_passes(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;
	unsigned int i;

	ip_vs_est_begin(stats);
	for (i = 1; i <= 20; i++) {
		ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_OUTPKTS, 3);
		stats->est.stamp -= IP_VS_EST_PERIOD;
		KUNIT_EXPECT_GE(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
		ip_vs_copy_stats(&k, stats);
		KUNIT_EXPECT_EQ(test, k.outpkts, 3 * i);
	}
}

static struct kunit_case counters_test_cases[] = {
	KUNIT_CASE(counters_test_new),
	KUNIT_CASE(counters_test_all_cpus),
	KUNIT_CASE(counters_test_concurrent),
	KUNIT_CASE(counters_test_beyond_32_bits),
	KUNIT_CASE(counters_test_zero),
	KUNIT_CASE(counters_test_exact_under_passes),
	{}
};

static struct kunit_suite counters_test_suite = {
	.name = "ipvs-counters",
	.suite_init = ip_vs_stats_test_suite_init,
	.init = ip_vs_stats_test_init,
	.exit = ip_vs_stats_test_exit,
	.test_cases = counters_test_cases,
};

kunit_test_suite(counters_test_suite);
