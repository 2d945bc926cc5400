// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS averages: the arithmetic of a sample
 *
 * Specified here: what a sample makes of any difference and any time, and how
 * averages rise, fall and are rounded.  The estimators are on the stack:
 * nobody else sees them, so that they need no lock.
 */

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* A rate of 1/s, scaled */
#define ONE_PACKET	((s64)1 << 10)

/* A sample in which @n more are counted in @elapsed jiffies */
static s64 fold_test_sample(struct ip_vs_estimator *est, enum ip_vs_count c,
			    u64 n, u64 elapsed)
{
	struct ip_vs_counts now = est->base;

	now.v[c] += n;
	ip_vs_est_fold(est, &now, elapsed);
	return est->avg[c];
}

/* A quarter of the rate, scaled, no more and no less */
static void fold_test_first_sample(struct kunit *test)
{
	struct ip_vs_counts now = { .v = {
		[IP_VS_CONNS]		= 7,
		[IP_VS_INPKTS]		= 1,
		[IP_VS_OUTPKTS]		= 1000,
		[IP_VS_INBYTES]		= 1500,
		[IP_VS_OUTBYTES]	= 40,
	} };
	struct ip_vs_estimator est = {};
	unsigned int c;

	ip_vs_est_fold(&est, &now, 2 * HZ);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_CONNS], 896);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_INPKTS], 128);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_OUTPKTS], 128000);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_INBYTES], 6000);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_OUTBYTES], 160);
	for (c = 0; c < IP_VS_NCOUNTS; c++)
		KUNIT_EXPECT_EQ(test, est.base.v[c], now.v[c]);

	/* A third of a scaled unit is dropped */
	memset(&est, 0, sizeof(est));
	KUNIT_EXPECT_EQ(test, fold_test_sample(&est, IP_VS_CONNS, 1, 3 * HZ),
			85);
}

/* What is missing to a steady rate shrinks to 3/4 with each sample */
static void fold_test_steady(struct kunit *test)
{
	s64 rate = 1000 * ONE_PACKET, last = 0, avg;
	struct ip_vs_estimator est = {};
	u64 miss = rate;
	unsigned int n;

	for (n = 1; n <= 60; n++) {
		avg = fold_test_sample(&est, IP_VS_INPKTS, 2000, 2 * HZ);
		/* Rounded up: averages are rounded down */
		miss -= miss / 4;
		KUNIT_EXPECT_EQ(test, rate - avg, miss);
		KUNIT_EXPECT_GE(test, avg, last);
		last = avg;
	}
	KUNIT_EXPECT_LE(test, miss, 3);
	KUNIT_EXPECT_EQ(test, ip_vs_est_rate(&est, IP_VS_INPKTS), 1000);
}

/* The 3/4 of above once more, as the error in percent that users see */
static void fold_test_converges(struct kunit *test)
{
	static const unsigned int percent[] = {
		75, 57, 43, 32, 24, 18, 14, 11, 8, 6, 5, 4, 3, 2, 2, 2
	};
	struct ip_vs_estimator est = {};
	unsigned int i;
	u64 rate;

	for (i = 0; i < ARRAY_SIZE(percent); i++) {
		fold_test_sample(&est, IP_VS_OUTBYTES, 2000000, 2 * HZ);
		rate = ip_vs_est_rate(&est, IP_VS_OUTBYTES);
		KUNIT_EXPECT_GE(test, rate, 10000 * (100 - percent[i]));
		KUNIT_EXPECT_LE(test, rate, 1000000);
	}
}

/* Without traffic an average falls, never below 0, and 0 it is in the end */
static void fold_test_decay(struct kunit *test)
{
	struct ip_vs_estimator est = {};
	unsigned int n = 0;
	s64 avg, last;

	last = fold_test_sample(&est, IP_VS_INPKTS, 1000000, 2 * HZ);
	KUNIT_EXPECT_EQ(test, last, 125000 * ONE_PACKET);
	for (avg = last; avg && n < 100; n++) {
		avg = fold_test_sample(&est, IP_VS_INPKTS, 0, 2 * HZ);
		KUNIT_ASSERT_LT(test, avg, last);
		KUNIT_ASSERT_GE(test, avg, 0);
		last = avg;
	}
	KUNIT_EXPECT_EQ(test, avg, 0);
	KUNIT_EXPECT_EQ(test, fold_test_sample(&est, IP_VS_INPKTS, 0, 2 * HZ),
			0);
}

/* ... even from the highest rate there is */
static void fold_test_decay_from_top(struct kunit *test)
{
	struct ip_vs_estimator est = { .avg[IP_VS_CONNS] = S64_MAX };
	unsigned int n;

	for (n = 0; n < 200 && est.avg[IP_VS_CONNS]; n++)
		fold_test_sample(&est, IP_VS_CONNS, 0, 2 * HZ);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_CONNS], 0);
}

/* The time that has really passed counts */
static void fold_test_late(struct kunit *test)
{
	struct ip_vs_estimator punctual = {}, late = {}, early = {};

	fold_test_sample(&punctual, IP_VS_INPKTS, 2000, 2 * HZ);
	fold_test_sample(&late, IP_VS_INPKTS, 10000, 10 * HZ);
	fold_test_sample(&early, IP_VS_INPKTS, 1000, HZ);
	KUNIT_EXPECT_EQ(test, punctual.avg[IP_VS_INPKTS], 250 * ONE_PACKET);
	KUNIT_EXPECT_EQ(test, late.avg[IP_VS_INPKTS], 250 * ONE_PACKET);
	KUNIT_EXPECT_EQ(test, early.avg[IP_VS_INPKTS], 250 * ONE_PACKET);
}

/* A rate of long ago, which was not shown any more, does not come back */
static void fold_test_stale(struct kunit *test)
{
	struct ip_vs_estimator est = {
		.avg[IP_VS_CONNS] = 1000 * ONE_PACKET,
		.avg[IP_VS_INPKTS] = 1000 * ONE_PACKET,
		.avg[IP_VS_OUTPKTS] = S64_MAX,
	};

	fold_test_sample(&est, IP_VS_INPKTS, 36000, 3600 * HZ);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_CONNS], 0);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_INPKTS], 10 * ONE_PACKET);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_OUTPKTS], 0);

	/* As long as it was shown, it has its weight */
	est.avg[IP_VS_CONNS] = 1000 * ONE_PACKET;
	fold_test_sample(&est, IP_VS_CONNS, 0, 10 * HZ);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_CONNS], 750 * ONE_PACKET);
	fold_test_sample(&est, IP_VS_CONNS, 0, 10 * HZ + 1);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_CONNS], 0);
}

static void fold_test_elapsed_bounds(struct kunit *test)
{
	static const u64 long_times[] = {
		U32_MAX, 1ULL << 32, (1ULL << 32) + 1, U64_MAX
	};
	struct ip_vs_estimator est = {};
	unsigned int i;

	/* No time is as one jiffy */
	fold_test_sample(&est, IP_VS_INPKTS, 1, 0);
	KUNIT_EXPECT_EQ(test, est.avg[IP_VS_INPKTS], HZ * ONE_PACKET / 4);

	/* More than 32 bits of them is as U32_MAX */
	for (i = 0; i < ARRAY_SIZE(long_times); i++) {
		memset(&est, 0, sizeof(est));
		fold_test_sample(&est, IP_VS_INPKTS, 5ULL * U32_MAX,
				 long_times[i]);
		KUNIT_EXPECT_EQ(test, est.avg[IP_VS_INPKTS],
				5 * HZ * ONE_PACKET);
	}
}

/* Too much for 63 bits: the most there is, and never negative */
static void fold_test_saturates(struct kunit *test)
{
	struct ip_vs_estimator est = {};
	s64 last = 0, avg;
	unsigned int n;

	for (n = 0; n < 300; n++) {
		avg = fold_test_sample(&est, IP_VS_CONNS, U64_MAX, 1);
		if (!n)
			KUNIT_EXPECT_EQ(test, avg, S64_MAX / 4);
		KUNIT_ASSERT_GE(test, avg, last);
		last = avg;
	}
	KUNIT_EXPECT_GE(test, last, S64_MAX - 3);

	/* The largest difference over 2 s, still exact to 1 in 2^12 */
	memset(&est, 0, sizeof(est));
	avg = fold_test_sample(&est, IP_VS_INBYTES, U64_MAX >> 8, 2 * HZ);
	KUNIT_EXPECT_GE(test, avg, ((s64)1 << 58) - ((s64)1 << 46));
	KUNIT_EXPECT_LE(test, avg, (s64)1 << 58);
}

/* Where the order of operations changes, the result does not jump */
static void fold_test_precision_edge(struct kunit *test)
{
	u64 edge = (U64_MAX / HZ) >> 10;
	struct ip_vs_estimator below = {}, above = {};
	s64 b, a;

	b = fold_test_sample(&below, IP_VS_INPKTS, edge, U32_MAX);
	a = fold_test_sample(&above, IP_VS_INPKTS, edge + 1, U32_MAX);
	KUNIT_EXPECT_LE(test, a, b + 1);
	KUNIT_EXPECT_GE(test, a, b - (b >> 12));
}

/* A counter that runs over at 64 bits has counted what it has counted */
static void fold_test_counter_wraps(struct kunit *test)
{
	struct ip_vs_estimator est = {};

	est.base.v[IP_VS_INPKTS] = U64_MAX - 999;
	KUNIT_EXPECT_EQ(test,
			fold_test_sample(&est, IP_VS_INPKTS, 2000, 2 * HZ),
			250 * ONE_PACKET);
	KUNIT_EXPECT_EQ(test, est.base.v[IP_VS_INPKTS], 1000);

	est.base.v[IP_VS_OUTPKTS] = U32_MAX - 999;
	KUNIT_EXPECT_EQ(test,
			fold_test_sample(&est, IP_VS_OUTPKTS, 2000, 2 * HZ),
			250 * ONE_PACKET);
}

/* To the nearest, a half downwards */
static void fold_test_rate_rounding(struct kunit *test)
{
	static const struct {
		enum ip_vs_count	c;
		s64			avg;
		u64			rate;
	} cases[] = {
		{ IP_VS_CONNS, 0, 0 },
		{ IP_VS_CONNS, 512, 0 },
		{ IP_VS_CONNS, 513, 1 },
		{ IP_VS_CONNS, 1024, 1 },
		{ IP_VS_INPKTS, 1536, 1 },
		{ IP_VS_OUTPKTS, 1537, 2 },
		{ IP_VS_INBYTES, 16, 0 },
		{ IP_VS_INBYTES, 17, 1 },
		{ IP_VS_INBYTES, 32, 1 },
		{ IP_VS_OUTBYTES, 48, 1 },
		{ IP_VS_OUTBYTES, 49, 2 },
		{ IP_VS_CONNS, S64_MAX, 1ULL << 53 },
		{ IP_VS_INBYTES, S64_MAX, 1ULL << 58 },
	};
	struct ip_vs_estimator est = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		est.avg[cases[i].c] = cases[i].avg;
		KUNIT_EXPECT_EQ(test, ip_vs_est_rate(&est, cases[i].c),
				cases[i].rate);
	}
}

static struct kunit_case fold_test_cases[] = {
	KUNIT_CASE(fold_test_first_sample),
	KUNIT_CASE(fold_test_steady),
	KUNIT_CASE(fold_test_converges),
	KUNIT_CASE(fold_test_decay),
	KUNIT_CASE(fold_test_decay_from_top),
	KUNIT_CASE(fold_test_late),
	KUNIT_CASE(fold_test_stale),
	KUNIT_CASE(fold_test_elapsed_bounds),
	KUNIT_CASE(fold_test_saturates),
	KUNIT_CASE(fold_test_precision_edge),
	KUNIT_CASE(fold_test_counter_wraps),
	KUNIT_CASE(fold_test_rate_rounding),
	{}
};

static struct kunit_suite fold_test_suite = {
	.name = "ipvs-averages",
	.test_cases = fold_test_cases,
};

kunit_test_suites(&fold_test_suite);
