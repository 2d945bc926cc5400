// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: repacking
 *
 * Specified here: what is taken out when limits change and when few estimators
 * are left in many rows, that all of it gets a place again, and that there are
 * no more rows and contexts then than it needs.  No kthread runs: the tests do
 * what kthread 0 does.
 */

#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* Another limit, and all that kthread 0 takes out for it */
static void repack_test_to(struct ip_vs_est_test *t, u32 chain_max)
{
	spin_lock(&t->est->lock);
	t->est->chain_max = chain_max;
	ip_vs_est_repack(t->est);
	spin_unlock(&t->est->lock);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
}

/* Fewer CPUs are fewer contexts: the last ones are emptied */
static void repack_test_limit_lowered(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make_placed(test, IP_VS_EST_TEST_ROOM + 5);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	ip_vs_est_test_unprivileged(test);
	KUNIT_EXPECT_TRUE(test, t->est->repack);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM, 5);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM, 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
}

/* The limit comes back before kthread 0 has begun: nobody has to go */
static void repack_test_limit_back(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct net *net = t->ipvs->net;

	ip_vs_est_test_make_placed(test, IP_VS_EST_TEST_ROOM + 5);
	ip_vs_est_test_unprivileged(test);
	KUNIT_EXPECT_TRUE(test, t->est->slot[1]->draining);

	spin_lock(&t->est->lock);
	t->ipvs->net = net;
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	KUNIT_EXPECT_FALSE(test, t->est->slot[1]->draining);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	KUNIT_EXPECT_EQ(test, t->est->nctx, 2);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM + 5, 0);
}

/* What is above a lower limit is taken out, no more, and placed again */
static void repack_test_lower(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	t->est->chain_max = 10;
	ip_vs_est_test_make_placed(test, 300);
	ip_vs_est_test_expect(test, 300, 0);

	/* 30 rows with a chain of 10 each */
	repack_test_to(t, 4);
	ip_vs_est_test_expect(test, 30 * 4, 30 * 6);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, 300, 0);
}

/* ... and if there is no room for all: nobody is lost */
static void repack_test_no_room(struct kunit *test)
{
	const unsigned int room = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_unprivileged(test);
	t->est->chain_max = 2;
	ip_vs_est_test_make_placed(test, 2 * room);
	ip_vs_est_test_expect(test, 2 * room, 0);

	repack_test_to(t, 1);
	ip_vs_est_test_expect(test, room, room);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, room, room);
	KUNIT_EXPECT_TRUE(test, t->est->full);

	repack_test_to(t, 2);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, 2 * room, 0);
}

/* With a higher limit, contexts and rows are too many: those are emptied */
static void repack_test_raise(struct kunit *test)
{
	const unsigned int n = IP_VS_EST_TEST_ROOM + 1;
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make_placed(test, n);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);

	repack_test_to(t, 100);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	/* 2401 are 25 rows of up to 100, which is one chain in each */
	ip_vs_est_test_expect(test, 25, n - 25);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, n, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	KUNIT_EXPECT_EQ(test, bitmap_weight(t->est->slot[0]->used,
					    IP_VS_EST_ROWS), 25);
}

/* ... and chains: where all rows are needed before and after, they are fewer
 * and full
 */
static void repack_test_raise_chains(struct kunit *test)
{
	const unsigned int n = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;
	unsigned int row, chain, full = 0, used = 0;

	ip_vs_est_test_make_placed(test, n);
	repack_test_to(t, 10);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, n, 0);
	for (row = 0; row < IP_VS_EST_ROWS; row++) {
		struct ip_vs_est_row *r;

		r = ip_vs_est_test_row(t->est->slot[0], row);
		for (chain = 0; r && chain < IP_VS_EST_CHAINS; chain++) {
			used += !!r->len[chain];
			full += r->len[chain] == 10;
		}
	}
	/* 48 in a row are 4 full chains, and one that is not */
	KUNIT_EXPECT_LE(test, used, IP_VS_EST_ROWS * 5);
	KUNIT_EXPECT_GE(test, full, IP_VS_EST_ROWS * 4);
}

/* Repacking goes step by step: estimators come and go in between */
static void repack_test_meanwhile(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	t->est->chain_max = 10;
	ip_vs_est_test_make(test, 400);
	ip_vs_est_test_start(test, 0, 300);
	ip_vs_est_test_place(t);

	spin_lock(&t->est->lock);
	t->est->chain_max = 4;
	ip_vs_est_repack(t->est);
	spin_unlock(&t->est->lock);
	for (i = 0; ip_vs_est_repack_step(t->est); i++) {
		/* No more than 16 leave in a step */
		KUNIT_ASSERT_LE(test, ip_vs_est_test_pending(t), (i + 1) * 17);
		if (i < 50) {
			ip_vs_est_test_stop(test, 299 - i, 300 - i);
			ip_vs_est_test_start(test, 300 + i, 301 + i);
		}
	}
	KUNIT_EXPECT_GT(test, i, 5);
	KUNIT_EXPECT_EQ(test, t->est->started, 300);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, 300, 0);
}

/* Few that are left in many rows are packed again, not before it is worth it */
static void repack_test_compact(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	/* 40 rows of 10, of which 3 stay, or 2 in some */
	t->est->chain_max = 10;
	ip_vs_est_test_make_placed(test, 400);
	KUNIT_EXPECT_EQ(test, t->est->nrows, 40);
	for (i = 0; i < 400; i++) {
		if (i % 10 < (i < 190 ? 8 : 7))
			ip_vs_est_test_stop(test, i, i + 1);
	}
	/* 101 need 11 rows, more than a quarter of 40 */
	KUNIT_EXPECT_EQ(test, t->est->started, 101);
	KUNIT_EXPECT_FALSE(test, t->est->repack);
	KUNIT_EXPECT_EQ(test, t->est->nrows, 40);

	ip_vs_est_test_stop(test, 199, 200);
	KUNIT_EXPECT_TRUE(test, t->est->repack);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, 100, 0);
	KUNIT_EXPECT_EQ(test, t->est->nrows, 10);
	KUNIT_EXPECT_FALSE(test, t->est->repack);
}

/* ... of many contexts, too */
static void repack_test_compact_contexts(struct kunit *test)
{
	const unsigned int room = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;
	unsigned int i, left = 0;

	ip_vs_est_test_make_placed(test, 4 * room);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 4);
	KUNIT_EXPECT_EQ(test, t->est->nrows, 4 * IP_VS_EST_ROWS);
	/* From each context the same */
	for (i = 0; i < 4 * room; i++) {
		if (i % 100 == 0)
			left++;
		else
			ip_vs_est_test_stop(test, i, i + 1);
	}
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, left, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	KUNIT_EXPECT_FALSE(test, t->est->repack);
}

static struct kunit_case repack_test_cases[] = {
	KUNIT_CASE(repack_test_limit_lowered),
	KUNIT_CASE(repack_test_limit_back),
	KUNIT_CASE(repack_test_lower),
	KUNIT_CASE(repack_test_no_room),
	KUNIT_CASE(repack_test_raise),
	KUNIT_CASE(repack_test_raise_chains),
	KUNIT_CASE(repack_test_meanwhile),
	KUNIT_CASE(repack_test_compact),
	KUNIT_CASE(repack_test_compact_contexts),
	{}
};

static struct kunit_suite repack_test_suite = {
	.name = "ipvs-est-repack",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = ip_vs_est_test_init_still,
	.exit = ip_vs_est_test_exit,
	.test_cases = repack_test_cases,
};

kunit_test_suites(&repack_test_suite);
