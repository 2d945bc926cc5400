// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: when measured chains change the limit */

#include <linux/time64.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* A chain of @n, full, for which all CPUs were read, took @ns */
static void meter_test_chain(struct ip_vs_est_meter *m, u64 ns, u32 n)
{
	struct ip_vs_est_walk walk = { .did[IP_VS_EST_READ_ALL] = n };

	ip_vs_est_meter_add(m, ns, &walk, n);
}

/* The end of a period in which @chains full chains of 20 took @ns each */
static u32 meter_test_period(struct ip_vs_est_meter *m, u64 ns,
			     unsigned int chains, bool lowered)
{
	while (chains--)
		meter_test_chain(m, ns, 20);
	return ip_vs_est_meter_period(m, 20, lowered);
}

/* Three periods above 120 us: 95 us by what one has taken, here 6.5 us */
static void meter_test_too_slow(struct kunit *test)
{
	struct ip_vs_est_meter m = {};

	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 14);

	/* And then anew */
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, true), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, true), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, true), 14);
}

/* Three periods below 50 us, here 2 us each */
static void meter_test_too_fast(struct kunit *test)
{
	struct ip_vs_est_meter m = {};

	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 40000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 40000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 40000, 1, false), 47);
}

/* 120 us are not too slow yet, 50 us not too fast: a period like that in
 * between and the count begins again
 */
static void meter_test_in_between(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 10; i++) {
		u64 ns = i % 3 < 2 ? 120001 : 120000;

		KUNIT_EXPECT_EQ(test, meter_test_period(&m, ns, 1, false), 0);
	}
	for (i = 0; i < 10; i++) {
		u64 ns = i % 3 < 2 ? 49999 : 50000;

		KUNIT_EXPECT_EQ(test, meter_test_period(&m, ns, 1, false), 0);
	}
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 95000, 1, false),
				0);
}

/* Slow after fast is the first slow one, and the other way round */
static void meter_test_opposite(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 10; i++) {
		u64 ns = i % 4 < 2 ? 130000 : 40000;

		KUNIT_EXPECT_EQ(test, meter_test_period(&m, ns, 1, false), 0);
	}
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 14);
}

/* A period without a full chain says nothing, and forgets nothing */
static void meter_test_no_chains(struct kunit *test)
{
	struct ip_vs_est_meter m = {};

	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false), 14);
}

/* The mean decides, not one chain that was interrupted, however long */
static void meter_test_mean(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		meter_test_chain(&m, NSEC_PER_SEC, 20);
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 80000, 99, false),
				0);
	}
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 200000, 7, false),
				0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 200000, 7, false), 9);
}

/* Raising a limit that was lowered takes a minute, lowering it does not */
static void meter_test_lowered(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 29; i++)
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 40000, 1, true), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 40000, 1, true), 47);

	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, true),
				0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, true), 14);
}

/* Chains that are not full tell nothing */
static void meter_test_not_full(struct kunit *test)
{
	struct ip_vs_est_walk walk = { .did[IP_VS_EST_READ_ALL] = 19 };
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 10; i++) {
		ip_vs_est_meter_add(&m, i < 5 ? 1000 : 1000000, &walk, 20);
		KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(&m, 20, false), 0);
	}
}

/* Those that were quick because something in them was quiet, or early, or had
 * no packet on some CPU do not tell that more would fit.
 */
static void meter_test_not_worst(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int did, i;

	for (did = 0; did < IP_VS_EST_READ_ALL; did++) {
		struct ip_vs_est_walk walk = {
			.did[IP_VS_EST_READ_ALL] = 19,
		};

		walk.did[did] = 1;
		for (i = 0; i < 10; i++) {
			ip_vs_est_meter_add(&m, 1000, &walk, 20);
			KUNIT_EXPECT_EQ(test,
					ip_vs_est_meter_period(&m, 20, false),
					0);
		}
	}
}

/* One of many quick chains that is held up in each period, by the hypervisor
 * perhaps, does not make them slow.  (It did when only it was counted.)
 */
static void meter_test_held_up(struct kunit *test)
{
	static const struct ip_vs_est_walk idle = { .did[IP_VS_EST_IDLE] = 20 };
	struct ip_vs_est_meter m = {};
	unsigned int i, chain;

	for (i = 0; i < 10; i++) {
		for (chain = 0; chain < 99; chain++)
			ip_vs_est_meter_add(&m, 5000, &idle, 20);
		ip_vs_est_meter_add(&m, NSEC_PER_SEC, &idle, 20);
		KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(&m, 20, false), 0);
	}
}

/* Chains that are read in all are too slow, though the mean with all the idle
 * ones is not
 */
static void meter_test_slow_among_idle(struct kunit *test)
{
	static const struct ip_vs_est_walk idle = { .did[IP_VS_EST_IDLE] = 20 };
	struct ip_vs_est_meter m = {};
	unsigned int i, chain;

	for (i = 0; i < 3; i++) {
		for (chain = 0; chain < 99; chain++)
			ip_vs_est_meter_add(&m, 5000, &idle, 20);
		KUNIT_EXPECT_EQ(test, meter_test_period(&m, 130000, 1, false),
				i < 2 ? 0 : 14);
	}
}

/* But when they are too slow all the same, they do */
static void meter_test_slow_at_that(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	struct ip_vs_est_walk walk = {
		.did[IP_VS_EST_IDLE] = 10,
		.did[IP_VS_EST_READ] = 10,
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ip_vs_est_meter_add(&m, 130000, &walk, 20);
		KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(&m, 20, false),
				i < 2 ? 0 : 14);
	}
}

/* What is asked for is in use already: nothing to change */
static void meter_test_equal_limit(struct kunit *test)
{
	struct ip_vs_est_meter m = {};
	unsigned int i;

	for (i = 0; i < 10; i++) {
		meter_test_chain(&m, 500000, 1);
		KUNIT_EXPECT_EQ(test, ip_vs_est_meter_period(&m, 1, true), 0);
	}
	for (i = 0; i < 10; i++) {
		meter_test_chain(&m, 10, U16_MAX);
		KUNIT_EXPECT_EQ(test,
				ip_vs_est_meter_period(&m, U16_MAX, false), 0);
	}
}

/* A clock too coarse for a chain: up to the most there may be */
static void meter_test_no_time(struct kunit *test)
{
	struct ip_vs_est_meter m = {};

	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, meter_test_period(&m, 0, 1, false), U16_MAX);
}

static struct kunit_case meter_test_cases[] = {
	KUNIT_CASE(meter_test_too_slow),
	KUNIT_CASE(meter_test_too_fast),
	KUNIT_CASE(meter_test_in_between),
	KUNIT_CASE(meter_test_opposite),
	KUNIT_CASE(meter_test_no_chains),
	KUNIT_CASE(meter_test_mean),
	KUNIT_CASE(meter_test_lowered),
	KUNIT_CASE(meter_test_not_full),
	KUNIT_CASE(meter_test_not_worst),
	KUNIT_CASE(meter_test_held_up),
	KUNIT_CASE(meter_test_slow_among_idle),
	KUNIT_CASE(meter_test_slow_at_that),
	KUNIT_CASE(meter_test_equal_limit),
	KUNIT_CASE(meter_test_no_time),
	{}
};

static struct kunit_suite meter_test_suite = {
	.name = "ipvs-est-meter",
	.test_cases = meter_test_cases,
};

kunit_test_suites(&meter_test_suite);
