// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: what the times of chains tell about cost
 *
 * Specified here: which times count, what cost comes of them, and that those
 * which are held up or contradict each other do not change it.
 * Whole days on machines of all kinds are in tools/testing/ipvs/limit_sim.c.
 */

#include <linux/slab.h>
#include <linux/time64.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* In units of ip_vs_est_meter_period() */
#define METER_TEST_NS(ns)	((u32)(ns) << IP_VS_EST_COST_SHIFT)
/* Estimators of a full chain */
#define METER_TEST_FULL		20

/* A meter is too large for the stack */
static int meter_test_init(struct kunit *test)
{
	ip_vs_stats_setup();
	test->priv = kunit_kzalloc(test, sizeof(struct ip_vs_est_meter),
				   GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* A full chain of which @busy took @ns each and were read on all CPUs, the
 * others were quiet and took nothing; and it was held up for @more
 */
static void meter_test_chain(struct ip_vs_est_meter *m, unsigned int busy,
			     u64 ns, u64 more)
{
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_IDLE] = METER_TEST_FULL - busy,
		.results[IP_VS_EST_READ_ALL] = busy,
		.busy_ns = busy * ns + (busy ? more : 0),
	};

	ip_vs_est_meter_add(m, busy * ns + more, &walk, METER_TEST_FULL);
}

/* Expect @cost at the end of a period, within a fiftieth */
static void meter_test_expect(struct kunit *test, u64 ns)
{
	u32 cost = ip_vs_est_meter_period(test->priv, METER_TEST_FULL);

	KUNIT_EXPECT_GE(test, cost, METER_TEST_NS(ns) / 50 * 49);
	KUNIT_EXPECT_LE(test, cost, METER_TEST_NS(ns) / 50 * 51);
}

/* What all of them take, from the first period on, however few there are */
static void meter_test_all_busy(struct kunit *test)
{
	static const unsigned int chains[] = { 1, 3, 16, 17, 100, 2400 };
	struct ip_vs_est_meter *m = test->priv;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		memset(m, 0, sizeof(*m));
		for (n = 0; n < chains[i]; n++)
			meter_test_chain(m, METER_TEST_FULL, 1000 << i, 0);
		meter_test_expect(test, 1000 << i);
	}
}

/* One in each chain tells as much */
static void meter_test_few_busy(struct kunit *test)
{
	unsigned int busy, n;

	for (busy = 1; busy <= METER_TEST_FULL; busy++) {
		for (n = 0; n < 50; n++)
			meter_test_chain(test->priv, busy, 3500, 0);
		meter_test_expect(test, 3500);
	}
	meter_test_chain(test->priv, 1, 3500, 0);
	meter_test_expect(test, 3500);
}

/* Where nothing was read, nothing is known; nor where there was no chain */
static void meter_test_cannot_tell(struct kunit *test)
{
	static const enum ip_vs_est_result nothing[] = {
		IP_VS_EST_IDLE, IP_VS_EST_EARLY, IP_VS_EST_FOLDED,
	};
	struct ip_vs_est_meter *m = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(m, METER_TEST_FULL), 0);
	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		struct ip_vs_est_walk walk = {
			.busy_ns = nothing[i] == IP_VS_EST_IDLE ? 0 : 1000,
		};

		walk.results[nothing[i]] = METER_TEST_FULL;
		ip_vs_est_meter_add(m, 1000, &walk, METER_TEST_FULL);
		KUNIT_EXPECT_EQ(test,
				ip_vs_est_meter_period(m, METER_TEST_FULL), 0);
	}
}

/* A chain of less than a quarter tells nothing, fast or slow */
static void meter_test_short(struct kunit *test)
{
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_READ_ALL] = METER_TEST_FULL / 4 - 1,
	};
	struct ip_vs_est_meter *m = test->priv;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		walk.busy_ns = i < 5 ? 1000 : NSEC_PER_SEC;
		ip_vs_est_meter_add(m, walk.busy_ns, &walk, METER_TEST_FULL);
		KUNIT_EXPECT_EQ(test,
				ip_vs_est_meter_period(m, METER_TEST_FULL), 0);
	}
}

/* One that is half full does, as after a raise; but not that it is too slow */
static void meter_test_half_full(struct kunit *test)
{
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_READ_ALL] = METER_TEST_FULL / 2,
		.busy_ns = METER_TEST_FULL / 2 * 7000,
	};
	struct ip_vs_est_meter *m = test->priv;
	unsigned int i;

	for (i = 0; i < 40; i++)
		ip_vs_est_meter_add(m, walk.busy_ns, &walk, METER_TEST_FULL);
	KUNIT_EXPECT_EQ(test, m->least, 0);
	meter_test_expect(test, 7000);
}

/* What was not timed does not count */
static void meter_test_untimed(struct kunit *test)
{
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_READ_ALL] = METER_TEST_FULL,
		.busy_ns = METER_TEST_FULL / 4 * 3500,
		.untimed = METER_TEST_FULL / 4 * 3,
	};
	unsigned int i;

	walk.untimed_groups = walk.untimed * ip_vs_stats_ngroups;
	for (i = 0; i < 40; i++)
		ip_vs_est_meter_add(test->priv, METER_TEST_FULL * 3500, &walk,
				    METER_TEST_FULL);
	meter_test_expect(test, 3500);
}

/* Periods that contradict each other are not believed */
static void meter_test_contradiction(struct kunit *test)
{
	static const u64 odd[] = { 10500, 1200, 30000, 900 };
	unsigned int i, n;

	for (i = 0; i <= ARRAY_SIZE(odd); i++) {
		for (n = 0; n < 50; n++)
			meter_test_chain(test->priv, 3, i ? odd[i - 1] : 3500,
					 0);
		meter_test_expect(test, 3500);
	}
}

/* Three of four chains that are held up, for however long, change nothing */
static void meter_test_held_up(struct kunit *test)
{
	static const u64 more[] = { 50000, NSEC_PER_MSEC, NSEC_PER_SEC };
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(more); i++) {
		for (n = 0; n < 480; n++)
			meter_test_chain(test->priv, METER_TEST_FULL, 3500,
					 n * 7 % 10 < 6 ? more[i] : 0);
		meter_test_expect(test, 3500);
	}
}

/* A slow clock is believed in the second period, and that it is over too */
static void meter_test_slow_clock(struct kunit *test)
{
	u64 ns = 3500, was = ns, i;
	unsigned int n;

	for (i = 0; i < 12; i++) {
		if (i % 4 == 2) {
			was = ns;
			ns = i % 8 == 2 ? 4 * 3500 : 3500;
		}
		for (n = 0; n < 50; n++)
			meter_test_chain(test->priv, 3, ns, 0);
		meter_test_expect(test, i % 4 == 2 ? was : ns);
	}
}

/* What chance does to single ones is evened out */
static void meter_test_chance(struct kunit *test)
{
	unsigned int i, n;

	for (n = 0; n < 20; n++)
		meter_test_chain(test->priv, METER_TEST_FULL, 3500, 0);
	meter_test_expect(test, 3500);
	for (i = 0; i < 20; i++) {
		meter_test_chain(test->priv, METER_TEST_FULL,
				 i % 2 ? 3150 : 3850, 0);
		meter_test_expect(test, 3500);
	}
}

/* Half of the counters for some, all for others: what CPUs add is learned */
static void meter_test_some_groups(struct kunit *test)
{
	struct ip_vs_est_meter *m = test->priv;
	unsigned int groups = ip_vs_stats_ngroups / 2, i, n;
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_READ] = METER_TEST_FULL,
		.groups = METER_TEST_FULL * groups,
		.busy_ns = METER_TEST_FULL * 3000,
	};

	if (!groups || ip_vs_stats_ngroups % 2)
		kunit_skip(test, "needs groups of CPUs that can be halved");

	/* 2000 + 2000 * the share that was read */
	for (i = 0; i < 600; i++) {
		for (n = 0; n < 30; n++) {
			meter_test_chain(m, METER_TEST_FULL, 4000, 0);
			ip_vs_est_meter_add(m, walk.busy_ns, &walk,
					    METER_TEST_FULL);
		}
		ip_vs_est_meter_period(m, METER_TEST_FULL);
	}
	for (n = 0; n < 30; n++)
		ip_vs_est_meter_add(m, walk.busy_ns, &walk, METER_TEST_FULL);
	meter_test_expect(test, 4000);
}

/* Too slow though nothing was read: then at least so slow */
static void meter_test_slow_at_that(struct kunit *test)
{
	struct ip_vs_est_meter *m = test->priv;
	unsigned int i;

	for (i = 0; i < 10; i++)
		meter_test_chain(m, 0, 0, i ? NSEC_PER_SEC : 90000);
	KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(m, METER_TEST_FULL), 0);
	for (i = 0; i < 10; i++)
		meter_test_chain(m, 0, 0, i ? NSEC_PER_SEC : 120000);
	KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(m, METER_TEST_FULL),
			METER_TEST_NS(120000 / METER_TEST_FULL));
}

/* Times that no clock should say: neither 0 nor an overflow comes of them */
static void meter_test_absurd(struct kunit *test)
{
	static const u64 ns[] = { 1, U64_MAX >> 9, 1, 3500, NSEC_PER_SEC };
	struct ip_vs_est_meter *m = test->priv;
	struct ip_vs_est_walk walk = {
		.results[IP_VS_EST_READ_ALL] = METER_TEST_FULL,
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		for (n = 0; n < 10; n++) {
			walk.busy_ns = ns[i];
			ip_vs_est_meter_add(m, ns[i], &walk, METER_TEST_FULL);
			KUNIT_EXPECT_GT(test,
					ip_vs_est_meter_period(m, METER_TEST_FULL),
					0);
		}
	}
	/* A clock that went back */
	walk.busy_ns = -1;
	ip_vs_est_meter_add(m, 1000, &walk, METER_TEST_FULL);
	KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(m, METER_TEST_FULL), 0);
}

/* All chains are probed until there is enough, then some */
static void meter_test_turns(struct kunit *test)
{
	struct ip_vs_est_meter *m = test->priv;
	unsigned int n, turns = 0;

	for (n = 0; n < 1000; n++)
		KUNIT_EXPECT_TRUE(test, ip_vs_est_meter_probe_due(m));
	for (n = 0; n < 100; n++)
		meter_test_chain(m, METER_TEST_FULL, 3500, 0);
	for (n = 0; n < 1600; n++)
		turns += ip_vs_est_meter_probe_due(m);
	KUNIT_EXPECT_EQ(test, turns, 100);
	meter_test_expect(test, 3500);
	KUNIT_EXPECT_TRUE(test, ip_vs_est_meter_probe_due(m));
}

static struct kunit_case meter_test_cases[] = {
	KUNIT_CASE(meter_test_all_busy),
	KUNIT_CASE(meter_test_few_busy),
	KUNIT_CASE(meter_test_cannot_tell),
	KUNIT_CASE(meter_test_short),
	KUNIT_CASE(meter_test_half_full),
	KUNIT_CASE(meter_test_untimed),
	KUNIT_CASE(meter_test_contradiction),
	KUNIT_CASE(meter_test_held_up),
	KUNIT_CASE(meter_test_slow_clock),
	KUNIT_CASE(meter_test_chance),
	KUNIT_CASE(meter_test_some_groups),
	KUNIT_CASE(meter_test_slow_at_that),
	KUNIT_CASE(meter_test_absurd),
	KUNIT_CASE(meter_test_turns),
	{}
};

static struct kunit_suite meter_test_suite = {
	.name = "ipvs-est-meter",
	.init = meter_test_init,
	.test_cases = meter_test_cases,
};

kunit_test_suite(meter_test_suite);
