/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KUnit tests of IPVS estimation: a context that nothing walks
 *
 * So an estimator may come back at once, without the grace period that it needs
 * elsewhere.
 */
#ifndef _IP_VS_EST_CHAIN_TEST_H
#define _IP_VS_EST_CHAIN_TEST_H

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
	bool			wide;
};

static inline int chain_test_init(struct kunit *test)
{
	struct chain_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	if (!t)
		return -ENOMEM;
	test->priv = t;
	/* Rows grow by a chain, whatever the machine is */
	t->wide = ip_vs_stats_wide;
	ip_vs_stats_wide = false;
	spin_lock_init(&t->net.lock);
	t->ctx = ip_vs_est_ctx_alloc(&t->net, GFP_KERNEL);
	t->stats = kvcalloc(CHAIN_TEST_STATS, sizeof(*t->stats), GFP_KERNEL);
	for (i = 0; t->stats && i < CHAIN_TEST_STATS; i++)
		spin_lock_init(&t->stats[i].lock);
	return t->ctx && t->stats ? 0 : -ENOMEM;
}

static inline void chain_test_exit(struct kunit *test)
{
	struct chain_test *t = test->priv;
	unsigned int row;

	if (!t)
		return;
	ip_vs_stats_wide = t->wide;
	for (row = 0; t->ctx && row < IP_VS_EST_ROWS; row++)
		kfree(rcu_dereference_protected(t->ctx->rows[row], true));
	kfree(t->ctx);
	kfree(t->spare);
	kvfree(t->stats);
}

static inline int chain_test_add_without_spare(struct chain_test *t,
					       unsigned int i, u32 chain_max)
{
	int ret;

	spin_lock(&t->net.lock);
	ret = ip_vs_est_chain_add(t->ctx, &t->stats[i], chain_max, &t->spare);
	spin_unlock(&t->net.lock);
	return ret;
}

static inline int chain_test_add(struct chain_test *t, unsigned int i,
				 u32 chain_max)
{
	if (!t->spare)
		t->spare = kzalloc_obj(*t->spare, GFP_KERNEL);
	return chain_test_add_without_spare(t, i, chain_max);
}

/* Add those from @from to before @to, which must succeed */
static inline void chain_test_fill(struct kunit *test, unsigned int from,
				   unsigned int to, u32 chain_max)
{
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_ASSERT_GE(test, chain_test_add(test->priv, i, chain_max),
				0);
}

static inline void chain_test_del(struct chain_test *t, unsigned int i)
{
	spin_lock(&t->net.lock);
	ip_vs_est_chain_del(&t->stats[i]);
	spin_unlock(&t->net.lock);
}

#endif /* _IP_VS_EST_CHAIN_TEST_H */
