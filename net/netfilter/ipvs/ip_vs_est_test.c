// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: what its KUnit tests share
 *
 * A namespace's estimation with as many estimators as a test likes, and what
 * must hold for rows, chains, contexts and lists after whatever a test does.
 */

#include <linux/slab.h>
#include <linux/workqueue.h>

#include <net/ip_vs.h>
#include <net/net_namespace.h>
#include "ip_vs_est_test.h"

/**
 * ip_vs_est_test_row() - a row of a context
 * @ctx: a context that nobody changes
 * @row: index of the row
 *
 * Return: the row, or NULL where none is open.
 */
struct ip_vs_est_row *ip_vs_est_test_row(const struct ip_vs_est_ctx *ctx,
					 unsigned int row)
{
	return rcu_dereference_protected(ctx->rows[row], true);
}

/* The nodes of a chain, each with the place that it is in */
static u32 ip_vs_est_test_chain(struct kunit *test,
				const struct ip_vs_est_ctx *ctx,
				unsigned int row, unsigned int chain)
{
	struct ip_vs_est_row *r = ip_vs_est_test_row(ctx, row);
	struct ip_vs_stats *stats;
	u32 n = 0;

	hlist_for_each_entry(stats, &r->chain[chain], est.node) {
		KUNIT_EXPECT_PTR_EQ(test, stats->est.ctx, ctx);
		KUNIT_EXPECT_EQ(test, stats->est.row, row);
		KUNIT_EXPECT_EQ(test, stats->est.chain, chain);
		n++;
	}
	return n;
}

/**
 * ip_vs_est_test_ctx() - expect that a context is consistent
 * @test: the test
 * @ctx: a context that nobody changes
 * @chain_max: estimators in a chain, at most
 *
 * Return: estimators that were found in its chains.
 */
u32 ip_vs_est_test_ctx(struct kunit *test, const struct ip_vs_est_ctx *ctx,
		       u32 chain_max)
{
	unsigned int row, chain;
	u32 n, load, count = 0;

	for (row = 0; row < IP_VS_EST_ROWS; row++) {
		struct ip_vs_est_row *r = ip_vs_est_test_row(ctx, row);

		KUNIT_EXPECT_EQ(test, test_bit(row, ctx->used), !!r);
		load = 0;
		for (chain = 0; r && chain < IP_VS_EST_CHAINS; chain++) {
			n = ip_vs_est_test_chain(test, ctx, row, chain);
			KUNIT_EXPECT_EQ(test, r->len[chain], n);
			KUNIT_EXPECT_EQ(test, r->used >> chain & 1, n > 0);
			KUNIT_EXPECT_LE(test, n, chain_max);
			load += n;
		}
		KUNIT_EXPECT_EQ(test, ctx->load[row], load);
		/* A row without estimators is closed */
		KUNIT_EXPECT_EQ(test, !!r, !!load);
		count += load;
	}
	KUNIT_EXPECT_EQ(test, ctx->count, count);
	return count;
}

/* __ref: without CONFIG_NET_NS it calls an __init function, and KUnit runs
 * before those are freed
 */
static struct netns_ipvs __ref *ip_vs_est_test_ipvs(struct kunit *test)
{
	struct netns_ipvs *ipvs = kunit_kzalloc(test, sizeof(*ipvs),
						GFP_KERNEL);

	if (!ipvs)
		return NULL;
	ipvs->net = &init_net;
	ipvs->gen = 77;
	return ip_vs_estimator_net_init(ipvs) ? NULL : ipvs;
}

static bool ip_vs_est_test_own_state;

/**
 * ip_vs_est_test_suite_init() - what the module's init sets up for estimation
 * @suite: the suite
 *
 * Tests in a module run before its init.
 *
 * Return: 0 or a negative error.
 */
int ip_vs_est_test_suite_init(struct kunit_suite *suite)
{
	if (ip_vs_est_cpuhp_online)
		return 0;
	ip_vs_est_test_own_state = true;
	return ip_vs_est_init();
}

/**
 * ip_vs_est_test_suite_exit() - undo ip_vs_est_test_suite_init()
 * @suite: the suite
 */
void ip_vs_est_test_suite_exit(struct kunit_suite *suite)
{
	if (ip_vs_est_test_own_state)
		ip_vs_est_cleanup();
	ip_vs_est_test_own_state = false;
}

/**
 * ip_vs_est_test_init() - set up estimation in a namespace of its own
 * @test: the test; its priv becomes a struct ip_vs_est_test
 *
 * Return: 0 or -ENOMEM.
 */
int ip_vs_est_test_init(struct kunit *test)
{
	struct ip_vs_est_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	t->ipvs = ip_vs_est_test_ipvs(test);
	if (!t->ipvs)
		return -ENOMEM;
	t->est = t->ipvs->est;
	return 0;
}

/* The lock: kthread 0 may be moving it */
static bool ip_vs_est_test_started(struct ip_vs_est_test *t, unsigned int i)
{
	const struct ip_vs_stats *stats = &t->stats[i];
	bool started;

	spin_lock(&t->est->lock);
	started = stats->est.ctx || !list_empty(&stats->pending);
	spin_unlock(&t->est->lock);
	return started;
}

/**
 * ip_vs_est_test_cleanup() - the exit of that namespace, estimators stopped
 * @t: from ip_vs_est_test_init()
 */
void ip_vs_est_test_cleanup(struct ip_vs_est_test *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		if (ip_vs_est_test_started(t, i))
			ip_vs_stop_estimator(t->ipvs, &t->stats[i]);
	}
	ip_vs_estimator_net_cleanup(t->ipvs);
	t->est = NULL;
}

/**
 * ip_vs_est_test_exit() - undo ip_vs_est_test_init() and what came after
 * @test: the test
 */
void ip_vs_est_test_exit(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	if (!t)
		return;
	if (t->est)
		ip_vs_est_test_cleanup(t);
	synchronize_rcu();
	for (i = 0; i < t->n; i++)
		ip_vs_stats_release(&t->stats[i]);
	kvfree(t->stats);
}

/**
 * ip_vs_est_test_flush() - wait for what est_reload_work was queued for
 * @t: whose
 *
 * A kthread may queue it again just then, which takes it off the queue for an
 * instant, under est->lock: who does not hold that sees a work that is idle.
 */
void ip_vs_est_test_flush(struct ip_vs_est_test *t)
{
	unsigned int busy;

	do {
		flush_delayed_work(&t->est->reload_work);
		spin_lock(&t->est->lock);
		busy = work_busy(&t->est->reload_work.work);
		spin_unlock(&t->est->lock);
	} while (busy);
}

/**
 * ip_vs_est_test_make() - make objects, not started
 * @test: the test
 * @n: how many
 */
void ip_vs_est_test_make(struct kunit *test, unsigned int n)
{
	struct ip_vs_est_test *t = test->priv;

	t->stats = kvcalloc(n, sizeof(*t->stats), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->stats);
	for (; t->n < n; t->n++)
		KUNIT_ASSERT_EQ(test, ip_vs_stats_init(&t->stats[t->n], t->est),
				0);
}

/**
 * ip_vs_est_test_start() - start estimators, which must succeed
 * @test: the test
 * @from: the first one
 * @to: one more than the last one
 */
void ip_vs_est_test_start(struct kunit *test, unsigned int from,
			  unsigned int to)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_ASSERT_EQ(test,
				ip_vs_start_estimator(t->ipvs, &t->stats[i]),
				0);
}

/**
 * ip_vs_est_test_stop() - stop estimators
 * @test: the test
 * @from: the first one
 * @to: one more than the last one
 */
void ip_vs_est_test_stop(struct kunit *test, unsigned int from, unsigned int to)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	for (i = from; i < to; i++)
		ip_vs_stop_estimator(t->ipvs, &t->stats[i]);
}

/**
 * ip_vs_est_test_pending() - how many estimators wait for a place
 * @t: from ip_vs_est_test_init(), without a kthread
 *
 * Return: the length of the list.
 */
unsigned int ip_vs_est_test_pending(const struct ip_vs_est_test *t)
{
	struct ip_vs_stats *stats;
	unsigned int n = 0;

	list_for_each_entry(stats, &t->est->pending, pending)
		n++;
	return n;
}

/**
 * ip_vs_est_test_expect() - expect that everything is consistent
 * @test: the test, without a kthread; est_reload_work changes nothing of this
 * @placed: how many estimators there are in all contexts
 * @pending: how many wait for a place
 */
void ip_vs_est_test_expect(struct kunit *test, unsigned int placed,
			   unsigned int pending)
{
	struct ip_vs_est_test *t = test->priv;
	struct ip_vs_est_net *est = t->est;
	unsigned int id, i, nctx = 0, n = 0, started = 0;

	for (id = 0; id < est->nslots; id++) {
		if (!est->slot[id])
			continue;
		KUNIT_EXPECT_EQ(test, est->slot[id]->id, id);
		n += ip_vs_est_test_ctx(test, est->slot[id], est->chain_max);
		nctx++;
	}
	KUNIT_EXPECT_NOT_NULL(test, est->slot[0]);
	KUNIT_EXPECT_NOT_NULL(test, est->slot[est->nslots - 1]);
	KUNIT_EXPECT_LE(test, est->nslots, est->slots_max);
	KUNIT_EXPECT_EQ(test, est->nctx, nctx);
	KUNIT_EXPECT_LE(test, nctx, est->ctx_max);
	KUNIT_EXPECT_EQ(test, n, placed);
	KUNIT_EXPECT_EQ(test, ip_vs_est_test_pending(t), pending);

	for (i = 0; i < t->n; i++)
		started += ip_vs_est_test_started(t, i);
	KUNIT_EXPECT_EQ(test, started, placed + pending);
	KUNIT_EXPECT_EQ(test, est->started, placed + pending);
}

/**
 * ip_vs_est_test_init_still() - ip_vs_est_test_init() without kthreads
 * @test: the test
 *
 * Estimation is off, which nothing in these tests asks for.  A chain is one
 * estimator, and est_cpulist one CPU, so that there may be 4 contexts, whatever
 * est_reload_work does.
 *
 * Return: 0 or -ENOMEM.
 */
int ip_vs_est_test_init_still(struct kunit *test)
{
	int ret = ip_vs_est_test_init(test);
	struct ip_vs_est_test *t = test->priv;

	if (ret)
		return ret;
	spin_lock(&t->est->lock);
	t->est->active = false;
	t->est->calibrate = false;
	t->est->chain_max = 1;
	ip_vs_est_set_cpulist(t->est,
			      cpumask_of(cpumask_first(cpu_online_mask)));
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	return 0;
}

/**
 * ip_vs_est_test_grace() - wait until all that left a chain may enter one
 * @t: from ip_vs_est_test_init_still()
 */
void ip_vs_est_test_grace(struct ip_vs_est_test *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		struct ip_vs_estimator *est = &t->stats[i].est;

		while (est->unlinked && !est->ctx &&
		       !poll_state_synchronize_rcu(est->cookie))
			synchronize_rcu();
	}
}

/**
 * ip_vs_est_test_place() - place what is pending, as kthread 0 does
 * @t: from ip_vs_est_test_init_still()
 */
void ip_vs_est_test_place(struct ip_vs_est_test *t)
{
	while (ip_vs_est_place_batch(t->est))
		cond_resched();
}

/**
 * ip_vs_est_test_make_placed() - make, start and place estimators
 * @test: the test, without kthreads
 * @n: how many
 */
void ip_vs_est_test_make_placed(struct kunit *test, unsigned int n)
{
	ip_vs_est_test_make(test, n);
	ip_vs_est_test_start(test, 0, n);
	ip_vs_est_test_place(test->priv);
}

/**
 * ip_vs_est_test_unprivileged() - as in a namespace made without privilege
 * @test: the test: one context, no more
 */
void ip_vs_est_test_unprivileged(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct net *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, net);
	net->user_ns = kunit_kzalloc(test, sizeof(*net->user_ns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, net->user_ns);
	spin_lock(&t->est->lock);
	t->ipvs->net = net;
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	KUNIT_ASSERT_EQ(test, t->est->ctx_max, 1);
}
