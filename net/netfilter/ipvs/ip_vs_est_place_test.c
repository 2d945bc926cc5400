// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: the distributor
 *
 * Specified here: how estimators get from the pending list into contexts,
 * which contexts there are, what happens at the limit and when limits change,
 * and that nobody is lost on the way.  No kthread runs: the tests do what
 * kthread 0 does.
 */

#include <linux/slab.h>

#include <net/ip_vs.h>
#include <net/net_namespace.h>
#include "ip_vs_est_test.h"

/* Estimators of a context with one in a chain */
#define PLACE_TEST_ROOM		(IP_VS_EST_ROWS * IP_VS_EST_CHAINS)

/* Without kthreads: estimation is off, which nothing here asks for.  est_cpulist
 * is one CPU, so that there may be 4 contexts, whatever est_reload_work does.
 */
static int place_test_init(struct kunit *test)
{
	int ret = ip_vs_est_test_init(test);
	struct ip_vs_est_test *t = test->priv;

	if (ret)
		return ret;
	spin_lock(&t->est->lock);
	t->est->active = false;
	t->est->calibrate = false;
	t->est->chain_max = 1;
	cpumask_copy(t->est->cpulist,
		     cpumask_of(cpumask_first(cpu_online_mask)));
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	return 0;
}

/* Grace periods, until all that have left a chain may enter one */
static void place_test_grace(struct ip_vs_est_test *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		struct ip_vs_estimator *est = &t->stats[i].est;

		while (est->unlinked && !est->ctx &&
		       !poll_state_synchronize_rcu(est->cookie))
			synchronize_rcu();
	}
}

static void place_test_place(struct ip_vs_est_test *t)
{
	while (ip_vs_est_place_batch(t->est))
		cond_resched();
}

static void place_test_make_placed(struct kunit *test, unsigned int n)
{
	ip_vs_est_test_make(test, n);
	ip_vs_est_test_start(test, 0, n);
	place_test_place(test->priv);
}

/* As in a namespace that was made without privilege: one context, no more */
static void place_test_unprivileged(struct kunit *test)
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

/* Another limit, and all that kthread 0 takes out for it */
static void place_test_repack(struct ip_vs_est_test *t, u32 chain_max)
{
	spin_lock(&t->est->lock);
	t->est->chain_max = chain_max;
	ip_vs_est_repack(t->est);
	spin_unlock(&t->est->lock);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
}

static void place_test_new_net(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->est->ctx_max, IP_VS_EST_KTHREADS);
	KUNIT_EXPECT_GE(test, t->est->gen, IP_VS_EST_GEN_FIRST);
	KUNIT_EXPECT_FALSE(test, ip_vs_est_place_batch(t->est));
	ip_vs_est_test_expect(test, 0, 0);
}

/* Starting only puts on the list, stopping takes off it */
static void place_test_start_stop(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make(test, 3);
	ip_vs_est_test_start(test, 0, 3);
	ip_vs_est_test_expect(test, 0, 3);
	ip_vs_est_test_stop(test, 1, 2);
	ip_vs_est_test_expect(test, 0, 2);
	/* No walker has seen it: it may be placed without a grace period */
	KUNIT_EXPECT_FALSE(test, t->stats[1].est.unlinked);
	ip_vs_est_test_start(test, 1, 2);
	place_test_place(t);
	ip_vs_est_test_expect(test, 3, 0);
	ip_vs_est_test_stop(test, 0, 3);
	ip_vs_est_test_expect(test, 0, 0);
}

static void place_test_shutdown(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	place_test_make_placed(test, 2);
	ip_vs_est_test_stop(test, 0, 1);
	spin_lock(&t->est->lock);
	t->est->exiting = true;
	spin_unlock(&t->est->lock);
	KUNIT_EXPECT_EQ(test, ip_vs_start_estimator(t->ipvs, &t->stats[0]),
			-ESHUTDOWN);
	ip_vs_est_test_expect(test, 1, 0);
	/* Stopping goes on */
	ip_vs_est_test_stop(test, 1, 2);
	ip_vs_est_test_expect(test, 0, 0);
}

/* 16 at most for each hold of the lock */
static void place_test_batch(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int last = 40, left, rounds = 0;
	bool more;

	t->est->chain_max = 100;
	ip_vs_est_test_make(test, last);
	ip_vs_est_test_start(test, 0, last);
	do {
		more = ip_vs_est_place_batch(t->est);
		left = ip_vs_est_test_pending(t);
		KUNIT_EXPECT_LE(test, last - left, 16);
		last = left;
	} while (more && rounds++ < 100);
	KUNIT_EXPECT_FALSE(test, more);
	KUNIT_EXPECT_EQ(test, left, 0);
	ip_vs_est_test_expect(test, 40, 0);
	/* Less than a chain's worth is one row, one wakeup */
	KUNIT_EXPECT_EQ(test, t->est->slot[0]->load[0], 40);
}

/* The second context is there for what the first has no room for, and no
 * longer
 */
static void place_test_second_context(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	place_test_make_placed(test, PLACE_TEST_ROOM + 1);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM + 1, 0);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	KUNIT_EXPECT_EQ(test, t->est->slot[0]->count, PLACE_TEST_ROOM);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[PLACE_TEST_ROOM].est.ctx,
			    t->est->slot[1]);

	ip_vs_est_test_stop(test, PLACE_TEST_ROOM, PLACE_TEST_ROOM + 1);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 1);
	/* est_reload_work has freed it */
	flush_delayed_work(&t->est->reload_work);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->est->detached));

	/* The first one stays */
	ip_vs_est_test_stop(test, 0, PLACE_TEST_ROOM);
	ip_vs_est_test_expect(test, 0, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
}

/* The lowest free slot is taken; free ones at the end are no slots */
static void place_test_slots(struct kunit *test)
{
	const unsigned int room = PLACE_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;
	struct ip_vs_est_ctx *ctx2;

	/* Contexts 0, 1 and 2: full, full, one */
	place_test_make_placed(test, 2 * room + 1);
	ip_vs_est_test_expect(test, 2 * room + 1, 0);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 3);
	ctx2 = t->est->slot[2];

	/* 1 goes, 2 stays where it is */
	ip_vs_est_test_stop(test, room, 2 * room);
	ip_vs_est_test_expect(test, room + 1, 0);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 3);
	KUNIT_EXPECT_PTR_EQ(test, t->est->slot[1], NULL);
	KUNIT_EXPECT_PTR_EQ(test, t->est->slot[2], ctx2);

	/* They come back: 2 takes all but one, for which there is 1 again */
	place_test_grace(t);
	ip_vs_est_test_start(test, room, 2 * room);
	place_test_place(t);
	ip_vs_est_test_expect(test, 2 * room + 1, 0);
	KUNIT_ASSERT_NOT_NULL(test, t->est->slot[1]);
	KUNIT_EXPECT_EQ(test, t->est->slot[1]->count, 1);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 3);

	/* 1 and then 2 go: only the slot of 0 is left */
	ip_vs_est_test_stop(test, 2 * room - 1, 2 * room);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 3);
	ip_vs_est_test_stop(test, room, 2 * room - 1);
	ip_vs_est_test_stop(test, 2 * room, 2 * room + 1);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 1);
	ip_vs_est_test_expect(test, room, 0);
}

/* No room: the rest wait, until one that has a place goes */
static void place_test_limit(struct kunit *test)
{
	const unsigned int room = PLACE_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	place_test_unprivileged(test);
	ip_vs_est_test_make(test, room + 5);
	ip_vs_est_test_start(test, 0, room);
	place_test_place(t);
	ip_vs_est_test_expect(test, room, 0);
	KUNIT_EXPECT_FALSE(test, t->est->full);

	ip_vs_est_test_start(test, room, room + 5);
	place_test_place(t);
	ip_vs_est_test_expect(test, room, 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	KUNIT_EXPECT_TRUE(test, t->est->warned);
	KUNIT_EXPECT_FALSE(test, ip_vs_est_place_batch(t->est));

	/* One that waits makes no room */
	ip_vs_est_test_stop(test, room + 4, room + 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	place_test_place(t);
	ip_vs_est_test_expect(test, room, 4);

	ip_vs_est_test_stop(test, 100, 103);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	place_test_place(t);
	ip_vs_est_test_expect(test, room, 1);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	/* First come, first served */
	KUNIT_EXPECT_NOT_NULL(test, t->stats[room].est.ctx);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[room + 3].est.ctx, NULL);
}

/* More CPUs in est_cpulist are more contexts: the rest wait no longer */
static void place_test_limit_raised(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	place_test_unprivileged(test);
	place_test_make_placed(test, PLACE_TEST_ROOM + 5);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM, 5);

	spin_lock(&t->est->lock);
	t->ipvs->net = &init_net;
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	place_test_place(t);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM + 5, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 2);
}

/* Fewer CPUs are fewer contexts: the last ones are emptied */
static void place_test_limit_lowered(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	place_test_make_placed(test, PLACE_TEST_ROOM + 5);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	place_test_unprivileged(test);
	KUNIT_EXPECT_TRUE(test, t->est->repack);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM, 5);
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, PLACE_TEST_ROOM, 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
}

/* What is above a lower limit is taken out, no more, and placed again */
static void place_test_repack_lower(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	t->est->chain_max = 10;
	place_test_make_placed(test, 300);
	ip_vs_est_test_expect(test, 300, 0);

	/* 30 rows with a chain of 10 each */
	place_test_repack(t, 4);
	ip_vs_est_test_expect(test, 30 * 4, 30 * 6);
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, 300, 0);
}

/* ... and if there is no room for all: nobody is lost */
static void place_test_repack_no_room(struct kunit *test)
{
	const unsigned int room = PLACE_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	place_test_unprivileged(test);
	t->est->chain_max = 2;
	place_test_make_placed(test, 2 * room);
	ip_vs_est_test_expect(test, 2 * room, 0);

	place_test_repack(t, 1);
	ip_vs_est_test_expect(test, room, room);
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, room, room);
	KUNIT_EXPECT_TRUE(test, t->est->full);

	place_test_repack(t, 2);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, 2 * room, 0);
}

/* With a higher limit, contexts and rows are too many: those are emptied */
static void place_test_repack_raise(struct kunit *test)
{
	const unsigned int n = PLACE_TEST_ROOM + 1;
	struct ip_vs_est_test *t = test->priv;

	place_test_make_placed(test, n);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);

	place_test_repack(t, 100);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	/* 2401 are 25 rows of up to 100 */
	ip_vs_est_test_expect(test, 25 * IP_VS_EST_CHAINS,
			      n - 25 * IP_VS_EST_CHAINS);
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, n, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	KUNIT_EXPECT_EQ(test, bitmap_weight(t->est->slot[0]->used,
					    IP_VS_EST_ROWS), 25);
}

/* A draining context takes no more, also before it is empty */
static void place_test_draining(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make(test, PLACE_TEST_ROOM + 10);
	ip_vs_est_test_start(test, 0, PLACE_TEST_ROOM + 5);
	place_test_place(t);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	spin_lock(&t->est->lock);
	t->est->slot[1]->draining = true;
	spin_unlock(&t->est->lock);

	ip_vs_est_test_start(test, PLACE_TEST_ROOM + 5, PLACE_TEST_ROOM + 10);
	place_test_place(t);
	KUNIT_EXPECT_EQ(test, t->est->slot[1]->count, 5);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 3);
	KUNIT_EXPECT_EQ(test, t->est->slot[2]->count, 5);
}

/* Repacking goes step by step: estimators come and go in between */
static void place_test_repack_meanwhile(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int i;

	t->est->chain_max = 10;
	ip_vs_est_test_make(test, 400);
	ip_vs_est_test_start(test, 0, 300);
	place_test_place(t);

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
	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, 300, 0);
}

/* Stop and start again; nothing is placed while a walker may be there */
static bool place_test_under_walker(struct ip_vs_est_test *t)
{
	bool more;

	rcu_read_lock();
	ip_vs_stop_estimator(t->ipvs, &t->stats[0]);
	ip_vs_start_estimator(t->ipvs, &t->stats[0]);
	more = ip_vs_est_place_batch(t->est);
	rcu_read_unlock();
	return more;
}

static void place_test_grace_period(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	place_test_make_placed(test, 2);
	KUNIT_EXPECT_FALSE(test, place_test_under_walker(t));
	ip_vs_est_test_expect(test, 1, 1);
	KUNIT_EXPECT_TRUE(test, t->stats[0].est.unlinked);

	place_test_grace(t);
	place_test_place(t);
	ip_vs_est_test_expect(test, 2, 0);
}

static struct kunit_case place_test_cases[] = {
	KUNIT_CASE(place_test_new_net),
	KUNIT_CASE(place_test_start_stop),
	KUNIT_CASE(place_test_shutdown),
	KUNIT_CASE(place_test_batch),
	KUNIT_CASE(place_test_second_context),
	KUNIT_CASE(place_test_slots),
	KUNIT_CASE(place_test_limit),
	KUNIT_CASE(place_test_limit_raised),
	KUNIT_CASE(place_test_limit_lowered),
	KUNIT_CASE(place_test_repack_lower),
	KUNIT_CASE(place_test_repack_no_room),
	KUNIT_CASE(place_test_repack_raise),
	KUNIT_CASE(place_test_repack_meanwhile),
	KUNIT_CASE(place_test_draining),
	KUNIT_CASE(place_test_grace_period),
	{}
};

static struct kunit_suite place_test_suite = {
	.name = "ipvs-est-place",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = place_test_init,
	.exit = ip_vs_est_test_exit,
	.test_cases = place_test_cases,
};

kunit_test_suites(&place_test_suite);
