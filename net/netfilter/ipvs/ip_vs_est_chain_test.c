// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: estimators enter rows and chains
 *
 * Specified here: the order in which rows are opened and chains are filled,
 * how much a context holds, that an error changes nothing, and what is left
 * when estimators leave.
 */

#include "ip_vs_est_chain_test.h"

static int chain_test_next(struct chain_test *t, unsigned int from)
{
	int ret;

	spin_lock(&t->net.lock);
	ret = ip_vs_est_next_row(t->ctx, from);
	spin_unlock(&t->net.lock);
	return ret;
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

/* On machines of many CPUs a row takes as many as share pages of counters,
 * after the first chain; the row that was opened last begins
 */
static void chain_test_rows_take_neighbours(struct kunit *test)
{
	unsigned int run = roundup(IP_VS_EST_ROW_RUN, 3), base, i;
	struct chain_test *t = test->priv;

	ip_vs_stats_wide = true;
	base = IP_VS_EST_ROWS * 3;
	chain_test_fill(test, 0, base, 3);
	KUNIT_EXPECT_TRUE(test, bitmap_full(t->ctx->used, IP_VS_EST_ROWS));
	for (i = 0; i < 5 * (run - 3); i++) {
		KUNIT_ASSERT_EQ(test, chain_test_add(t, base + i, 3), 0);
		KUNIT_EXPECT_EQ(test, t->stats[base + i].est.row,
				(IP_VS_EST_ROWS - 1 + i / (run - 3)) %
				IP_VS_EST_ROWS);
		KUNIT_EXPECT_EQ(test, t->stats[base + i].est.chain,
				1 + i % (run - 3) / 3);
	}

	/* Where one has left is no gap to fill before it is the least load */
	chain_test_del(t, base);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, base, 3), 0);
	KUNIT_EXPECT_EQ(test, t->stats[base].est.row, 4);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 3), base + i);
}

/* ... which is all there is room for */
static void chain_test_full_of_neighbours(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int last = IP_VS_EST_ROWS * IP_VS_EST_CHAINS, row;

	ip_vs_stats_wide = true;
	chain_test_fill(test, 0, last, 1);
	for (row = 0; row < IP_VS_EST_ROWS; row++)
		KUNIT_EXPECT_EQ(test, t->ctx->load[row], IP_VS_EST_CHAINS);
	KUNIT_EXPECT_EQ(test, chain_test_add(t, last, 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 1), last);
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

	/* Rows 0 to 4 hold two each: 0 1, 2 3, 4 5, 6 7, 8 9 */
	chain_test_fill(test, 0, 10, 2);
	chain_test_del(t, 6);
	KUNIT_EXPECT_TRUE(test, test_bit(3, t->ctx->used));
	chain_test_del(t, 7);
	KUNIT_EXPECT_FALSE(test, test_bit(3, t->ctx->used));
	KUNIT_EXPECT_PTR_EQ(test, ip_vs_est_test_row(t->ctx, 3), NULL);
	chain_test_del(t, 2);
	chain_test_del(t, 3);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 2), 6);

	/* Rows 1 and 3 are closed: these open again, then row 5 */
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
	/* Rows 10 and 40 are left */
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 10), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 11), 29);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 40), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 41), 19);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 49), 11);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 0), 10);

	/* Row 10 alone */
	chain_test_del(t, 40);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 10), 0);
	KUNIT_EXPECT_EQ(test, chain_test_next(t, 11), 49);
}

static unsigned int chain_test_prefetch(struct chain_test *t, unsigned int row,
					unsigned int from)
{
	unsigned int ret;

	rcu_read_lock();
	ret = ip_vs_est_row_prefetch(rcu_dereference(t->ctx->rows[row]), from);
	rcu_read_unlock();
	return ret;
}

/* Chains are fetched a few at a time, to the end of each and the last of all */
static void chain_test_prefetches_chains(struct kunit *test)
{
	unsigned int n = IP_VS_EST_ROWS * IP_VS_EST_CHAINS, i;
	struct chain_test *t = test->priv;

	chain_test_fill(test, 0, n, 1);
	for (i = 0; i < IP_VS_EST_CHAINS; i += IP_VS_EST_PREFETCH)
		KUNIT_EXPECT_EQ(test, chain_test_prefetch(t, 0, i),
				i + IP_VS_EST_PREFETCH);
	KUNIT_EXPECT_EQ(test, chain_test_prefetch(t, 0, IP_VS_EST_CHAINS),
			IP_VS_EST_CHAINS);
	KUNIT_EXPECT_EQ(test, chain_test_prefetch(t, 0, IP_VS_EST_CHAINS - 1),
			IP_VS_EST_CHAINS);

	/* Empty ones are none */
	for (i = 0; i < n; i++) {
		if (t->stats[i].est.row == 0 && t->stats[i].est.chain == 2)
			chain_test_del(t, i);
	}
	KUNIT_EXPECT_EQ(test, chain_test_prefetch(t, 0, 0),
			IP_VS_EST_PREFETCH + 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_ctx(test, t->ctx, 1), n - 1);
}

static struct kunit_case chain_test_cases[] = {
	KUNIT_CASE(chain_test_opens_rows),
	KUNIT_CASE(chain_test_least_loaded_row),
	KUNIT_CASE(chain_test_rows_take_neighbours),
	KUNIT_CASE(chain_test_full_of_neighbours),
	KUNIT_CASE(chain_test_full),
	KUNIT_CASE(chain_test_without_spare),
	KUNIT_CASE(chain_test_empties),
	KUNIT_CASE(chain_test_row_reuse),
	KUNIT_CASE(chain_test_next_row),
	KUNIT_CASE(chain_test_prefetches_chains),
	{}
};

static struct kunit_suite chain_test_suite = {
	.name = "ipvs-est-chain",
	.init = chain_test_init,
	.exit = chain_test_exit,
	.test_cases = chain_test_cases,
};

kunit_test_suites(&chain_test_suite);
