// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimators whose counters are read together
 *
 * Specified here: that a sample taken so is the one that would be taken at
 * once, and that whatever happens to an estimator between the two looks at it
 * leaves no sample that is older than the last one.
 */

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/string.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* A batch that is full once, and another one of which a part is used */
#define BATCH_TEST_MANY		(IP_VS_EST_READ_BATCH + 9)

struct batch_test {
	struct ip_vs_est_walk	walk;
	struct ip_vs_est_batch	batch;
	struct ip_vs_stats	*stats[BATCH_TEST_MANY];
	struct ip_vs_stats	*twin[BATCH_TEST_MANY];
};

static int batch_test_init(struct kunit *test)
{
	struct batch_test *t;
	unsigned int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	test->priv = t;
	t->walk.gen = ip_vs_stats_test_net.gen;
	t->walk.walked = get_jiffies_64();
	for (i = 0; i < BATCH_TEST_MANY; i++) {
		t->stats[i] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
		t->twin[i] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
		if (!t->stats[i] || !t->twin[i])
			return -ENOMEM;
		ip_vs_est_begin(t->stats[i]);
		ip_vs_est_begin(t->twin[i]);
	}
	return 0;
}

/* Also after an init that has failed */
static void batch_test_exit(struct kunit *test)
{
	struct batch_test *t = test->priv;
	unsigned int i;

	for (i = 0; t && i < BATCH_TEST_MANY; i++) {
		if (t->stats[i])
			ip_vs_stats_destroy(t->stats[i]);
		if (t->twin[i])
			ip_vs_stats_destroy(t->twin[i]);
	}
}

/* All CPUs count, each something else, and a sample is due */
static void batch_test_count(struct ip_vs_stats *stats, unsigned int nr)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		ip_vs_stats_test_count(stats, cpu, IP_VS_INPKTS, 1000 + nr);
		ip_vs_stats_test_count(stats, cpu, nr % IP_VS_NCOUNTS, cpu);
	}
	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
}

static void batch_test_pass(struct batch_test *t, struct ip_vs_stats *stats)
{
	rcu_read_lock();
	ip_vs_est_pass(stats, &t->walk, &t->batch);
	rcu_read_unlock();
}

static void batch_test_flush(struct batch_test *t)
{
	rcu_read_lock();
	ip_vs_est_pass_batch(&t->batch, &t->walk);
	rcu_read_unlock();
}

/* The first object is counted for and taken in.  Returns it. */
static struct ip_vs_stats *batch_test_take(struct kunit *test)
{
	struct batch_test *t = test->priv;

	batch_test_count(t->stats[0], 0);
	batch_test_pass(t, t->stats[0]);
	KUNIT_ASSERT_EQ(test, t->batch.n, 1);
	KUNIT_EXPECT_PTR_EQ(test, t->batch.stats[0], t->stats[0]);
	KUNIT_EXPECT_FALSE(test, t->stats[0]->settled);
	/* The first sample clears the bits, whoever reads the counters */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&t->stats[0]->dirty), 0);
	return t->stats[0];
}

/* As when each is sampled at once, in batches of all sizes */
static void batch_test_same(struct kunit *test)
{
	struct batch_test *t = test->priv;
	struct ip_vs_estimator *a, *b;
	unsigned int i;

	for (i = 0; i < BATCH_TEST_MANY; i++) {
		batch_test_count(t->stats[i], i);
		batch_test_pass(t, t->stats[i]);
		KUNIT_EXPECT_EQ(test, t->batch.n,
				(i + 1) % IP_VS_EST_READ_BATCH);
		batch_test_count(t->twin[i], i);
		ip_vs_stats_test_pass(t->twin[i]);
	}
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_READ_ALL],
			IP_VS_EST_READ_BATCH);
	batch_test_flush(t);
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_READ_ALL],
			BATCH_TEST_MANY);
	KUNIT_EXPECT_EQ(test, t->batch.n, 0);

	for (i = 0; i < BATCH_TEST_MANY; i++) {
		a = &t->stats[i]->est;
		b = &t->twin[i]->est;
		KUNIT_EXPECT_EQ(test, memcmp(&a->base, &b->base,
					     sizeof(a->base)), 0);
		KUNIT_EXPECT_GE(test, a->base.v[IP_VS_INPKTS], 1000 + i);
		/* The stamps may be a tick apart, and so the rates */
		KUNIT_EXPECT_GT(test, a->avg[IP_VS_INPKTS],
				b->avg[IP_VS_INPKTS] / 2);
		KUNIT_EXPECT_LT(test, a->avg[IP_VS_INPKTS],
				b->avg[IP_VS_INPKTS] * 2);
		KUNIT_EXPECT_GE(test, a->stamp, t->walk.walked);
	}
}

/* Zeroed after it was taken in: no rate from before */
static void batch_test_zeroed(struct kunit *test)
{
	struct ip_vs_stats *stats = batch_test_take(test);
	struct batch_test *t = test->priv;
	struct ip_vs_kstats k;

	ip_vs_zero_stats(stats);
	batch_test_flush(t);
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_EARLY], 1);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], 0);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, 0);
	KUNIT_EXPECT_EQ(test, k.inpps, 0);
}

/* Another walker has sampled it, with more in its counters */
static void batch_test_sampled(struct kunit *test)
{
	struct ip_vs_stats *stats = batch_test_take(test);
	struct batch_test *t = test->priv;
	struct ip_vs_estimator after;

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 50);
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_READ_ALL);
	after = stats->est;
	batch_test_flush(t);
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_EARLY], 1);
	KUNIT_EXPECT_EQ(test, memcmp(&after, &stats->est, sizeof(after)), 0);
}

/* Started anew, or in a new generation: a base comes first */
static void batch_test_anew(struct kunit *test)
{
	struct ip_vs_stats *stats = batch_test_take(test);
	struct batch_test *t = test->priv;
	u64 stamp = stats->est.stamp;

	ip_vs_est_begin(stats);
	batch_test_flush(t);
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_EARLY], 1);
	KUNIT_EXPECT_EQ(test, stats->est.stamp, stamp);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], 0);

	/* It is not taken in to find its base */
	batch_test_count(stats, 0);
	batch_test_pass(t, stats);
	KUNIT_EXPECT_EQ(test, t->batch.n, 0);
	KUNIT_EXPECT_EQ(test, stats->est.gen, t->walk.gen);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], 0);
}

/* What comes meanwhile is not lost, nor is the object said to be settled */
static void batch_test_counted(struct kunit *test)
{
	struct ip_vs_stats *stats = batch_test_take(test);
	struct batch_test *t = test->priv;
	struct ip_vs_kstats k;
	u64 base;

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 70);
	batch_test_flush(t);
	KUNIT_EXPECT_FALSE(test, stats->settled);
	base = stats->est.base.v[IP_VS_INPKTS];

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 30);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, base + 30);
	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	KUNIT_EXPECT_EQ(test, ip_vs_stats_test_pass(stats), IP_VS_EST_READ_ALL);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_INPKTS], base + 30);
}

/* Nothing was counted since the last sample: the batch clears, and so it
 * settles in the end
 */
static void batch_test_silent(struct kunit *test)
{
	struct batch_test *t = test->priv;
	struct ip_vs_stats *stats = t->stats[0];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (i < 2)
			batch_test_count(stats, 0);
		stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
		batch_test_pass(t, stats);
		KUNIT_EXPECT_EQ(test, t->batch.n, 1);
		batch_test_flush(t);
		KUNIT_EXPECT_EQ(test, !atomic_long_read(&stats->dirty), i != 1);
	}
	KUNIT_EXPECT_TRUE(test, t->walk.unsettled);
	synchronize_rcu();
	synchronize_rcu();
	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	batch_test_pass(t, stats);
	KUNIT_EXPECT_EQ(test, t->batch.n, 0);
	KUNIT_EXPECT_TRUE(test, stats->settled);
}

/* Only what all CPUs have counted for; the others are sampled at once */
static void batch_test_some(struct kunit *test)
{
	struct batch_test *t = test->priv;
	struct ip_vs_stats *stats = t->stats[0];

	if (num_possible_cpus() == 1)
		kunit_skip(test, "one CPU is all of them");
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 1);
	stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	batch_test_pass(t, stats);
	KUNIT_EXPECT_EQ(test, t->batch.n, 0);
	KUNIT_EXPECT_EQ(test, t->walk.results[IP_VS_EST_READ], 1);
}

/* Counted for on all CPUs, on one, or not at all */
static void batch_test_chain(struct batch_test *t, struct hlist_head *chain,
			     unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		if (i % 3 == 0)
			batch_test_count(t->stats[i], i);
		else if (i % 3 == 1)
			ip_vs_stats_test_count(t->stats[i], ip_vs_stats_test_cpu(),
					       IP_VS_INPKTS, 1 + i);
		t->stats[i]->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
		hlist_add_head(&t->stats[i]->est.node, chain);
	}
}

/* A walk passes over each of a chain once, however many are fetched ahead or are
 * left for the end, and leaves none in the batch
 */
static void batch_test_walk(struct kunit *test)
{
	struct batch_test *t = test->priv;
	struct ip_vs_counts now;
	unsigned int len, i, n;

	for (len = 0; len <= 13; len++) {
		HLIST_HEAD(chain);

		batch_test_chain(t, &chain, len);
		memset(t->walk.results, 0, sizeof(t->walk.results));
		rcu_read_lock();
		ip_vs_est_chain_walk(&chain, &t->walk, &t->batch);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, t->batch.n, 0);
		for (n = 0, i = 0; i < IP_VS_EST_NRESULTS; i++)
			n += t->walk.results[i];
		KUNIT_EXPECT_EQ(test, n, len);
		for (i = 0; i < len; i++) {
			spin_lock(&t->stats[i]->lock);
			ip_vs_stats_now(t->stats[i], &now);
			spin_unlock(&t->stats[i]->lock);
			KUNIT_EXPECT_TRUE(test, ip_vs_counts_same(&now,
								  &t->stats[i]->est.base));
		}
	}
}

static struct kunit_case batch_test_cases[] = {
	KUNIT_CASE(batch_test_same),
	KUNIT_CASE(batch_test_zeroed),
	KUNIT_CASE(batch_test_sampled),
	KUNIT_CASE(batch_test_anew),
	KUNIT_CASE(batch_test_counted),
	KUNIT_CASE(batch_test_silent),
	KUNIT_CASE(batch_test_some),
	KUNIT_CASE(batch_test_walk),
	{}
};

static struct kunit_suite batch_test_suite = {
	.name = "ipvs-batch",
	.suite_init = ip_vs_stats_test_suite_init,
	.init = batch_test_init,
	.exit = batch_test_exit,
	.test_cases = batch_test_cases,
};

kunit_test_suite(batch_test_suite);
