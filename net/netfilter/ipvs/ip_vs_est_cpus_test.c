// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: which CPUs the kthreads may use
 *
 * Specified here: what a task gets when it is new, when a list is written and
 * when its CPUs were taken away; what is left alone; and that limits follow the
 * CPUs that are online.  The test's machine has four CPUs, or more.
 */

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/workqueue.h>

#include <net/ip_vs.h>
#include "ip_vs_est_test.h"

/* Bits of masks, by number of the CPU */
#define CPUS_0		0x1
#define CPUS_1		0x2
#define CPUS_0_1	0x3
#define CPUS_1_2	0x6
#define CPUS_2_3	0xc

/* Times that CPUs go offline one after the other, and by how much later the
 * second one goes each time, ms: at any moment of what the first has set going
 */
#define CPUS_TEST_ROUNDS	30
#define CPUS_TEST_LATER_MS	4

/* What a test that ends early must not leave as it is: the parent of all
 * kthreads, where it was given other CPUs, and those that it had
 */
static struct task_struct *cpus_test_kthreadd;
static struct cpumask cpus_test_had;

static void cpus_test_exit(struct kunit *test)
{
	unsigned int __maybe_unused cpu;

	if (cpus_test_kthreadd)
		set_cpus_allowed_ptr(cpus_test_kthreadd, &cpus_test_had);
	cpus_test_kthreadd = NULL;
#ifdef CONFIG_HOTPLUG_CPU
	for (cpu = 2; cpu <= 3; cpu++) {
		if (cpu_possible(cpu) && !cpu_online(cpu))
			add_cpu(cpu);
	}
#endif
	ip_vs_est_test_exit(test);
}

static unsigned long cpus_test_bits(const struct cpumask *cpus)
{
	return cpumask_bits(cpus)[0];
}

/* As a write to est_cpulist does, and then est_reload_work */
static void cpus_test_write(struct ip_vs_est_test *t, unsigned long bits)
{
	static struct cpumask cpus;

	cpumask_clear(&cpus);
	cpumask_bits(&cpus)[0] = bits;
	spin_lock(&t->est->lock);
	ip_vs_est_set_cpulist(t->est, &cpus);
	ip_vs_est_set_limits(t->est);
	ip_vs_est_set_active(t->est);
	spin_unlock(&t->est->lock);
	ip_vs_est_test_flush(t);
}

/* As a write to est_nice does, which is not about CPUs */
static void cpus_test_renice(struct ip_vs_est_test *t, int nice)
{
	spin_lock(&t->est->lock);
	WRITE_ONCE(t->est->nice, nice);
	ip_vs_est_queue_reload(t->est, 0);
	spin_unlock(&t->est->lock);
	ip_vs_est_test_flush(t);
}

static void cpus_test_run(struct ip_vs_est_test *t, int run)
{
	spin_lock(&t->est->lock);
	WRITE_ONCE(t->est->run, run);
	ip_vs_est_set_active(t->est);
	spin_unlock(&t->est->lock);
	ip_vs_est_test_flush(t);
}

/* The task of kthread 0; nobody but the test stops it */
static struct task_struct *cpus_test_task(struct ip_vs_est_test *t)
{
	struct task_struct *task;

	spin_lock(&t->est->lock);
	task = t->est->slot[0]->task;
	spin_unlock(&t->est->lock);
	return task;
}

static unsigned long cpus_test_has(struct ip_vs_est_test *t)
{
	static struct cpumask cpus;

	ip_vs_est_task_cpus(cpus_test_task(t), &cpus);
	return cpus_test_bits(&cpus);
}

/* As the kernel does, or taskset */
static int cpus_test_give(struct task_struct *task, unsigned long bits)
{
	static struct cpumask cpus;

	cpumask_clear(&cpus);
	cpumask_bits(&cpus)[0] = bits;
	return set_cpus_allowed_ptr(task, &cpus);
}

/* With a task */
static void cpus_test_begin(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	if (num_online_cpus() < 4 || !cpu_online(3))
		kunit_skip(test, "fewer than four CPUs");
	ip_vs_est_test_make(test, 2);
	ip_vs_est_test_start(test, 0, 2);
	ip_vs_est_test_flush(t);
	KUNIT_ASSERT_NOT_NULL(test, cpus_test_task(t));
}

static void cpus_test_default(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned long want;

	cpus_test_begin(test);
	rcu_read_lock();
	want = cpus_test_bits(housekeeping_cpumask(HK_TYPE_WQ)) &
	       cpus_test_bits(housekeeping_cpumask(HK_TYPE_DOMAIN));
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, t->est->cpulist_set);
	KUNIT_EXPECT_EQ(test, cpus_test_bits(t->est->cpulist), want);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), want);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max,
			IP_VS_EST_KTHREADS *
			cpumask_weight_and(t->est->cpulist, cpu_online_mask));
}

/* By a new task, to whose first CPUs newer kernels go back; CPUs that are not
 * there do not count
 */
static void cpus_test_written(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	pid_t pid;

	cpus_test_begin(test);
	pid = task_pid_nr(cpus_test_task(t));
	cpus_test_write(t, CPUS_1);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_1);
	KUNIT_EXPECT_NE(test, task_pid_nr(cpus_test_task(t)), pid);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max, IP_VS_EST_KTHREADS);
	cpus_test_run(t, 0);
	cpus_test_run(t, 1);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_1);

	/* More than the task was left before */
	KUNIT_EXPECT_EQ(test, cpus_test_give(cpus_test_task(t), CPUS_1), 0);
	cpus_test_write(t, CPUS_1_2);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_1_2);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max, 2 * IP_VS_EST_KTHREADS);
}

/* It is a new task that measures other CPUs, and only those */
static void cpus_test_measured(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_0_1);
	cpus_test_run(t, 0);
	WRITE_ONCE(t->est->calibrate, false);
	cpus_test_write(t, CPUS_0_1);
	KUNIT_EXPECT_FALSE(test, t->est->calibrate);
	cpus_test_write(t, CPUS_1_2);
	KUNIT_EXPECT_TRUE(test, t->est->calibrate);
}

/* Whoever narrows it within the wish knows why */
static void cpus_test_narrowed(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_0_1);
	KUNIT_EXPECT_EQ(test, cpus_test_give(cpus_test_task(t), CPUS_1), 0);
	cpus_test_renice(t, 5);
	KUNIT_EXPECT_EQ(test, task_nice(cpus_test_task(t)), 5);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_1);
}

/* What the kernel left of the wish, or the wish */
static void cpus_test_lost(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_0_1);
	KUNIT_EXPECT_EQ(test, cpus_test_give(cpus_test_task(t), CPUS_1_2), 0);
	cpus_test_renice(t, 1);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_1);

	KUNIT_EXPECT_EQ(test, cpus_test_give(cpus_test_task(t), CPUS_2_3), 0);
	cpus_test_renice(t, 2);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_0_1);

	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(cpus_test_task(t),
						   cpu_possible_mask), 0);
	cpus_test_renice(t, 3);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_0_1);
}

/* Nobody tells est_reload_work: the task does, once a period */
static void cpus_test_own_look(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned long end = jiffies + 120 * HZ;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_0);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(cpus_test_task(t),
						   cpu_possible_mask), 0);
	while (cpus_test_has(t) != CPUS_0 && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_0);
}

/* The parent of all kthreads has lost a CPU, as when a partition takes it: a
 * default list is without it, a written one is not.
 */
static void cpus_test_taken(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	struct task_struct *kthreadd;
	unsigned long had, ctx_max;

	cpus_test_begin(test);
	had = cpus_test_has(t);
	ctx_max = t->est->ctx_max;
	rcu_read_lock();
	kthreadd = rcu_dereference(cpus_test_task(t)->real_parent);
	rcu_read_unlock();
	ip_vs_est_task_cpus(kthreadd, &cpus_test_had);
	cpus_test_kthreadd = kthreadd;
	KUNIT_EXPECT_EQ(test, cpus_test_give(kthreadd, had & ~CPUS_1), 0);
	cpus_test_run(t, 0);
	cpus_test_run(t, 1);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), had & ~CPUS_1);
	KUNIT_EXPECT_EQ(test, cpus_test_bits(t->est->cpulist), had);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max, ctx_max - IP_VS_EST_KTHREADS);

	cpus_test_write(t, CPUS_0_1);
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_0_1);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max, 2 * IP_VS_EST_KTHREADS);
}

/* The time in which the kernel may move tasks has ended, however long nobody looked */
static void cpus_test_reset_ends(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	cpus_test_begin(test);
	spin_lock(&t->est->lock);
	t->est->affinity_reset = true;
	t->est->reset_at = jiffies - ULONG_MAX / 2 - 10;
	spin_unlock(&t->est->lock);
	cpus_test_renice(t, 1);
	KUNIT_EXPECT_FALSE(test, t->est->affinity_reset);
}

#ifdef CONFIG_HOTPLUG_CPU
/* Wait until est_reload_work has nothing to do, without queueing it */
static bool cpus_test_quiet(struct ip_vs_est_test *t)
{
	unsigned long end = jiffies + 120 * HZ;
	bool busy;

	do {
		msleep(20);
		/* The lock for the same reason as in ip_vs_est_test_flush() */
		spin_lock(&t->est->lock);
		busy = work_busy(&t->est->reload_work.work);
		spin_unlock(&t->est->lock);
	} while (busy && time_before(jiffies, end));
	return !busy;
}

/* The work has been for each event, and after it */
static void cpus_test_offline(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;
	unsigned int round, wrong = 0, cpu;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_0 | CPUS_2_3);
	for (round = 0; round < CPUS_TEST_ROUNDS; round++) {
		KUNIT_ASSERT_EQ(test, remove_cpu(2), 0);
		msleep(round * CPUS_TEST_LATER_MS);
		KUNIT_ASSERT_EQ(test, remove_cpu(3), 0);
		KUNIT_EXPECT_TRUE(test, cpus_test_quiet(t));
		wrong += t->est->ctx_max != IP_VS_EST_KTHREADS;
		for (cpu = 2; cpu <= 3; cpu++)
			KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
		KUNIT_EXPECT_TRUE(test, cpus_test_quiet(t));
		KUNIT_EXPECT_EQ(test, t->est->ctx_max, 3 * IP_VS_EST_KTHREADS);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* The last CPU of the wish goes, and comes back */
static void cpus_test_last(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	cpus_test_begin(test);
	cpus_test_write(t, CPUS_2_3);
	KUNIT_ASSERT_EQ(test, remove_cpu(2), 0);
	KUNIT_ASSERT_EQ(test, remove_cpu(3), 0);
	cpus_test_run(t, 0);
	cpus_test_run(t, 1);
	KUNIT_EXPECT_NE(test, cpus_test_has(t) & CPUS_0_1, 0);
	KUNIT_EXPECT_EQ(test, t->est->ctx_max, IP_VS_EST_KTHREADS);
	KUNIT_ASSERT_EQ(test, add_cpu(3), 0);
	KUNIT_EXPECT_TRUE(test, cpus_test_quiet(t));
	KUNIT_EXPECT_EQ(test, cpus_test_has(t), CPUS_2_3);
	KUNIT_ASSERT_EQ(test, add_cpu(2), 0);
}
#endif

static struct kunit_case cpus_test_cases[] = {
	KUNIT_CASE(cpus_test_default),
	KUNIT_CASE(cpus_test_written),
	KUNIT_CASE(cpus_test_measured),
	KUNIT_CASE(cpus_test_narrowed),
	KUNIT_CASE(cpus_test_lost),
	KUNIT_CASE(cpus_test_own_look),
	KUNIT_CASE(cpus_test_taken),
	KUNIT_CASE(cpus_test_reset_ends),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(cpus_test_offline),
	KUNIT_CASE(cpus_test_last),
#endif
	{}
};

static struct kunit_suite cpus_test_suite = {
	.name = "ipvs-est-cpus",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = ip_vs_est_test_init,
	.exit = cpus_test_exit,
	.test_cases = cpus_test_cases,
};

kunit_test_suites(&cpus_test_suite);
