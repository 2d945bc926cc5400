// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: how many estimators a chain may hold
 *
 * Specified here: what calibration makes of clocks of all kinds, and what a
 * second calibration changes.
 */

#include <linux/slab.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_test.h"

/* Calibration */

/* A clock for the calibration, which has no place for a context: in ns.
 * Reading it takes @clock_reading; a run reads it three times, and what is
 * before the last takes @clock_step, in the first run @clock_first.
 */
static u64 clock_now;
static s64 clock_step;
static s64 clock_first;
static s64 clock_reading;
static unsigned int clock_reads;
#define CLOCK_READS	3
/* Runs after each pause */
#define CLOCK_RUNS	4
/* Pauses so far, the one that says to give up, and those too early or late */
static unsigned int pauses;
static unsigned int pause_fails;
static unsigned int pauses_misplaced;

static u64 cost_test_clock(void)
{
	clock_now += clock_reading;
	if (++clock_reads % CLOCK_READS == 0)
		clock_now += clock_reads == CLOCK_READS ? clock_first : clock_step;
	return clock_now;
}

static bool cost_test_pause(void)
{
	pauses_misplaced += clock_reads != CLOCK_READS * CLOCK_RUNS * pauses;
	return ++pauses != pause_fails;
}

static struct ip_vs_est_net cost_test_net;

static int cost_test_init(struct kunit *test)
{
	clock_now = S64_MAX;
	clock_reading = 0;
	clock_reads = 0;
	pauses = 0;
	pause_fails = 0;
	pauses_misplaced = 0;
	ip_vs_stats_setup();
	cost_test_net.gen = IP_VS_EST_GEN_FIRST;
	test->priv = ip_vs_stats_create(&cost_test_net, GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void cost_test_exit(struct kunit *test)
{
	if (test->priv)
		ip_vs_stats_destroy(test->priv);
}

static u64 cost_test_of(struct kunit *test, s64 first, s64 step)
{
	clock_first = first;
	clock_step = step;
	return ip_vs_est_cost(test->priv, cost_test_clock, cost_test_pause);
}

/* The best time, times 4 for what is not in the cache */
static void cost_test_steady_clock(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1, 1), 4);
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1000, 1000), 4000);
	KUNIT_EXPECT_EQ(test, cost_test_of(test, NSEC_PER_SEC, NSEC_PER_SEC),
			4ULL * NSEC_PER_SEC);
}

/* The slowest run is the first, out of the cache: it does not matter */
static void cost_test_best_counts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 90000, 700), 2800);
}

/* What reading the clock takes is not a part of it, unless nothing else can be
 * told: then it is an eighth
 */
static void cost_test_slow_clock(struct kunit *test)
{
	clock_reading = 700;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 90000, 300), 4 * 300);
	clock_reads = 0;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 300, 100), 4 * 100);
	clock_reads = 0;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 300, 20), 4 * (720 / 8));
	clock_reads = 0;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 0, 0), 4 * (700 / 8));
	clock_reading = 1;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 0, 0), 4);
}

/* Three pauses, in which the CPU gets to its speed; four runs after each */
static void cost_test_pauses(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1, 1), 4);
	KUNIT_EXPECT_EQ(test, pauses, 3);
	KUNIT_EXPECT_EQ(test, pauses_misplaced, 0);
	KUNIT_EXPECT_EQ(test, clock_reads, CLOCK_READS * CLOCK_RUNS * pauses);
}

static void cost_test_gives_up(struct kunit *test)
{
	pause_fails = 1;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1000, 1000), 0);
	KUNIT_EXPECT_EQ(test, pauses, 1);
	KUNIT_EXPECT_EQ(test, clock_reads, 0);

	pauses = 0;
	pause_fails = 3;
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1000, 1000), 0);
	KUNIT_EXPECT_EQ(test, pauses, 3);
	KUNIT_EXPECT_EQ(test, clock_reads, CLOCK_READS * CLOCK_RUNS * 2);
}

/* A clock that tells nothing: 136 cache lines of 40 ns */
static void cost_test_useless_clock(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 0, 0), 5440);
	KUNIT_EXPECT_EQ(test, cost_test_of(test, -1000, -1000), 5440);
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 0, -1), 5440);
}

/* One that has gone back once is right all the other times */
static void cost_test_clock_set_back(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cost_test_of(test, -5000, 1000), 4000);
}

static void cost_test_absurd_clock(struct kunit *test)
{
	u64 cost = cost_test_of(test, S64_MAX / 2, S64_MAX / 2);

	KUNIT_EXPECT_EQ(test, cost, S64_MAX);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(cost), 1);
}

/* What is timed is a sample, with counters summed and rates changed */
static void cost_test_takes_samples(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_possible_mask);
	struct ip_vs_stats *probe = test->priv;

	ip_vs_est_begin(probe);
	/* Of all CPUs, also without a packet that says so */
	u64_stats_set(&per_cpu_ptr(probe->cpustats, cpu)->cnt[IP_VS_INPKTS],
		      1000000);
	KUNIT_EXPECT_EQ(test, cost_test_of(test, 1000, 1000), 4000);
	KUNIT_EXPECT_EQ(test, probe->est.base.v[IP_VS_INPKTS], 1000000);
	KUNIT_EXPECT_GT(test, probe->est.avg[IP_VS_INPKTS], 0);
}

static struct kunit_case cost_test_cases[] = {
	KUNIT_CASE(cost_test_steady_clock),
	KUNIT_CASE(cost_test_best_counts),
	KUNIT_CASE(cost_test_slow_clock),
	KUNIT_CASE(cost_test_pauses),
	KUNIT_CASE(cost_test_gives_up),
	KUNIT_CASE(cost_test_useless_clock),
	KUNIT_CASE(cost_test_clock_set_back),
	KUNIT_CASE(cost_test_absurd_clock),
	KUNIT_CASE(cost_test_takes_samples),
	{}
};

static struct kunit_suite cost_test_suite = {
	.name = "ipvs-est-cost",
	.init = cost_test_init,
	.exit = cost_test_exit,
	.test_cases = cost_test_cases,
};

/* Limits */

/* As many as take 95 us, one at least */
static void limit_test_chain_max(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(4000), 23);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(5440), 17);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(47500), 2);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(47501), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(95000), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(95001), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(4ULL * NSEC_PER_SEC), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(U64_MAX), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(2), 47500);
	KUNIT_EXPECT_EQ(test, ip_vs_est_chain_max(1), U16_MAX);
}

/* A guess within a quarter of the old one is the same guess */
static void limit_test_same_guess(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(20, 20, 20), 20);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(33, 20, 25), 33);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(33, 20, 15), 33);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(5, 1, 1), 5);
}

/* What was measured before holds in proportion */
static void limit_test_other_guess(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(20, 20, 26), 26);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(20, 20, 14), 14);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(40, 20, 40), 80);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(10, 20, 40), 20);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(10, 20, 14), 7);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(3, 1, 2), 6);
}

static void limit_test_guess_bounds(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(1, 100, 10), 1);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(60000, 10, 20), U16_MAX);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(U16_MAX, 1, U16_MAX),
			U16_MAX);
	KUNIT_EXPECT_EQ(test, ip_vs_est_recalibrated(U16_MAX, U16_MAX, 1), 1);
}

static struct kunit_case limit_test_cases[] = {
	KUNIT_CASE(limit_test_chain_max),
	KUNIT_CASE(limit_test_same_guess),
	KUNIT_CASE(limit_test_other_guess),
	KUNIT_CASE(limit_test_guess_bounds),
	{}
};

static struct kunit_suite limit_test_suite = {
	.name = "ipvs-est-limit",
	.test_cases = limit_test_cases,
};

/* A limit that was asked for before a calibration is over is about what was in
 * use before: it is not applied over its result, and nothing of it stays
 */
static void calibrate_test_measured_meanwhile(struct kunit *test)
{
	struct ip_vs_est_test *t = test->priv;

	t->est->chain_max = 30;
	t->est->guess = 30;
	t->est->calibrate = true;
	t->est->measured = 3;
	t->est->judge.cost = 1;
	t->est->judge.streak = 1;
	ip_vs_est_distribute(t->est);
	KUNIT_EXPECT_FALSE(test, t->est->calibrate);
	KUNIT_EXPECT_EQ(test, t->est->measured, 0);
	KUNIT_EXPECT_EQ(test, t->est->corrections, 0);
	KUNIT_EXPECT_EQ(test, t->est->judge.cost, 0);
	KUNIT_EXPECT_EQ(test, t->est->judge.streak, 0);

	/* One that comes later is */
	t->est->measured = 3;
	ip_vs_est_distribute(t->est);
	KUNIT_EXPECT_EQ(test, t->est->corrections, 1);
	KUNIT_EXPECT_EQ(test, t->est->chain_max, 3);
}

static bool calibrate_test_traced;
/* Arguments of the tracepoint ipvs_est_corrected, and how often it was hit */
static struct calibrate_test_event {
	unsigned int	times;
	int		netns;
	u32		old;
	u32		chain_max;
} calibrate_test_event;

static void calibrate_test_on_corrected(void *data, int netns, u32 old,
					u32 chain_max)
{
	struct calibrate_test_event *event = &calibrate_test_event;

	event->times++;
	event->netns = netns;
	event->old = old;
	event->chain_max = chain_max;
}

/* The limit that meters have found is taken over, and traced once */
static void calibrate_test_corrected(struct kunit *test)
{
	struct calibrate_test_event *event = &calibrate_test_event;
	struct ip_vs_est_test *t = test->priv;

	/* Not where the kernel is built without tracepoints */
	memset(event, 0, sizeof(*event));
	calibrate_test_traced =
		!register_trace_ipvs_est_corrected(calibrate_test_on_corrected,
						   NULL);
	KUNIT_EXPECT_EQ(test, calibrate_test_traced,
			IS_ENABLED(CONFIG_TRACEPOINTS));
	t->est->calibrate = false;
	t->est->chain_max = 30;
	t->est->measured = 29;
	ip_vs_est_distribute(t->est);
	ip_vs_est_distribute(t->est);
	KUNIT_EXPECT_EQ(test, t->est->chain_max, 29);
	KUNIT_EXPECT_EQ(test, t->est->corrections, 1);
	if (calibrate_test_traced) {
		KUNIT_EXPECT_EQ(test, event->times, 1);
		KUNIT_EXPECT_EQ(test, event->netns, t->ipvs->gen);
		KUNIT_EXPECT_EQ(test, event->old, 30);
		KUNIT_EXPECT_EQ(test, event->chain_max, 29);
	}
}

/* Tests may end early */
static void calibrate_test_exit(struct kunit *test)
{
	if (calibrate_test_traced)
		unregister_trace_ipvs_est_corrected(calibrate_test_on_corrected,
						    NULL);
	calibrate_test_traced = false;
	tracepoint_synchronize_unregister();
	ip_vs_est_test_exit(test);
}

static struct kunit_case calibrate_test_cases[] = {
	KUNIT_CASE(calibrate_test_measured_meanwhile),
	KUNIT_CASE(calibrate_test_corrected),
	{}
};

static struct kunit_suite calibrate_test_suite = {
	.name = "ipvs-est-calibrate",
	.suite_init = ip_vs_est_test_suite_init,
	.suite_exit = ip_vs_est_test_suite_exit,
	.init = ip_vs_est_test_init,
	.exit = calibrate_test_exit,
	.test_cases = calibrate_test_cases,
};

kunit_test_suites(&cost_test_suite, &limit_test_suite, &calibrate_test_suite);
