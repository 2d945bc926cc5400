// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of the sampling of IPVS counters
 *
 * Specified here: when a sample is due and what it covers; when an estimator
 * begins anew; and when a rate is shown.
 */

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/math64.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* A pass @ago jiffies after the last sample, or slightly later.  Returns what
 * the average of packets from clients, 0 before it, must be when @n came.
 */
static s64 pass_test_due(struct kunit *test, u64 ago, u64 n)
{
	struct ip_vs_stats *stats = test->priv;
	u64 last = get_jiffies_64() - ago;

	stats->est.stamp = last;
	stats->est.avg[IP_VS_INPKTS] = 0;
	KUNIT_EXPECT_GE(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
	return div64_u64(n * HZ * IP_VS_TEST_PACKET, stats->est.stamp - last) / 4;
}

static void pass_test_sample(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	u64 before = get_jiffies_64();
	s64 want;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 2000);
	want = pass_test_due(test, 2 * HZ, 2000);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_INPKTS], 2000);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
	KUNIT_EXPECT_LE(test, stats->est.stamp, get_jiffies_64());

	/* Late by 4 s, and on another CPU */
	ip_vs_stats_test_count(stats, cpumask_last(cpu_possible_mask),
			       IP_VS_INPKTS, 6000);
	want = pass_test_due(test, 6 * HZ, 6000);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* Less than 1 s after the last sample: nothing is changed */
static void pass_test_too_early(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_estimator before, after;
	enum ip_vs_est_result result;
	s64 want;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 700);
	stats->est.avg[IP_VS_INPKTS] = 5 * IP_VS_TEST_PACKET;
	before = stats->est;
	/* Again if this CPU was away for a second just then */
	do {
		stats->est = before;
		stats->est.stamp = get_jiffies_64();
		before = stats->est;
		result = ip_vs_stats_test_pass(stats);
		after = stats->est;
	} while (get_jiffies_64() - before.stamp >= HZ);
	KUNIT_EXPECT_EQ(test, result, IP_VS_EST_EARLY);
	KUNIT_EXPECT_NE(test, atomic_long_read(&stats->dirty), 0);
	KUNIT_EXPECT_EQ(test, after.stamp, before.stamp);
	KUNIT_EXPECT_EQ(test, after.base.v[IP_VS_INPKTS], 0);
	KUNIT_EXPECT_EQ(test, after.avg[IP_VS_INPKTS], 5 * IP_VS_TEST_PACKET);

	/* The next one has all of it, also exactly 1 s later */
	want = pass_test_due(test, HZ, 700);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* What a new object counts before its first pass is in its first sample */
static void pass_test_first(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	u64 before = get_jiffies_64();
	s64 want;

	ip_vs_est_begin(stats);
	KUNIT_EXPECT_EQ(test, stats->est.gen, ip_vs_stats_test_net.gen);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 500);
	want = pass_test_due(test, 2 * HZ, 500);
	KUNIT_EXPECT_GT(test, want, 0);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* Expect that the next pass, due or not, only takes the counters */
static void pass_test_expect_base(struct kunit *test, u64 n)
{
	struct ip_vs_stats *stats = test->priv;
	u64 before = get_jiffies_64();
	unsigned int c;

	KUNIT_EXPECT_GE(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		KUNIT_EXPECT_EQ(test, stats->est.avg[c], 0);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_INPKTS], n);
	KUNIT_EXPECT_EQ(test, stats->est.gen, ip_vs_stats_test_net.gen);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
}

/* A server that comes back from the trash: no spike by what it counted there */
static void pass_test_started_again(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	s64 want;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 500);
	pass_test_due(test, 2 * HZ, 500);

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 1000000);
	ip_vs_est_begin(stats);
	KUNIT_EXPECT_EQ(test, stats->est.gen, IP_VS_EST_GEN_STALE);
	pass_test_expect_base(test, 1000500);

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 300);
	want = pass_test_due(test, 2 * HZ, 300);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* Estimation was off and is on again: no spike by what was counted meanwhile */
static void pass_test_generation(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	s64 want;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 500);
	pass_test_due(test, 2 * HZ, 500);
	KUNIT_EXPECT_GT(test, stats->est.avg[IP_VS_INPKTS], 0);

	ip_vs_stats_test_net.gen++;
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 1000000);
	stats->est.stamp -= 60 * HZ;
	pass_test_expect_base(test, 1000500);

	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 300);
	want = pass_test_due(test, 2 * HZ, 300);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* One that is due by its time, one that is early, one that begins anew */
static void pass_test_walk_once(struct ip_vs_stats *stats[3],
				const struct hlist_head *chain,
				struct ip_vs_est_walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	walk->gen = ip_vs_stats_test_net.gen;
	rcu_read_lock();
	stats[0]->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	stats[1]->est.stamp = get_jiffies_64();
	stats[2]->est.gen = IP_VS_EST_GEN_STALE;
	ip_vs_est_chain_walk(chain, walk, NULL);
	rcu_read_unlock();
}

/* A walk passes over all of a chain, and counts the samples */
static void pass_test_walk(struct kunit *test)
{
	struct ip_vs_stats *stats[3];
	HLIST_HEAD(chain);
	unsigned int i;
	struct ip_vs_est_walk walk;
	u64 start;

	stats[0] = test->priv;
	stats[1] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	stats[2] = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	if (!stats[1] || !stats[2]) {
		KUNIT_FAIL(test, "no memory");
		goto out;
	}
	for (i = 0; i < 3; i++) {
		hlist_add_head(&stats[i]->est.node, &chain);
		ip_vs_est_begin(stats[i]);
		ip_vs_stats_test_count(stats[i], ip_vs_stats_test_cpu(), IP_VS_CONNS, 9000);
	}

	/* Again if this CPU was away for a second just then */
	do {
		start = get_jiffies_64();
		memset(&stats[1]->est.base, 0, sizeof(stats[1]->est.base));
		pass_test_walk_once(stats, &chain, &walk);
	} while (get_jiffies_64() - start >= HZ);
	KUNIT_EXPECT_EQ(test, walk.results[IP_VS_EST_EARLY], 1);
	KUNIT_EXPECT_EQ(test, walk.results[IP_VS_EST_READ] +
			walk.results[IP_VS_EST_READ_ALL], 2);
	KUNIT_EXPECT_EQ(test, stats[0]->est.base.v[IP_VS_CONNS], 9000);
	KUNIT_EXPECT_EQ(test, stats[1]->est.base.v[IP_VS_CONNS], 0);
	KUNIT_EXPECT_EQ(test, stats[2]->est.base.v[IP_VS_CONNS], 9000);
	KUNIT_EXPECT_GT(test, stats[0]->est.avg[IP_VS_CONNS], 0);
	KUNIT_EXPECT_EQ(test, stats[2]->est.avg[IP_VS_CONNS], 0);
out:
	for (i = 1; i < 3; i++) {
		if (stats[i])
			ip_vs_stats_destroy(stats[i]);
	}
}

/* Rates are shown while estimation is on and a sample is not too old */
static void pass_test_shown(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;
	unsigned int c;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 77);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		stats->est.avg[c] = (c + 1) * 100 *
			(c < IP_VS_INBYTES ? IP_VS_TEST_PACKET : IP_VS_TEST_BYTE);
	stats->est.stamp = get_jiffies_64();
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.cps, 100);
	KUNIT_EXPECT_EQ(test, k.inpps, 200);
	KUNIT_EXPECT_EQ(test, k.outpps, 300);
	KUNIT_EXPECT_EQ(test, k.inbps, 400);
	KUNIT_EXPECT_EQ(test, k.outbps, 500);
	KUNIT_EXPECT_EQ(test, k.inpkts, 77);
}

static void pass_test_expect_not_shown(struct kunit *test)
{
	struct ip_vs_kstats k;

	memset(&k, 0xff, sizeof(k));
	ip_vs_copy_stats(&k, test->priv);
	KUNIT_EXPECT_EQ(test, k.cps, 0);
	KUNIT_EXPECT_EQ(test, k.inpps, 0);
	KUNIT_EXPECT_EQ(test, k.outpps, 0);
	KUNIT_EXPECT_EQ(test, k.inbps, 0);
	KUNIT_EXPECT_EQ(test, k.outbps, 0);
	/* While counters are, always */
	KUNIT_EXPECT_EQ(test, k.inpkts, 77);
}

static void pass_test_not_shown(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int c;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS, 77);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		stats->est.avg[c] = 1000000;

	/* Estimation is off */
	ip_vs_stats_test_net.active = false;
	pass_test_expect_not_shown(test);
	ip_vs_stats_test_net.active = true;

	/* On again, and no pass since then */
	ip_vs_stats_test_net.gen++;
	pass_test_expect_not_shown(test);
	ip_vs_stats_test_net.gen--;

	/* Started again */
	ip_vs_est_begin(stats);
	pass_test_expect_not_shown(test);
	stats->est.gen = ip_vs_stats_test_net.gen;

	/* The last sample is more than 10 s ago */
	stats->est.stamp = get_jiffies_64() - 10 * HZ - 1;
	pass_test_expect_not_shown(test);
}

/* Counting before zeroing never enters a rate */
static void pass_test_zeroed(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;

	ip_vs_est_begin(stats);
	ip_vs_stats_test_count(stats, ip_vs_stats_test_cpu(), IP_VS_INPKTS,
			       1000000);
	ip_vs_zero_stats(stats);
	stats->est.stamp -= IP_VS_EST_PERIOD;
	KUNIT_EXPECT_GE(test, ip_vs_stats_test_pass(stats), IP_VS_EST_FOLDED);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], 0);
}

static struct kunit_case pass_test_cases[] = {
	KUNIT_CASE(pass_test_sample),
	KUNIT_CASE(pass_test_too_early),
	KUNIT_CASE(pass_test_first),
	KUNIT_CASE(pass_test_started_again),
	KUNIT_CASE(pass_test_generation),
	KUNIT_CASE(pass_test_zeroed),
	KUNIT_CASE(pass_test_walk),
	KUNIT_CASE(pass_test_shown),
	KUNIT_CASE(pass_test_not_shown),
	{}
};

static struct kunit_suite pass_test_suite = {
	.name = "ipvs-samples",
	.suite_init = ip_vs_stats_test_suite_init,
	.init = ip_vs_stats_test_init,
	.exit = ip_vs_stats_test_exit,
	.test_cases = pass_test_cases,
};

kunit_test_suite(pass_test_suite);
