// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: rows and chains
 *
 * Specified here: the order in which rows are opened and chains are filled,
 * how much a context holds, that an error changes nothing, what is left when
 * estimators leave, and what a walker sees meanwhile.
 *
 * No kthread walks these chains.  So an estimator may come back at once,
 * without the grace period that it needs elsewhere.
 */

#include <linux/prandom.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* All that a context holds with 2 in a chain, and one more */
#define CHAIN_TEST_STATS	(IP_VS_EST_ROWS * IP_VS_EST_CHAINS * 2 + 1)

struct chain_test {
	struct ip_vs_est_net	net;
	struct ip_vs_est_ctx	*ctx;
	struct ip_vs_est_row	*spare;
	struct ip_vs_stats	*stats;
};

static int chain_test_init(struct kunit *test)
{
	struct chain_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	if (!t)
		return -ENOMEM;
	test->priv = t;
	spin_lock_init(&t->net.lock);
	t->ctx = ip_vs_est_ctx_alloc(&t->net, GFP_KERNEL);
	t->stats = kvcalloc(CHAIN_TEST_STATS, sizeof(*t->stats), GFP_KERNEL);
	for (i = 0; t->stats && i < CHAIN_TEST_STATS; i++)
		spin_lock_init(&t->stats[i].lock);
	return t->ctx && t->stats ? 0 : -ENOMEM;
}

static void chain_test_exit(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int row;

	if (!t)
		return;
	for (row = 0; t->ctx && row < IP_VS_EST_ROWS; row++)
		kfree(rcu_dereference_protected(t->ctx->rows[row], true));
	kfree(t->ctx);
	kfree(t->spare);
	kvfree(t->stats);
}

static int chain_test_add_without_spare(struct chain_test *t, unsigned int i,
					u32 chain_max)
{
	int ret;

	spin_lock(&t->net.lock);
	ret = ip_vs_est_chain_add(t->ctx, &t->stats[i], chain_max, &t->spare);
	spin_unlock(&t->net.lock);
	return ret;
}

static int chain_test_add(struct chain_test *t, unsigned int i, u32 chain_max)
{
	if (!t->spare)
		t->spare = kzalloc_obj(*t->spare, GFP_KERNEL);
	return chain_test_add_without_spare(t, i, chain_max);
}

/* Add those from @from to before @to, which must succeed */
static void chain_test_fill(struct kunit *test, unsigned int from,
			    unsigned int to, u32 chain_max)
{
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_ASSERT_GE(test, chain_test_add(test->priv, i, chain_max),
				0);
}

static void chain_test_del(struct chain_test *t, unsigned int i)
{
	spin_lock(&t->net.lock);
	ip_vs_est_chain_del(&t->stats[i]);
	spin_unlock(&t->net.lock);
}

static int chain_test_next(struct chain_test *t, unsigned int from)
{
	int ret;

	spin_lock(&t->net.lock);
	ret = ip_vs_est_next_row(t->ctx, from);
	spin_unlock(&t->net.lock);
	return ret;
}

static struct ip_vs_stats *chain_test_excess(struct chain_test *t,
					     unsigned int row, u32 limit)
{
	struct ip_vs_stats *stats;

	spin_lock(&t->net.lock);
	stats = ip_vs_est_chain_excess(t->ctx, row, limit);
	spin_unlock(&t->net.lock);
	return stats;
}

/* Each row takes a chain's worth before the next one is opened */
static void chain_test_opens_rows(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < IP_VS_EST_ROWS * 3; i++) {
		KUNIT_ASSERT_EQ(test, chain_test_add(t, i, 3), i % 3 == 0);
		KUNIT_EXPECT_PTR_EQ(test, t->stats[i].est.ctx, t->ctx);
		KUNIT_EXPECT_EQ(test, t->stats[i].est.row, i / 3);
		KUNIT_EXPECT_EQ(test, t->stats[i].est.chain, 0);
	}
	KUNIT_EXPECT_TRUE(test, bitmap_full(t->ctx->used, IP_VS_EST_ROWS));
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 3), i);
}

/* When all rows are open they grow evenly, each by its next chain, which is
 * filled at once
 */
static void chain_test_least_loaded_row(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int base = IP_VS_EST_ROWS * 3, i;

	chain_test_fill(test, 0, base, 3);
	for (i = base; i < 3 * base; i++) {
		KUNIT_ASSERT_EQ(test, chain_test_add(t, i, 3), 0);
		KUNIT_EXPECT_EQ(test, t->stats[i].est.row,
				i / 3 % IP_VS_EST_ROWS);
		KUNIT_EXPECT_EQ(test, t->stats[i].est.chain, i / base);
	}

	/* Where one has left there is the least load */
	chain_test_del(t, base + 3 * 7);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, i, 3), 0);
	KUNIT_EXPECT_EQ(test, t->stats[i].est.row, 7);
	KUNIT_EXPECT_EQ(test, t->stats[i].est.chain, 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 3), 3 * base);
}

/* 50 rows of 48 chains, all full: -ENOSPC, and nothing has changed */
static void chain_test_full(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int last = CHAIN_TEST_STATS - 1;
	struct ip_vs_est_ctx *before;
	struct ip_vs_stats stats;
	unsigned int row;

	chain_test_fill(test, 0, last, 2);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), last);
	for (row = 0; row < IP_VS_EST_ROWS; row++)
		KUNIT_EXPECT_EQ(test, t->ctx->load[row], IP_VS_EST_CHAINS * 2);

	before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, t->ctx, sizeof(*before));
	memcpy(&stats, &t->stats[last], sizeof(stats));
	KUNIT_EXPECT_EQ(test, chain_test_add(t, last, 2), -ENOSPC);
	KUNIT_EXPECT_NOT_NULL(test, t->spare);
	KUNIT_EXPECT_EQ(test, memcmp(before, t->ctx, sizeof(*before)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&stats, &t->stats[last], sizeof(stats)),
			0);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), last);

	/* One goes, one comes */
	chain_test_del(t, 1234);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, last, 2), 0);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), last);
}

/* Where a row must be opened, and nowhere else, it needs the spare one */
static void chain_test_without_spare(struct kunit *test)
{
	struct chain_test *t = test->priv;
	struct ip_vs_est_ctx *before;

	KUNIT_EXPECT_EQ(test, chain_test_add_without_spare(t, 0, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[0].est.ctx, NULL);

	KUNIT_ASSERT_EQ(test, chain_test_add(t, 0, 2), 1);
	KUNIT_EXPECT_PTR_EQ(test, t->spare, NULL);
	KUNIT_EXPECT_EQ(test, chain_test_add_without_spare(t, 1, 2), 0);

	before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, t->ctx, sizeof(*before));
	KUNIT_EXPECT_EQ(test, chain_test_add_without_spare(t, 2, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, memcmp(before, t->ctx, sizeof(*before)), 0);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[2].est.ctx, NULL);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), 2);
}

/* Estimators leave in another order than they came */
static void chain_test_empties(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int n = 500, i;

	chain_test_fill(test, 0, n, 2);
	for (i = 0; i < n; i++) {
		/* 7 and 500 have no common divisor: each once */
		unsigned int victim = i * 7 % n;

		chain_test_del(t, victim);
		KUNIT_EXPECT_PTR_EQ(test, t->stats[victim].est.ctx, NULL);
		if (i % 50 == 0)
			KUNIT_EXPECT_EQ(test,
					ip_vs_est_test_ctx(test, t->ctx, 2),
					n - 1 - i);
	}
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(t->ctx->used, IP_VS_EST_ROWS));
}

/* A row that loses its last estimator closes; the lowest free one opens */
static void chain_test_row_reuse(struct kunit *test)
{
	struct chain_test *t = test->priv;

	chain_test_fill(test, 0, 10, 2);
	chain_test_del(t, 6);
	KUNIT_EXPECT_TRUE(test, test_bit(3, t->ctx->used));
	chain_test_del(t, 7);
	KUNIT_EXPECT_FALSE(test, test_bit(3, t->ctx->used));
	KUNIT_EXPECT_PTR_EQ(test, ip_vs_est_test_row(t->ctx, 3), NULL);
	chain_test_del(t, 2);
	chain_test_del(t, 3);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), 6);

	KUNIT_EXPECT_EQ(test, chain_test_add(t, 10, 2), 1);
	KUNIT_EXPECT_EQ(test, t->stats[10].est.row, 1);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, 11, 2), 0);
	KUNIT_EXPECT_EQ(test, t->stats[11].est.row, 1);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, 12, 2), 1);
	KUNIT_EXPECT_EQ(test, t->stats[12].est.row, 3);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, 13, 2), 0);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, 14, 2), 1);
	KUNIT_EXPECT_EQ(test, t->stats[14].est.row, 5);
}

/* Steps to the next row with estimators, around the end */
static void chain_test_next_row(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int row;

	for (row = 0; row < IP_VS_EST_ROWS; row++)
		KUNIT_EXPECT_EQ(test, chain_test_next(t, row), -1);

	chain_test_fill(test, 0, IP_VS_EST_ROWS, 1);
	for (row = 0; row < IP_VS_EST_ROWS; row++)
		KUNIT_EXPECT_EQ(test, chain_test_next(t, row), 0);

	for (row = 0; row < IP_VS_EST_ROWS; row++) {
		if (row != 10 && row != 40)
			chain_test_del(t, row);
	}
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 10), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 11), 29);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 40), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 41), 19);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 49), 11);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 0), 10);

	chain_test_del(t, 40);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 10), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 11), 49);
}

/* Finds estimators in chains above a limit until the row keeps it */
static void chain_test_excess_above_limit(struct kunit *test)
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
static void chain_test_excess_in_any_chain(struct kunit *test)
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
static void chain_test_excess_of_chains(struct kunit *test)
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
static void chain_test_leave_under_walker(struct kunit *test)
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
static void chain_test_close_under_walker(struct kunit *test)
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
static void chain_test_random(struct kunit *test)
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
static void chain_test_random_limits(struct kunit *test)
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

static struct kunit_case chain_test_cases[] = {
	KUNIT_CASE(chain_test_opens_rows),
	KUNIT_CASE(chain_test_least_loaded_row),
	KUNIT_CASE(chain_test_full),
	KUNIT_CASE(chain_test_without_spare),
	KUNIT_CASE(chain_test_empties),
	KUNIT_CASE(chain_test_row_reuse),
	KUNIT_CASE(chain_test_next_row),
	KUNIT_CASE(chain_test_excess_above_limit),
	KUNIT_CASE(chain_test_excess_in_any_chain),
	KUNIT_CASE(chain_test_excess_of_chains),
	KUNIT_CASE(chain_test_leave_under_walker),
	KUNIT_CASE(chain_test_close_under_walker),
	KUNIT_CASE(chain_test_random),
	KUNIT_CASE(chain_test_random_limits),
	{}
};

static struct kunit_suite chain_test_suite = {
	.name = "ipvs-est-chain",
	.init = chain_test_init,
	.exit = chain_test_exit,
	.test_cases = chain_test_cases,
};

kunit_test_suites(&chain_test_suite);
