// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS counters and of their sampling
 *
 * Specified here: that counters are exact, whichever CPU has counted and
 * whatever the estimator does; when a sample is due and what it covers; when
 * an estimator begins anew; and when a rate is shown.
 */

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* A rate of 1/s, scaled */
#define ONE_PACKET	((s64)1 << 10)
#define ONE_BYTE	((s64)1 << 5)

static struct ip_vs_est_net stats_test_net;

static int stats_test_init(struct kunit *test)
{
	memset(&stats_test_net, 0, sizeof(stats_test_net));
	stats_test_net.gen = IP_VS_EST_GEN_FIRST;
	stats_test_net.active = true;
	test->priv = ip_vs_stats_create(&stats_test_net);
	return test->priv ? 0 : -ENOMEM;
}

static void stats_test_exit(struct kunit *test)
{
	if (test->priv)
		ip_vs_stats_destroy(test->priv);
}

/* Count on one CPU, by hand */
static void stats_test_count(struct ip_vs_stats *stats, unsigned int cpu,
			     enum ip_vs_count c, u64 n)
{
	u64_stats_t *cnt = &per_cpu_ptr(stats->cpustats, cpu)->cnt[c];

	u64_stats_set(cnt, u64_stats_read(cnt) + n);
}

static unsigned int stats_test_cpu(void)
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
	KUNIT_EXPECT_TRUE(test, list_empty(&stats->est.pending));
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
			stats_test_count(stats, cpu, c, (c + 1) << cpus);
		cpus++;
	}
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 1 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.inpkts, 2 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.outpkts, 3 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.inbytes, 4 * ((1ULL << cpus) - 1));
	KUNIT_EXPECT_EQ(test, k.outbytes, 5 * ((1ULL << cpus) - 1));

	ip_vs_stats_read_cpu(stats, stats_test_cpu(), &one);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		KUNIT_EXPECT_EQ(test, one.v[c], c + 1);
}

#define COUNTERS_TEST_ROUNDS	5000

/* The lower half of a sum of these wraps at 3 of 4 packets, and a 32-bit
 * reader that sees one half before and the other after that is off by 2^32.
 */
#define COUNTERS_TEST_LEN	(3U << 30)

struct counters_test_work {
	struct work_struct	work;
	struct ip_vs_stats	*stats;
	atomic_t		*running;
};

/* What the packet path does */
static void counters_test_traffic(struct work_struct *work)
{
	unsigned int i, len = COUNTERS_TEST_LEN;
	struct counters_test_work *w;

	w = container_of(work, struct counters_test_work, work);
	for (i = 0; i < COUNTERS_TEST_ROUNDS; i++) {
		local_bh_disable();
		if (i % 10 == 0)
			ip_vs_stats_conn(w->stats);
		ip_vs_stats_in(w->stats, 60);
		/* Not as a constant, which the add of x86 would not take */
		OPTIMIZER_HIDE_VAR(len);
		ip_vs_stats_out(w->stats, len);
		local_bh_enable();
	}
	atomic_dec(w->running);
}

/* All CPUs count at the same time, and somebody reads meanwhile */
static void counters_test_concurrent(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct counters_test_work *works;
	struct ip_vs_kstats k, last = {};
	unsigned int cpu, n = 0, i;
	bool backwards = false;
	atomic_t running;

	works = kunit_kcalloc(test, nr_cpu_ids, sizeof(*works), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, works);

	cpus_read_lock();
	atomic_set(&running, num_online_cpus());
	for_each_online_cpu(cpu) {
		works[n].stats = stats;
		works[n].running = &running;
		INIT_WORK(&works[n].work, counters_test_traffic);
		schedule_work_on(cpu, &works[n].work);
		n++;
	}
	while (atomic_read(&running)) {
		ip_vs_copy_stats(&k, stats);
		backwards |= k.inpkts < last.inpkts ||
			     k.outbytes < last.outbytes;
		last = k;
		cond_resched();
	}
	for (i = 0; i < n; i++)
		flush_work(&works[i].work);
	cpus_read_unlock();

	KUNIT_EXPECT_FALSE(test, backwards);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, n * COUNTERS_TEST_ROUNDS / 10);
	KUNIT_EXPECT_EQ(test, k.inpkts, n * COUNTERS_TEST_ROUNDS);
	KUNIT_EXPECT_EQ(test, k.outpkts, n * COUNTERS_TEST_ROUNDS);
	KUNIT_EXPECT_EQ(test, k.inbytes, n * COUNTERS_TEST_ROUNDS * 60ULL);
	KUNIT_EXPECT_EQ(test, k.outbytes,
			n * COUNTERS_TEST_ROUNDS * (u64)COUNTERS_TEST_LEN);
}

/* Users of 32 bits see the counter modulo 2^32, users of 64 bits all of it */
static void counters_test_beyond_32_bits(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;

	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, U32_MAX);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 11);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.inpkts, (1ULL << 32) + 10);
	KUNIT_EXPECT_EQ(test, (u32)k.inpkts, 10);
}

/* Zeroing hides what was counted, and stops nothing */
static void counters_test_zero(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	unsigned int cpu = stats_test_cpu();
	struct ip_vs_counts one;
	struct ip_vs_kstats k;

	ip_vs_est_begin(stats);
	stats_test_count(stats, cpu, IP_VS_CONNS, U64_MAX);
	stats_test_count(stats, cpu, IP_VS_INBYTES, 1000000);
	stats->est.avg[IP_VS_INBYTES] = 1000 * ONE_BYTE;

	ip_vs_zero_stats(stats);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 0);
	KUNIT_EXPECT_EQ(test, k.inbytes, 0);
	KUNIT_EXPECT_EQ(test, k.inbps, 0);

	/* Across the end of 64 bits, too */
	stats_test_count(stats, cpu, IP_VS_CONNS, 5);
	stats_test_count(stats, cpu, IP_VS_INBYTES, 7);
	ip_vs_copy_stats(&k, stats);
	KUNIT_EXPECT_EQ(test, k.conns, 5);
	KUNIT_EXPECT_EQ(test, k.inbytes, 7);
	ip_vs_stats_read_cpu(stats, cpu, &one);
	KUNIT_EXPECT_EQ(test, one.v[IP_VS_CONNS], 4);
	KUNIT_EXPECT_EQ(test, one.v[IP_VS_INBYTES], 1000007);
}

/* Counting before zeroing never enters a rate */
static void counters_test_zero_no_spike(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;

	ip_vs_est_begin(stats);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 1000000);
	ip_vs_zero_stats(stats);
	stats->est.stamp -= IP_VS_EST_PERIOD;
	KUNIT_EXPECT_TRUE(test, ip_vs_est_pass(stats));
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], 0);
}

/* Passes change rates, never counters */
static void counters_test_exact_under_passes(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_kstats k;
	unsigned int i;

	ip_vs_est_begin(stats);
	for (i = 1; i <= 20; i++) {
		stats_test_count(stats, stats_test_cpu(), IP_VS_OUTPKTS, 3);
		stats->est.stamp -= IP_VS_EST_PERIOD;
		KUNIT_EXPECT_TRUE(test, ip_vs_est_pass(stats));
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
	KUNIT_CASE(counters_test_zero_no_spike),
	KUNIT_CASE(counters_test_exact_under_passes),
	{}
};

static struct kunit_suite counters_test_suite = {
	.name = "ipvs-counters",
	.init = stats_test_init,
	.exit = stats_test_exit,
	.test_cases = counters_test_cases,
};

/* Passes */

/* A pass @ago jiffies after the last sample, or slightly later.  Returns what
 * the average of packets from clients, 0 before it, must be when @n came.
 */
static s64 pass_test_due(struct kunit *test, u64 ago, u64 n)
{
	struct ip_vs_stats *stats = test->priv;
	u64 last = get_jiffies_64() - ago;

	stats->est.stamp = last;
	stats->est.avg[IP_VS_INPKTS] = 0;
	KUNIT_EXPECT_TRUE(test, ip_vs_est_pass(stats));
	return div64_u64(n * HZ * ONE_PACKET, stats->est.stamp - last) / 4;
}

static void pass_test_sample(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	u64 before = get_jiffies_64();
	s64 want;

	ip_vs_est_begin(stats);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 2000);
	want = pass_test_due(test, 2 * HZ, 2000);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_INPKTS], 2000);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
	KUNIT_EXPECT_LE(test, stats->est.stamp, get_jiffies_64());

	/* Late by 10 s, and on another CPU */
	stats_test_count(stats, cpumask_last(cpu_possible_mask), IP_VS_INPKTS,
			 12000);
	want = pass_test_due(test, 12 * HZ, 12000);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* Less than 1 s after the last sample: nothing is changed */
static void pass_test_too_early(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	struct ip_vs_estimator before, after;
	s64 want;
	bool due;

	ip_vs_est_begin(stats);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 700);
	stats->est.avg[IP_VS_INPKTS] = 5 * ONE_PACKET;
	before = stats->est;
	/* Again if this CPU was away for a second just then */
	do {
		stats->est = before;
		stats->est.stamp = get_jiffies_64();
		before = stats->est;
		due = ip_vs_est_pass(stats);
		after = stats->est;
	} while (get_jiffies_64() - before.stamp >= HZ);
	KUNIT_EXPECT_FALSE(test, due);
	KUNIT_EXPECT_EQ(test, after.stamp, before.stamp);
	KUNIT_EXPECT_EQ(test, after.base.v[IP_VS_INPKTS], 0);
	KUNIT_EXPECT_EQ(test, after.avg[IP_VS_INPKTS], 5 * ONE_PACKET);

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
	KUNIT_EXPECT_EQ(test, stats->est.gen, stats_test_net.gen);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 500);
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

	KUNIT_EXPECT_TRUE(test, ip_vs_est_pass(stats));
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		KUNIT_EXPECT_EQ(test, stats->est.avg[c], 0);
	KUNIT_EXPECT_EQ(test, stats->est.base.v[IP_VS_INPKTS], n);
	KUNIT_EXPECT_EQ(test, stats->est.gen, stats_test_net.gen);
	KUNIT_EXPECT_GE(test, stats->est.stamp, before);
}

/* A server that comes back from the trash: no spike by what it counted there */
static void pass_test_started_again(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	s64 want;

	ip_vs_est_begin(stats);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 500);
	pass_test_due(test, 2 * HZ, 500);

	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 1000000);
	ip_vs_est_begin(stats);
	KUNIT_EXPECT_EQ(test, stats->est.gen, IP_VS_EST_GEN_STALE);
	pass_test_expect_base(test, 1000500);

	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 300);
	want = pass_test_due(test, 2 * HZ, 300);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* Estimation was off and is on again: no spike by what was counted meanwhile */
static void pass_test_generation(struct kunit *test)
{
	struct ip_vs_stats *stats = test->priv;
	s64 want;

	ip_vs_est_begin(stats);
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 500);
	pass_test_due(test, 2 * HZ, 500);
	KUNIT_EXPECT_GT(test, stats->est.avg[IP_VS_INPKTS], 0);

	stats_test_net.gen++;
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 1000000);
	stats->est.stamp -= 60 * HZ;
	pass_test_expect_base(test, 1000500);

	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 300);
	want = pass_test_due(test, 2 * HZ, 300);
	KUNIT_EXPECT_EQ(test, stats->est.avg[IP_VS_INPKTS], want);
}

/* One that is due by its time, one that is early, one that begins anew */
static u32 pass_test_walk_once(struct ip_vs_stats *stats[3],
			       const struct hlist_head *chain)
{
	u32 n;

	rcu_read_lock();
	stats[0]->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	stats[1]->est.stamp = get_jiffies_64();
	stats[2]->est.gen = IP_VS_EST_GEN_STALE;
	n = ip_vs_est_chain_walk(chain);
	rcu_read_unlock();
	return n;
}

/* A walk passes over all of a chain, and counts the samples */
static void pass_test_walk(struct kunit *test)
{
	struct ip_vs_stats *stats[3];
	HLIST_HEAD(chain);
	unsigned int i;
	u64 start;
	u32 n;

	stats[0] = test->priv;
	stats[1] = ip_vs_stats_create(&stats_test_net);
	stats[2] = ip_vs_stats_create(&stats_test_net);
	if (!stats[1] || !stats[2]) {
		KUNIT_FAIL(test, "no memory");
		goto out;
	}
	for (i = 0; i < 3; i++) {
		hlist_add_head(&stats[i]->est.node, &chain);
		ip_vs_est_begin(stats[i]);
		stats_test_count(stats[i], stats_test_cpu(), IP_VS_CONNS, 9000);
	}

	/* Again if this CPU was away for a second just then */
	do {
		start = get_jiffies_64();
		memset(&stats[1]->est.base, 0, sizeof(stats[1]->est.base));
		n = pass_test_walk_once(stats, &chain);
	} while (get_jiffies_64() - start >= HZ);
	KUNIT_EXPECT_EQ(test, n, 2);
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
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 77);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		stats->est.avg[c] = (c + 1) * 100 *
			(c < IP_VS_INBYTES ? ONE_PACKET : ONE_BYTE);
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
	stats_test_count(stats, stats_test_cpu(), IP_VS_INPKTS, 77);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		stats->est.avg[c] = 1000000;

	/* Estimation is off */
	stats_test_net.active = false;
	pass_test_expect_not_shown(test);
	stats_test_net.active = true;

	/* On again, and no pass since then */
	stats_test_net.gen++;
	pass_test_expect_not_shown(test);
	stats_test_net.gen--;

	/* Started again */
	ip_vs_est_begin(stats);
	pass_test_expect_not_shown(test);
	stats->est.gen = stats_test_net.gen;

	/* The last sample is more than 10 s ago */
	stats->est.stamp = get_jiffies_64() - 10 * HZ - 1;
	pass_test_expect_not_shown(test);
}

static struct kunit_case pass_test_cases[] = {
	KUNIT_CASE(pass_test_sample),
	KUNIT_CASE(pass_test_too_early),
	KUNIT_CASE(pass_test_first),
	KUNIT_CASE(pass_test_started_again),
	KUNIT_CASE(pass_test_generation),
	KUNIT_CASE(pass_test_walk),
	KUNIT_CASE(pass_test_shown),
	KUNIT_CASE(pass_test_not_shown),
	{}
};

static struct kunit_suite pass_test_suite = {
	.name = "ipvs-samples",
	.init = stats_test_init,
	.exit = stats_test_exit,
	.test_cases = pass_test_cases,
};

kunit_test_suites(&counters_test_suite, &pass_test_suite);
