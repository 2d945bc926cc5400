// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: when the cost changes the limit
 *
 * Specified here: how many rounds must agree before a limit is changed, to what
 * it is changed, and what happens when no kthread has measured a cost.
 */

#include <linux/time64.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* In units of ip_vs_est_meter_period() */
#define JUDGE_TEST_NS(ns)	((u32)(ns) << IP_VS_EST_COST_SHIFT)

/* A round in which an estimator cost @ns, with 20 in use and 27 guessed */
static u32 judge_test_round(struct ip_vs_est_judge *j, u64 ns)
{
	j->cost = JUDGE_TEST_NS(ns);
	return ip_vs_est_judge_round(j, 20, 27);
}

/* Two rounds above 102 us for 20: 95 us by what one has taken */
static void judge_test_too_slow(struct kunit *test)
{
	struct ip_vs_est_judge j = {};

	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 5101), 0);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 5101), 18);
	/* And then anew, by the one of them that asks for less of a change */
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 9500), 0);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 6500), 14);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 6500), 0);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 95000), 14);
}

/* Four rounds for a limit that is higher by more than 1/16 */
static void judge_test_too_fast(struct kunit *test)
{
	struct ip_vs_est_judge j = {};
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, 3500), 0);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 4000), 23);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, 1), 0);
	KUNIT_EXPECT_EQ(test, judge_test_round(&j, 3500), 27);
}

/* In between the limit stays; one such round and the count begins again */
static void judge_test_in_between(struct kunit *test)
{
	struct ip_vs_est_judge j = {};
	unsigned int i;

	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, 5100), 0);
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, 4400), 0);
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, 4750), 0);
	}
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, i % 2 ? 5100 : 5101),
				0);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, i % 4 ? 3500 : 4750),
				0);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, i % 2 ? 3500 : 5101),
				0);
}

/* The slowest kthread of a round decides, whichever comes last */
static void judge_test_slowest(struct kunit *test)
{
	const u32 right = JUDGE_TEST_NS(4750), fast = JUDGE_TEST_NS(3500);
	const unsigned long round = 2 * IP_VS_EST_PERIOD;
	struct ip_vs_est_judge j = { .begun = jiffies };
	unsigned int i;
	bool over;

	for (i = 0; i < 8; i++) {
		over = ip_vs_est_judge_add(&j, right, j.begun + 1);
		KUNIT_EXPECT_FALSE(test, over);
		over = ip_vs_est_judge_add(&j, 0, j.begun + round - 1);
		KUNIT_EXPECT_FALSE(test, over);
		over = ip_vs_est_judge_add(&j, fast, j.begun + round);
		KUNIT_EXPECT_TRUE(test, over);
		KUNIT_EXPECT_EQ(test, ip_vs_est_judge_round(&j, 20, 27), 0);
	}
	/* A round that nobody has ended for long is over */
	KUNIT_EXPECT_TRUE(test,
			  ip_vs_est_judge_add(&j, 0, j.begun + LONG_MAX));
	KUNIT_EXPECT_TRUE(test, ip_vs_est_judge_add(&j, 0, j.begun - 1));
}

/* Rounds in which nobody can tell until the limit goes back; 0: it does not */
static unsigned int judge_test_silence(struct ip_vs_est_judge *j,
				       u32 chain_max, u32 guess)
{
	unsigned int n;

	for (n = 1; n < 10000; n++) {
		if (ip_vs_est_judge_round(j, chain_max, guess) == guess)
			return n;
	}
	return 0;
}

/* When nobody can tell, lower limits than the guess end within a minute */
static void judge_test_silent(struct kunit *test)
{
	struct ip_vs_est_judge j = {};
	unsigned int rounds = 60 * HZ / (2 * IP_VS_EST_PERIOD) - 1, n;

	KUNIT_EXPECT_EQ(test, judge_test_silence(&j, 27, 27), 0);
	KUNIT_EXPECT_EQ(test, judge_test_silence(&j, 40, 27), 0);
	n = judge_test_silence(&j, 1, 27);
	KUNIT_EXPECT_GT(test, n, 4);
	KUNIT_EXPECT_LE(test, n, rounds);

	/* Not while anybody can, however seldom */
	for (n = 0; n < 100; n++)
		KUNIT_EXPECT_EQ(test, judge_test_round(&j, n % 8 ? 0 : 4750),
				0);
}

/* A guess that proves too high is believed less and less, until a limit is
 * raised again
 */
static void judge_test_false_guess(struct kunit *test)
{
	struct ip_vs_est_judge j = {};
	unsigned int first, last, n, i;

	first = judge_test_silence(&j, 20, 27);
	for (i = 0, last = first; i < 12; i++, last = n) {
		/* Too slow with 27 */
		for (n = 0; n < 2; n++) {
			j.cost = JUDGE_TEST_NS(4750);
			ip_vs_est_judge_round(&j, 27, 27);
		}
		n = judge_test_silence(&j, 20, 27);
		KUNIT_EXPECT_GE(test, n, last);
		KUNIT_EXPECT_GT(test, n, first);
	}
	for (n = 0; n < 4; n++)
		judge_test_round(&j, 3500);
	KUNIT_EXPECT_EQ(test, judge_test_silence(&j, 20, 27), first);
}

/* What is asked for is in use already, or all there may be */
static void judge_test_bounds(struct kunit *test)
{
	struct ip_vs_est_judge j = {};
	unsigned int i;

	for (i = 0; i < 10; i++) {
		j.cost = U32_MAX;
		KUNIT_EXPECT_EQ(test, ip_vs_est_judge_round(&j, 1, 27), 0);
	}
	for (i = 0; i < 10; i++) {
		j.cost = 1;
		KUNIT_EXPECT_EQ(test, ip_vs_est_judge_round(&j, U16_MAX, 27),
				0);
	}
	for (i = 0; i < 4; i++) {
		j.cost = 1;
		KUNIT_EXPECT_EQ(test, ip_vs_est_judge_round(&j, 1, 27),
				i < 3 ? 0 : U16_MAX);
	}
}

static struct kunit_case judge_test_cases[] = {
	KUNIT_CASE(judge_test_too_slow),
	KUNIT_CASE(judge_test_too_fast),
	KUNIT_CASE(judge_test_in_between),
	KUNIT_CASE(judge_test_slowest),
	KUNIT_CASE(judge_test_silent),
	KUNIT_CASE(judge_test_false_guess),
	KUNIT_CASE(judge_test_bounds),
	{}
};

static struct kunit_suite judge_test_suite = {
	.name = "ipvs-est-judge",
	.test_cases = judge_test_cases,
};

kunit_test_suite(judge_test_suite);
