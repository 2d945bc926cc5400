// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of which CPUs' counters are read
 *
 * Specified here: that what is counted is told, once; what each step of a pass
 * makes of hot, cold and dirty, and that sums are exact whatever they are.
 */

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/**
 * struct hot_test - an object, and two CPUs that do not share a bit
 * @stats: the object
 * @svc: another
 * @total: and another
 * @wide: ip_vs_stats_wide, to be put back
 * @refresh: ip_vs_stats_refresh, to be put back
 * @cpu: the two CPUs
 * @group: their bits
 */
struct hot_test {
	struct ip_vs_stats	*stats;
	struct ip_vs_stats	*svc;
	struct ip_vs_stats	*total;
	bool			wide;
	unsigned int		refresh;
	unsigned int		cpu[2];
	unsigned long		group[2];
};

static int hot_test_init(struct kunit *test)
{
	struct hot_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	if (!t || ip_vs_stats_test_init(test))
		return -ENOMEM;
	t->stats = test->priv;
	test->priv = t;
	t->svc = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	t->total = ip_vs_stats_create(&ip_vs_stats_test_net, GFP_KERNEL);
	t->wide = ip_vs_stats_wide;
	t->refresh = ip_vs_stats_refresh;
	t->cpu[0] = cpumask_first(cpu_possible_mask);
	t->cpu[1] = cpumask_last(cpu_possible_mask);
	for (i = 0; i < 2; i++)
		t->group[i] = per_cpu(ip_vs_stats_group, t->cpu[i]);
	ip_vs_stats_wide = true;
	ip_vs_stats_refresh = 4;
	/* Undone by exit, which is called in any case */
	return t->svc && t->total ? 0 : -ENOMEM;
}

static void hot_test_exit(struct kunit *test)
{
	struct hot_test *t = test->priv;

	if (!t)
		return;
	ip_vs_stats_wide = t->wide;
	ip_vs_stats_refresh = t->refresh;
	ip_vs_stats_destroy(t->stats);
	if (t->svc)
		ip_vs_stats_destroy(t->svc);
	if (t->total)
		ip_vs_stats_destroy(t->total);
}

static void hot_test_needs_two(struct kunit *test)
{
	struct hot_test *t = test->priv;

	if (t->group[0] == t->group[1])
		kunit_skip(test, "all CPUs share a bit");
}

/* Count a connection on one of the two CPUs, or on both */
static void hot_test_count(struct hot_test *t, unsigned int which)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (which & BIT(i))
			ip_vs_stats_test_count(t->stats, t->cpu[i], IP_VS_CONNS,
					       1);
	}
}

/* A pass when a sample is due; returns what the walk knows of it */
static struct ip_vs_est_walk hot_test_pass(struct hot_test *t)
{
	struct ip_vs_est_walk walk = { .gen = ip_vs_stats_test_net.gen };

	t->stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
	rcu_read_lock();
	ip_vs_est_pass(t->stats, &walk, NULL);
	rcu_read_unlock();
	return walk;
}

/* A grace period that began after the last clear has ended */
static void hot_test_wait(struct hot_test *t)
{
	unsigned int i;

	for (i = 0; i < 10 &&
	     !poll_state_synchronize_rcu(t->stats->cleared); i++)
		synchronize_rcu();
}

static void hot_test_expect(struct kunit *test, unsigned long hot,
			    unsigned long dirty, u64 conns)
{
	struct hot_test *t = test->priv;
	struct ip_vs_kstats k;

	KUNIT_EXPECT_EQ(test, t->stats->hot, hot);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&t->stats->dirty), dirty);
	ip_vs_copy_stats(&k, t->stats);
	KUNIT_EXPECT_EQ(test, k.conns, conns);
}

/* Each way of counting tells of itself, on this CPU, whichever of the three
 * does not know yet
 */
static void hot_test_mark(struct kunit *test)
{
	struct hot_test *t = test->priv;
	struct ip_vs_stats *s[] = { t->stats, t->svc, t->total };
	unsigned long group, dirty[9], i, o;

	preempt_disable();
	rcu_read_lock();
	group = this_cpu_read(ip_vs_stats_group);
	for (i = 0; i < 9; i++) {
		for (o = 0; o < 3; o++)
			atomic_long_set(&s[o]->dirty, i % 3 == o ? 0 : group);
		if (i / 3 == 0)
			ip_vs_stats_in(s[0], s[1], s[2], 1);
		if (i / 3 == 1)
			ip_vs_stats_out(s[0], s[1], s[2], 1);
		if (i / 3 == 2)
			ip_vs_stats_conn(s[0], s[1], s[2]);
		dirty[i] = atomic_long_read(&s[i % 3]->dirty);
	}
	rcu_read_unlock();
	preempt_enable();

	KUNIT_EXPECT_EQ(test, hweight_long(group), 1);
	for (i = 0; i < 9; i++)
		KUNIT_EXPECT_EQ(test, dirty[i], group);
}

/* While packets come, dirty stays: but for the first sample, and one of
 * ip_vs_stats_refresh on machines of many CPUs
 */
static void hot_test_sticky(struct kunit *test)
{
	struct hot_test *t = test->priv;
	unsigned int i, wide;
	bool cleared;

	for (wide = 0; wide < 2; wide++) {
		ip_vs_stats_wide = wide;
		t->stats->age = 0;
		for (i = 0; i < 20; i++) {
			hot_test_count(t, 1);
			hot_test_pass(t);
			cleared = !atomic_long_read(&t->stats->dirty);
			KUNIT_EXPECT_EQ(test, cleared, !i || (wide && i % 4 == 0));
		}
	}
}

/* What has fallen silent is settled after two samples, or three when it was
 * active for longer
 */
static void hot_test_settles(struct kunit *test)
{
	struct hot_test *t = test->priv;
	unsigned int i;

	ip_vs_stats_wide = false;
	for (i = 1; i <= 3; i++) {
		hot_test_count(t, 1);
		hot_test_pass(t);
	}
	hot_test_expect(test, t->group[0], t->group[0], 3);

	/* Nothing was counted: the bit is cleared, the group still hot */
	hot_test_pass(t);
	hot_test_expect(test, t->group[0], 0, 3);
	KUNIT_EXPECT_FALSE(test, t->stats->settled);
	/* Silent for a grace period: settled */
	hot_test_wait(t);
	hot_test_pass(t);
	hot_test_expect(test, 0, 0, 3);
	KUNIT_EXPECT_TRUE(test, t->stats->settled);

	/* After that, the first pass with something to read clears */
	hot_test_count(t, 1);
	hot_test_pass(t);
	hot_test_wait(t);
	hot_test_pass(t);
	hot_test_expect(test, 0, 0, 4);
	KUNIT_EXPECT_TRUE(test, t->stats->settled);
}

/* Both were active, now one is: four samples later it is read alone */
static void hot_test_make_cold(struct kunit *test)
{
	struct hot_test *t = test->priv;
	unsigned int i;

	hot_test_count(t, 3);
	for (i = 0; i < 5; i++) {
		hot_test_count(t, 1);
		hot_test_pass(t);
		hot_test_wait(t);
	}
	hot_test_count(t, 1);
	hot_test_pass(t);
	hot_test_expect(test, t->group[0], t->group[0], 8);
	KUNIT_EXPECT_EQ(test, t->stats->seen, t->group[0] | t->group[1]);
	KUNIT_ASSERT_NOT_NULL(test, t->stats->cold);
	KUNIT_EXPECT_EQ(test, t->stats->cold->v[IP_VS_CONNS], 1);
}

static void hot_test_cools(struct kunit *test)
{
	struct hot_test *t = test->priv;
	struct ip_vs_est_walk walk;

	hot_test_needs_two(test);
	hot_test_make_cold(test);
	hot_test_count(t, 1);
	walk = hot_test_pass(t);
	KUNIT_EXPECT_EQ(test, walk.results[IP_VS_EST_READ], 1);
	KUNIT_EXPECT_EQ(test, walk.groups, 1);
	hot_test_expect(test, t->group[0], t->group[0], 9);
}

/* Not within the read-side section of a packet that found its bit set */
static void hot_test_cools_late(struct kunit *test)
{
	struct hot_test *t = test->priv;
	struct ip_vs_est_walk walk;

	hot_test_needs_two(test);
	hot_test_count(t, 3);
	hot_test_pass(t);
	hot_test_count(t, 1);
	rcu_read_lock();
	t->stats->cleared = get_state_synchronize_rcu();
	walk = hot_test_pass(t);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, walk.unsettled);
	hot_test_expect(test, t->group[0] | t->group[1], t->group[0], 3);
}

/* One that was cold counts again: readers see it at once, passes read it from
 * then on
 */
static void hot_test_heats(struct kunit *test)
{
	struct hot_test *t = test->priv;

	hot_test_needs_two(test);
	hot_test_make_cold(test);
	hot_test_count(t, 2);
	hot_test_expect(test, t->group[0], t->group[0] | t->group[1], 9);
	hot_test_pass(t);
	hot_test_expect(test, t->group[0] | t->group[1],
			t->group[0] | t->group[1], 9);
	hot_test_count(t, 3);
	hot_test_pass(t);
	hot_test_expect(test, t->group[0] | t->group[1],
			t->group[0] | t->group[1], 11);
}

/* From settled to one that counts: what the other has counted is cold */
static void hot_test_thaws(struct kunit *test)
{
	struct hot_test *t = test->priv;

	hot_test_needs_two(test);
	hot_test_count(t, 3);
	hot_test_pass(t);
	hot_test_wait(t);
	hot_test_pass(t);
	hot_test_expect(test, 0, 0, 2);
	KUNIT_EXPECT_TRUE(test, t->stats->settled);

	hot_test_count(t, 2);
	hot_test_expect(test, 0, t->group[1], 3);
	hot_test_pass(t);
	KUNIT_EXPECT_FALSE(test, t->stats->settled);
	hot_test_expect(test, t->group[1], 0, 3);
	KUNIT_ASSERT_NOT_NULL(test, t->stats->cold);
	KUNIT_EXPECT_EQ(test, t->stats->cold->v[IP_VS_CONNS], 1);
}

/* Few CPUs: all that were seen are read, without memory for more; and nobody
 * asks for one grace period after the other because one of them is silent
 */
static void hot_test_narrow(struct kunit *test)
{
	struct hot_test *t = test->priv;
	struct ip_vs_est_walk walk;
	unsigned int i;

	hot_test_needs_two(test);
	ip_vs_stats_wide = false;
	hot_test_count(t, 2);
	for (i = 1; i <= 10; i++) {
		hot_test_count(t, 1);
		walk = hot_test_pass(t);
		hot_test_wait(t);
	}
	KUNIT_EXPECT_FALSE(test, walk.unsettled);
	hot_test_expect(test, t->group[0] | t->group[1], t->group[0], 11);
	KUNIT_EXPECT_PTR_EQ(test, t->stats->cold, NULL);
}

/* A clear takes no bit of a group that is not read: nothing else tells of it */
static void hot_test_clears_hot(struct kunit *test)
{
	struct hot_test *t = test->priv;

	hot_test_needs_two(test);
	hot_test_make_cold(test);
	hot_test_count(t, 2);
	spin_lock(&t->stats->lock);
	ip_vs_stats_clear(t->stats);
	spin_unlock(&t->stats->lock);
	hot_test_expect(test, t->group[0], t->group[1], 9);
}

static struct kunit_case hot_test_cases[] = {
	KUNIT_CASE(hot_test_mark),
	KUNIT_CASE(hot_test_sticky),
	KUNIT_CASE(hot_test_settles),
	KUNIT_CASE(hot_test_cools),
	KUNIT_CASE(hot_test_cools_late),
	KUNIT_CASE(hot_test_heats),
	KUNIT_CASE(hot_test_thaws),
	KUNIT_CASE(hot_test_narrow),
	KUNIT_CASE(hot_test_clears_hot),
	{}
};

static struct kunit_suite hot_test_suite = {
	.name = "ipvs-hot",
	.suite_init = ip_vs_stats_test_suite_init,
	.init = hot_test_init,
	.exit = hot_test_exit,
	.test_cases = hot_test_cases,
};

kunit_test_suite(hot_test_suite);
