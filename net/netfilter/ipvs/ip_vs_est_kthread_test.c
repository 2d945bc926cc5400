// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: with kthreads
 *
 * Specified here: when a task runs and when it does not, and that estimators
 * get from their start to their rates, whatever else happens meanwhile.
 * Tests wait until it has happened, however long that takes.
 */

#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_test.h"

static bool kthread_test_wait(struct ip_vs_est_test *t,
			      bool (*cond)(struct ip_vs_est_test *t))
{
	unsigned long end = jiffies + 120 * HZ;

	while (!cond(t)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

static bool kthread_test_all_placed(struct ip_vs_est_test *t)
{
	bool placed = true;
	unsigned int i;

	spin_lock(&t->est->lock);
	for (i = 0; i < t->n; i++)
		placed = placed && t->stats[i].est.ctx;
	spin_unlock(&t->est->lock);
	return placed;
}

static bool kthread_test_none_pending(struct ip_vs_est_test *t)
{
	bool empty;

	spin_lock(&t->est->lock);
	empty = list_empty(&t->est->pending);
	spin_unlock(&t->est->lock);
	return empty;
}

/* All that was counted has been in a sample */
static bool kthread_test_all_sampled(struct ip_vs_est_test *t)
{
	struct ip_vs_counts sum;
	bool sampled = true;
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		struct ip_vs_stats *stats = &t->stats[i];

		spin_lock(&stats->lock);
		ip_vs_stats_now(stats, &sum);
		sampled = sampled && stats->est.gen == t->est->gen &&
			  !memcmp(&sum, &stats->est.base, sizeof(sum));
		spin_unlock(&stats->lock);
	}
	return sampled;
}

static bool kthread_test_all_rates(struct ip_vs_est_test *t)
{
	struct ip_vs_kstats k;
	bool rates = true;
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		ip_vs_copy_stats(&k, &t->stats[i]);
		rates = rates && k.inpps && k.inbps && !k.outpps;
	}
	return rates;
}

static void kthread_test_traffic(struct ip_vs_est_test *t, unsigned int packets)
{
	unsigned int i, n;
	struct ip_vs_stats *s;

	for (i = 0; i < t->n; i++) {
		s = &t->stats[i];
		rcu_read_lock();
		/* Server, service and total in one: each packet is three */
		for (n = 0; n < packets; n++)
			ip_vs_stats_in(s, s, s, 60);
		rcu_read_unlock();
	}
}

/* What the sysctl run_estimation does, and then est_reload_work */
static void kthread_test_run(struct ip_vs_est_test *t, int run)
{
	spin_lock(&t->est->lock);
	t->est->run = run;
	ip_vs_est_set_active(t->est);
	spin_unlock(&t->est->lock);
	ip_vs_est_test_flush(t);
}

/* The task of kthread 0, with a reference, or NULL */
static struct task_struct *kthread_test_task(struct ip_vs_est_test *t)
{
	struct task_struct *task;

	ip_vs_est_test_flush(t);
	spin_lock(&t->est->lock);
	task = t->est->slot[0]->task;
	if (task)
		get_task_struct(task);
	spin_unlock(&t->est->lock);
	return task;
}

/* The total is there without a service: no task for it alone */
static void kthread_test_total_alone(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct task_struct *task;

	ip_vs_est_test_make(test, 2);
	ip_vs_est_test_start(test, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, kthread_test_task(t), NULL);

	ip_vs_est_test_start(test, 1, 2);
	task = kthread_test_task(t);
	KUNIT_ASSERT_NOT_NULL(test, task);
	KUNIT_EXPECT_STREQ(test, (const char *)task->comm, "ipvs-e:77:0");
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));

	ip_vs_est_test_stop(test, 1, 2);
	KUNIT_EXPECT_PTR_EQ(test, kthread_test_task(t), NULL);
	KUNIT_EXPECT_TRUE(test, task->flags & PF_EXITING);
	put_task_struct(task);
	ip_vs_est_test_expect(test, 1, 0);
}

/* From the start of estimators to their rates, and to the end of the task */
static void kthread_test_life(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct task_struct *task;
	struct ip_vs_kstats k;

	ip_vs_est_test_make(test, 100);
	ip_vs_est_test_start(test, 0, 100);
	task = kthread_test_task(t);
	KUNIT_ASSERT_NOT_NULL(test, task);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));
	/* It has calibrated before */
	KUNIT_EXPECT_GE(test, t->est->chain_max, 1);
	KUNIT_EXPECT_LE(test, t->est->chain_max, IP_VS_EST_CHAIN_LIMIT);

	kthread_test_traffic(t, 10000);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_sampled));
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_rates));
	ip_vs_copy_stats(&k, &t->stats[50]);
	KUNIT_EXPECT_EQ(test, k.inpkts, 3 * 10000);
	KUNIT_EXPECT_EQ(test, k.inbytes, 3 * 600000);

	ip_vs_est_test_stop(test, 0, 100);
	KUNIT_EXPECT_EQ(test, t->est->started, 0);
	KUNIT_EXPECT_EQ(test, t->est->slot[0]->count, 0);
	ip_vs_est_test_cleanup(t);
	KUNIT_EXPECT_PTR_EQ(test, t->ipvs->est, NULL);
	KUNIT_EXPECT_TRUE(test, task->flags & PF_EXITING);
	put_task_struct(task);
}

/* Off: no task, places are kept.  On: each takes its counters as base. */
static void kthread_test_off_and_on(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct ip_vs_kstats k;
	unsigned int i;
	u32 gen;

	ip_vs_est_test_make(test, 20);
	ip_vs_est_test_start(test, 0, 20);
	KUNIT_ASSERT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));
	gen = t->est->gen;

	kthread_test_run(t, 0);
	KUNIT_EXPECT_PTR_EQ(test, t->est->slot[0]->task, NULL);
	KUNIT_EXPECT_NE(test, t->est->gen, gen);
	ip_vs_est_test_expect(test, 20, 0);

	kthread_test_traffic(t, 50000);
	ip_vs_copy_stats(&k, &t->stats[7]);
	KUNIT_EXPECT_EQ(test, k.inpkts, 3 * 50000);
	KUNIT_EXPECT_EQ(test, k.inpps, 0);

	kthread_test_run(t, 1);
	KUNIT_EXPECT_NOT_NULL(test, t->est->slot[0]->task);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_sampled));
	for (i = 0; i < 20; i++) {
		ip_vs_copy_stats(&k, &t->stats[i]);
		KUNIT_EXPECT_EQ(test, k.inpps, 0);
	}
}

/* A probe makes rows slow; rows that were walked since it does */
static bool kthread_test_slow;
static atomic_t kthread_test_rows;

static bool kthread_test_repacked(struct ip_vs_est_test *t)
{
	bool repacked;

	spin_lock(&t->est->lock);
	repacked = !t->est->measured && !t->est->repack;
	spin_unlock(&t->est->lock);
	return repacked;
}

/* Kthread 0 takes over the limit that a meter has found.  It is off when that
 * is noted, so that its own meter has found nothing yet.
 */
static void kthread_test_corrected(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	u32 want;

	ip_vs_est_test_make(test, 2);
	ip_vs_est_test_start(test, 0, 2);
	KUNIT_ASSERT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));
	kthread_test_run(t, 0);
	want = t->est->chain_max > 1 ? t->est->chain_max - 1 : 2;
	spin_lock(&t->est->lock);
	t->est->measured = want;
	spin_unlock(&t->est->lock);
	kthread_test_run(t, 1);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_repacked));
	kthread_test_run(t, 0);
	KUNIT_EXPECT_EQ(test, t->est->chain_max, want);
}

/* Half of all jiffies that can be counted, away from now: a time of so long ago
 * that it seems to come
 */
#define KTHREAD_TEST_LONG_AGO	(1UL << (BITS_PER_LONG - 1))

/* Nobody has looked at the rows, or at the list, for that long: estimation goes
 * on as if it were yesterday.  The others are pending while it is off.
 */
static void kthread_test_long_off(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	ip_vs_est_test_make(test, 20);
	ip_vs_est_test_start(test, 0, 10);
	KUNIT_ASSERT_TRUE(test,
			  kthread_test_wait(t, kthread_test_none_pending));
	kthread_test_run(t, 0);
	ip_vs_est_test_start(test, 10, 20);
	spin_lock(&t->est->lock);
	t->est->slot[0]->cursor_time += KTHREAD_TEST_LONG_AGO - HZ;
	t->est->place_at += KTHREAD_TEST_LONG_AGO - HZ;
	spin_unlock(&t->est->lock);

	kthread_test_run(t, 1);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));
	/* Those that were there take their counters as base first */
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_sampled));
	kthread_test_traffic(t, 100000);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_rates));
}

/* What a slow machine is like: each row takes two ticks */
static void kthread_test_slow_row(void *data, int netns, unsigned int ctx,
				  unsigned int row, u32 ests, u32 read, u64 ns,
				  unsigned long late)
{
	atomic_inc(&kthread_test_rows);
	mdelay(2 * 1000 / HZ * IP_VS_EST_TICK);
}

/* A row is always due: all the same what comes is placed, a limit taken over,
 * and Tasks RCU, which waits for each task to sleep, is not held up
 */
static void kthread_test_always_late(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct task_struct *task;
	unsigned long slept, end;

	atomic_set(&kthread_test_rows, 0);
	if (register_trace_ipvs_est_row_walked(kthread_test_slow_row, NULL))
		kunit_skip(test, "the kernel has no tracepoints");
	kthread_test_slow = true;
	/* 50 rows, with one in each */
	spin_lock(&t->est->lock);
	t->est->calibrate = false;
	t->est->chain_max = 1;
	spin_unlock(&t->est->lock);
	ip_vs_est_test_make(test, 61);
	ip_vs_est_test_start(test, 0, 60);
	task = kthread_test_task(t);
	KUNIT_ASSERT_NOT_NULL(test, task);
	KUNIT_EXPECT_TRUE(test,
			  kthread_test_wait(t, kthread_test_none_pending));

	/* Late by now, whatever else runs */
	end = jiffies + 120 * HZ;
	while (atomic_read(&kthread_test_rows) < IP_VS_EST_ROWS &&
	       time_before(jiffies, end))
		msleep(20);
	ip_vs_est_test_start(test, 60, 61);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_all_placed));
	spin_lock(&t->est->lock);
	t->est->measured = 3;
	spin_unlock(&t->est->lock);
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_repacked));
	KUNIT_EXPECT_EQ(test, t->est->chain_max, 3);

	slept = READ_ONCE(task->nvcsw);
	while (READ_ONCE(task->nvcsw) == slept && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_NE(test, READ_ONCE(task->nvcsw), slept);
	put_task_struct(task);
	kthread_test_run(t, 0);
}

/* Estimators come and go, the same ones at once, while kthread 0 works */
static void kthread_test_come_and_go(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int step, i, n = 0, pending;
	struct rnd_state rnd;
	bool *started;

	started = kunit_kcalloc(test, 300, sizeof(*started), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, started);
	ip_vs_est_test_make(test, 300);

	prandom_seed_state(&rnd, 38790103);
	for (step = 0; step < 6000; step++) {
		i = prandom_u32_state(&rnd) % 300;
		if (started[i])
			ip_vs_est_test_stop(test, i, i + 1);
		started[i] = prandom_u32_state(&rnd) % 4;
		if (started[i])
			ip_vs_est_test_start(test, i, i + 1);
		if (step % 100 == 0)
			msleep(30);
	}
	for (i = 0; i < 300; i++)
		n += started[i];
	KUNIT_EXPECT_TRUE(test, kthread_test_wait(t, kthread_test_none_pending));

	/* Stop the task, and end what it may be doing */
	kthread_test_run(t, 0);
	while (ip_vs_est_repack_step(t->est))
		cond_resched();
	pending = ip_vs_est_test_pending(t);
	KUNIT_EXPECT_EQ(test, t->est->started, n);
	ip_vs_est_test_expect(test, n - pending, pending);
}

/* Tests may end early */
static void kthread_test_exit(struct kunit *test)
{
	if (kthread_test_slow)
		unregister_trace_ipvs_est_row_walked(kthread_test_slow_row,
						     NULL);
	kthread_test_slow = false;
	tracepoint_synchronize_unregister();
	ip_vs_est_test_exit(test);
}

static struct kunit_case kthread_test_cases[] = {
	KUNIT_CASE(kthread_test_total_alone),
	KUNIT_CASE(kthread_test_life),
	KUNIT_CASE(kthread_test_off_and_on),
	KUNIT_CASE(kthread_test_corrected),
	KUNIT_CASE(kthread_test_long_off),
	KUNIT_CASE(kthread_test_always_late),
	KUNIT_CASE(kthread_test_come_and_go),
	{}
};

static struct kunit_suite kthread_test_suite = {
	.name = "ipvs-est-kthread",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = ip_vs_est_test_init,
	.exit = kthread_test_exit,
	.test_cases = kthread_test_cases,
};

kunit_test_suites(&kthread_test_suite);
