// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: estimators leave rows and chains
 *
 * Specified here: who must leave when a limit has become lower, what a walker
 * sees while others leave, and that all of it stays consistent in any order.
 */

#include <linux/prandom.h>
#include <linux/rculist.h>

#include "ip_vs_est_chain_test.h"

static struct ip_vs_stats *chain_test_excess(struct chain_test *t,
					     unsigned int row, u32 limit)
{
	struct ip_vs_stats *stats;

	spin_lock(&t->net.lock);
	stats = ip_vs_est_chain_excess(t->ctx, row, limit);
	spin_unlock(&t->net.lock);
	return stats;
}

/* Finds estimators in chains above a limit until the row keeps it */
static void leave_test_excess_above_limit(struct kunit *test)
{
	struct chain_test *t = test->priv;
	struct ip_vs_stats *stats;
	unsigned int n;

	KUNIT_EXPECT_PTR_EQ(test, chain_test_excess(t, 0, 0), NULL);

	/* Two rows: 4 and 3 */
	chain_test_fill(test, 0, 7, 4);
	KUNIT_EXPECT_PTR_EQ(test, chain_test_excess(t, 0, 4), NULL);
	KUNIT_EXPECT_PTR_EQ(test, chain_test_excess(t, 2, 0), NULL);

	for (n = 0; (stats = chain_test_excess(t, 0, 3)); n++) {
		KUNIT_ASSERT_EQ(test, stats->est.row, 0);
		chain_test_del(t, stats - t->stats);
	}
	KUNIT_EXPECT_EQ(test, n, 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 3), 6);
	KUNIT_EXPECT_PTR_EQ(test, chain_test_excess(t, 1, 3), NULL);

	for (n = 0; (stats = chain_test_excess(t, 1, 0)); n++) {
		KUNIT_ASSERT_EQ(test, stats->est.row, 1);
		chain_test_del(t, stats - t->stats);
	}
	KUNIT_EXPECT_EQ(test, n, 3);
	KUNIT_EXPECT_FALSE(test, test_bit(1, t->ctx->used));
}

/* ... in each of the chains, not the first only */
static void leave_test_excess_in_any_chain(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int n = IP_VS_EST_ROWS * IP_VS_EST_CHAINS;
	struct ip_vs_stats *stats;

	chain_test_fill(test, 0, n, 1);
	/* Now the first of row 0 once more, above the limit */
	KUNIT_ASSERT_EQ(test, chain_test_add(t, n, 2), 0);
	stats = chain_test_excess(t, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, stats, &t->stats[n]);

	for (n = 0; (stats = chain_test_excess(t, 0, 0)); n++)
		chain_test_del(t, stats - t->stats);
	KUNIT_EXPECT_EQ(test, n, IP_VS_EST_CHAINS + 1);
}

/* ... and those of the last chains, if fewer are enough */
static void leave_test_excess_of_chains(struct kunit *test)
{
	struct chain_test *t = test->priv;
	struct ip_vs_stats *stats;
	unsigned int n, last = IP_VS_EST_CHAINS;

	chain_test_fill(test, 0, IP_VS_EST_ROWS * IP_VS_EST_CHAINS, 1);
	KUNIT_EXPECT_PTR_EQ(test, chain_test_excess(t, 0, 1), NULL);
	for (n = 0; (stats = chain_test_excess(t, 0, 10)); n++) {
		KUNIT_ASSERT_EQ(test, stats->est.row, 0);
		KUNIT_ASSERT_EQ(test, stats->est.chain, --last);
		chain_test_del(t, stats - t->stats);
	}
	KUNIT_EXPECT_EQ(test, n, IP_VS_EST_CHAINS - 1);
}

static struct ip_vs_stats *chain_test_step(struct ip_vs_stats *stats)
{
	struct hlist_node *next;

	if (!stats)
		return NULL;
	next = rcu_dereference(hlist_next_rcu(&stats->est.node));
	return hlist_entry_safe(next, struct ip_vs_stats, est.node);
}

/* A walker that stands on estimators which leave goes on along its chain,
 * and does not meet those which come
 */
static void leave_test_leave_under_walker(struct kunit *test)
{
	struct chain_test *t = test->priv;
	struct ip_vs_stats *seen[2], *end;

	/* The last one is first in the chain: 3 2 1 0 */
	chain_test_fill(test, 0, 4, 10);

	rcu_read_lock();
	seen[0] = &t->stats[3];
	chain_test_del(t, 2);
	chain_test_del(t, 3);
	chain_test_add_without_spare(t, 4, 10);
	/* Standing on 3, which knows 2 no more */
	seen[0] = chain_test_step(seen[0]);
	chain_test_del(t, 1);
	seen[1] = chain_test_step(seen[0]);
	end = chain_test_step(seen[1]);
	rcu_read_unlock();

	KUNIT_EXPECT_PTR_EQ(test, seen[0], &t->stats[1]);
	KUNIT_EXPECT_PTR_EQ(test, seen[1], &t->stats[0]);
	KUNIT_EXPECT_PTR_EQ(test, end, NULL);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 10), 2);
}

/* A walker that has read a row may go on reading it after it was closed */
static void leave_test_close_under_walker(struct kunit *test)
{
	struct chain_test *t = test->priv;
	struct ip_vs_est_row *old;
	bool empty, published;

	chain_test_fill(test, 0, 1, 10);
	KUNIT_ASSERT_EQ(test, t->stats[0].est.row, 0);
	KUNIT_ASSERT_EQ(test, chain_test_add(t, 1, 1), 1);

	rcu_read_lock();
	old = rcu_dereference(t->ctx->rows[0]);
	chain_test_del(t, 0);
	published = rcu_access_pointer(t->ctx->rows[0]);
	/* KASAN would complain here, were it freed */
	empty = hlist_empty(&old->chain[0]) && !old->len[0];
	rcu_read_unlock();

	KUNIT_EXPECT_FALSE(test, published);
	KUNIT_EXPECT_TRUE(test, empty);

	/* Another row is in its place after that */
	KUNIT_EXPECT_EQ(test, chain_test_add(t, 2, 1), 1);
	KUNIT_EXPECT_EQ(test, t->stats[2].est.row, 0);
}

/* Add and delete at random, over the edge where the context is full */
static void leave_test_random(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int room = IP_VS_EST_ROWS * IP_VS_EST_CHAINS;
	unsigned int in = 0, full = 0, step, i;
	struct rnd_state rnd;
	int ret;

	prandom_seed_state(&rnd, 38790103);
	for (step = 0; step < 24000; step++) {
		i = prandom_u32_state(&rnd) % (room + room / 4);
		if (!t->stats[i].est.ctx) {
			ret = chain_test_add(t, i, 1);
			if (in == room) {
				KUNIT_ASSERT_EQ(test, ret, -ENOSPC);
				full++;
			} else {
				KUNIT_ASSERT_GE(test, ret, 0);
				in++;
			}
		} else if (prandom_u32_state(&rnd) % 8 == 0) {
			chain_test_del(t, i);
			in--;
		}
		if (step % 3000 == 0)
			KUNIT_ASSERT_EQ(test,
					ip_vs_est_test_ctx(test, t->ctx, 1),
					in);
	}
	/* It has been there */
	KUNIT_EXPECT_GT(test, full, 0);

	for (i = 0; i < room + room / 4; i++) {
		if (t->stats[i].est.ctx)
			chain_test_del(t, i);
	}
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 1), 0);
}

/* The same with longer chains, some of them: each is in one place only */
static void leave_test_random_limits(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int in = 0, step, i;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 790103);
	for (step = 0; step < 12000; step++) {
		i = prandom_u32_state(&rnd) % 3000;
		if (t->stats[i].est.ctx) {
			chain_test_del(t, i);
			in--;
		} else {
			/* Limits change, and chains may be above them */
			u32 chain_max = 5 + prandom_u32_state(&rnd) % 20;

			KUNIT_ASSERT_GE(test, chain_test_add(t, i, chain_max),
					0);
			in++;
		}
		if (step % 1000 == 0)
			KUNIT_ASSERT_EQ(test,
					ip_vs_est_test_ctx(test, t->ctx, 24),
					in);
	}
}

static struct kunit_case leave_test_cases[] = {
	KUNIT_CASE(leave_test_excess_above_limit),
	KUNIT_CASE(leave_test_excess_in_any_chain),
	KUNIT_CASE(leave_test_excess_of_chains),
	KUNIT_CASE(leave_test_leave_under_walker),
	KUNIT_CASE(leave_test_close_under_walker),
	KUNIT_CASE(leave_test_random),
	KUNIT_CASE(leave_test_random_limits),
	{}
};

static struct kunit_suite leave_test_suite = {
	.name = "ipvs-est-leave",
	.init = chain_test_init,
	.exit = chain_test_exit,
	.test_cases = leave_test_cases,
};

kunit_test_suites(&leave_test_suite);
