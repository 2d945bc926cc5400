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
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, 3, 0);
	ip_vs_est_test_stop(test, 0, 3);
	ip_vs_est_test_expect(test, 0, 0);
}

static void place_test_shutdown(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make_placed(test, 2);
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

	ip_vs_est_test_make_placed(test, IP_VS_EST_TEST_ROOM + 1);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM + 1, 0);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	KUNIT_EXPECT_EQ(test, t->est->slot[0]->count, IP_VS_EST_TEST_ROOM);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[IP_VS_EST_TEST_ROOM].est.ctx,
			    t->est->slot[1]);

	ip_vs_est_test_stop(test, IP_VS_EST_TEST_ROOM, IP_VS_EST_TEST_ROOM + 1);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
	KUNIT_EXPECT_EQ(test, t->est->nslots, 1);
	/* est_reload_work has freed it */
	ip_vs_est_test_flush(t);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->est->detached));

	/* The first one stays */
	ip_vs_est_test_stop(test, 0, IP_VS_EST_TEST_ROOM);
	ip_vs_est_test_expect(test, 0, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 1);
}

/* The lowest free slot is taken; free ones at the end are no slots */
static void place_test_slots(struct kunit *test)
{
	const unsigned int room = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;
	struct ip_vs_est_ctx *ctx2;

	/* Contexts 0, 1 and 2: full, full, one */
	ip_vs_est_test_make_placed(test, 2 * room + 1);
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
	ip_vs_est_test_grace(t);
	ip_vs_est_test_start(test, room, 2 * room);
	ip_vs_est_test_place(t);
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
	const unsigned int room = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_unprivileged(test);
	ip_vs_est_test_make(test, room + 5);
	ip_vs_est_test_start(test, 0, room);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, room, 0);
	KUNIT_EXPECT_FALSE(test, t->est->full);

	ip_vs_est_test_start(test, room, room + 5);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, room, 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	/* The log is not for whoever makes namespaces without privilege */
	KUNIT_EXPECT_FALSE(test, t->est->warned);
	KUNIT_EXPECT_FALSE(test, ip_vs_est_place_batch(t->est));

	/* One that waits makes no room */
	ip_vs_est_test_stop(test, room + 4, room + 5);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, room, 4);

	ip_vs_est_test_stop(test, 100, 103);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, room, 1);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	/* First come, first served */
	KUNIT_EXPECT_NOT_NULL(test, t->stats[room].est.ctx);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[room + 3].est.ctx, NULL);
}

/* That there is no room is said where the administrator can do something */
static void place_test_limit_said(struct kunit *test)
{
	const unsigned int n = IP_VS_EST_KTHREADS * IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make_placed(test, n + 1);
	ip_vs_est_test_expect(test, n, 1);
	KUNIT_EXPECT_TRUE(test, t->est->full);
	KUNIT_EXPECT_TRUE(test, t->est->warned);
}

/* More CPUs in est_cpulist are more contexts: the rest wait no longer */
static void place_test_limit_raised(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_unprivileged(test);
	ip_vs_est_test_make_placed(test, IP_VS_EST_TEST_ROOM + 5);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM, 5);

	spin_lock(&t->est->lock);
	t->ipvs->net = &init_net;
	ip_vs_est_set_limits(t->est);
	spin_unlock(&t->est->lock);
	KUNIT_EXPECT_FALSE(test, t->est->full);
	ip_vs_est_test_place(t);
	ip_vs_est_test_expect(test, IP_VS_EST_TEST_ROOM + 5, 0);
	KUNIT_EXPECT_EQ(test, t->est->nctx, 2);
}

/* A draining context takes no more, also before it is empty */
static void place_test_draining(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make(test, IP_VS_EST_TEST_ROOM + 10);
	ip_vs_est_test_start(test, 0, IP_VS_EST_TEST_ROOM + 5);
	ip_vs_est_test_place(t);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 2);
	spin_lock(&t->est->lock);
	t->est->slot[1]->draining = true;
	spin_unlock(&t->est->lock);

	ip_vs_est_test_start(test, IP_VS_EST_TEST_ROOM + 5, IP_VS_EST_TEST_ROOM + 10);
	ip_vs_est_test_place(t);
	KUNIT_EXPECT_EQ(test, t->est->slot[1]->count, 5);
	KUNIT_ASSERT_EQ(test, t->est->nctx, 3);
	KUNIT_EXPECT_EQ(test, t->est->slot[2]->count, 5);
}

/* A full context is passed by once, and 16 of them at most for each hold of the
 * lock.  These are draining, which is as good as full and needs no estimators.
 */
static void place_test_pass_by(struct kunit *test)
{
	const unsigned int n = 40;
	struct ip_vs_est_test *t = test->priv;
	struct ip_vs_est_ctx **slot, *ctx;
	unsigned int id;

	/* So that est_reload_work, which sets ctx_max, has run before */
	ip_vs_est_test_make(test, 4);
	ip_vs_est_test_start(test, 0, 2);
	ip_vs_est_test_place(t);
	ip_vs_est_test_flush(t);

	slot = kzalloc_objs(*slot, n, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	slot[0] = t->est->slot[0];
	kfree(t->est->slot);
	t->est->slot = slot;
	t->est->slots_max = n;
	for (id = 1; id < n; id++) {
		ctx = ip_vs_est_ctx_alloc(t->est, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, ctx);
		ctx->id = id;
		ctx->draining = true;
		slot[id] = ctx;
		t->est->nslots++;
		t->est->nctx++;
	}
	slot[0]->draining = true;
	slot[n - 1]->draining = false;
	t->est->ctx_max = n;

	t->est->room_from = 0;
	ip_vs_est_test_start(test, 2, 3);
	KUNIT_EXPECT_TRUE(test, ip_vs_est_place_batch(t->est));
	KUNIT_EXPECT_EQ(test, t->est->room_from, IP_VS_EST_LOCK_BATCH);
	ip_vs_est_test_place(t);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[2].est.ctx, slot[n - 1]);
	KUNIT_EXPECT_EQ(test, t->est->room_from, n - 1);

	/* The next one goes there without a look at the others */
	ip_vs_est_test_start(test, 3, 4);
	ip_vs_est_test_place(t);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[3].est.ctx, slot[n - 1]);
	KUNIT_EXPECT_EQ(test, t->est->room_from, n - 1);

	/* For the exit: as if they had become empty */
	ip_vs_est_test_stop(test, 2, 4);
	spin_lock(&t->est->lock);
	for (id = 1; id < n - 1; id++) {
		list_add_tail(&slot[id]->detached, &t->est->detached);
		slot[id] = NULL;
		t->est->nctx--;
	}
	t->est->nslots = 1;
	spin_unlock(&t->est->lock);
}

/* Where one has left there is room, also for those that come much later */
static void place_test_room_again(struct kunit *test)
{
	const unsigned int room = IP_VS_EST_TEST_ROOM;
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make_placed(test, 2 * room + 2);
	KUNIT_EXPECT_EQ(test, t->est->room_from, 2);
	ip_vs_est_test_stop(test, 5, 6);
	KUNIT_EXPECT_EQ(test, t->est->room_from, 0);
	ip_vs_est_test_stop(test, 2 * room + 1, 2 * room + 2);
	ip_vs_est_test_grace(t);
	ip_vs_est_test_start(test, 2 * room + 1, 2 * room + 2);
	ip_vs_est_test_place(t);
	KUNIT_EXPECT_PTR_EQ(test, t->stats[2 * room + 1].est.ctx,
			    t->est->slot[0]);
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

	ip_vs_est_test_make_placed(test, 2);
	KUNIT_EXPECT_FALSE(test, place_test_under_walker(t));
	ip_vs_est_test_expect(test, 1, 1);
	KUNIT_EXPECT_TRUE(test, t->stats[0].est.unlinked);

	ip_vs_est_test_grace(t);
	ip_vs_est_test_place(t);
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
	KUNIT_CASE(place_test_limit_said),
	KUNIT_CASE(place_test_limit_raised),
	KUNIT_CASE(place_test_draining),
	KUNIT_CASE(place_test_pass_by),
	KUNIT_CASE(place_test_room_again),
	KUNIT_CASE(place_test_grace_period),
	{}
};

static struct kunit_suite place_test_suite = {
	.name = "ipvs-est-place",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = ip_vs_est_test_init_still,
	.exit = ip_vs_est_test_exit,
	.test_cases = place_test_cases,
};

kunit_test_suites(&place_test_suite);
