// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: how many estimators a chain may hold
 *
 * A chain is one RCU read-side section without a reschedule point; it should
 * take 100 us at most.  So chain_max = 95 us / cost of one estimator, and the
 * cost comes from two places:
 *
 *  - Calibration, before anything is placed: the best of some passes over one
 *    private object, less what reading the clock takes, times 4, because those
 *    find everything in the cache and a real walk does not.  It counts every
 *    possible CPU.  This is a guess: hot repetition on one object hides the
 *    misses on the estimators themselves, by how much depends on the machine
 *    (others have seen factors of 3 to 4 either way).
 *
 *  - The meter, from then on: walks time their full chains.  When these stay
 *    above 120 us, or below 50 us, chain_max is set from what they cost.
 *    Walks that were preempted are not counted.
 */

#include <linux/bottom_half.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>

#include "ip_vs_est_impl.h"

/* Time that a chain should take: 5 % less than the 100 us budget, ns */
#define IP_VS_EST_BUDGET	95000
/* Mean time of full chains that asks for a correction, ns.  Far enough from
 * the budget on both sides that a correction, which meets it, is final.
 */
#define IP_VS_EST_TOO_SLOW	120000
#define IP_VS_EST_TOO_FAST	50000
/* A chain counts for at most this time, ns.  What takes longer was held up, by
 * interrupts or by a hypervisor that ran another guest: a few of these must not
 * make the mean of many.
 */
#define IP_VS_EST_HELD_UP	(4 * IP_VS_EST_TOO_SLOW)
/* Periods in a row of such means before a correction.  Raising a limit that
 * was lowered before takes a minute, so that two CPUs of different speed do
 * not push estimators to and fro.
 */
#define IP_VS_EST_STREAK	3
#define IP_VS_EST_STREAK_LONG	30

/* Calibration runs, with a pause before every fourth in which the CPU gets
 * to its speed after sleep
 */
#define IP_VS_EST_RUNS		12
#define IP_VS_EST_RUNS_PAUSE	4
/* Cost of a pass when counters are not cached against when they are, as
 * measured by others on machines of 48 to 256 CPUs and 1 to 8 NUMA nodes
 */
#define IP_VS_EST_COLD		4
/* Reading the clock may take longer than a pass, where it is not a register of
 * the CPU.  Then the difference is mostly noise: it counts for 1/8 of the time
 * at least, by choice, so that noise does not make an estimator cost nothing.
 */
#define IP_VS_EST_CLOCK_NOISE	8
/* Cost where the clock does not tell, ns: measured by others on 128 CPUs */
#define IP_VS_EST_COST_DEFAULT	5400

/* A clock that stands still or goes back tells nothing */
static s64 ip_vs_est_shorter(s64 best, u64 from, u64 to)
{
	s64 time = to - from;

	return time > 0 ? min(best, time) : best;
}

/**
 * ip_vs_est_cost() - measure what one estimation takes
 * @probe: a private object with counters for every possible CPU
 * @clock: the time, ns
 * @pause: sleeps for a while; returns false to give up
 *
 * Context: may sleep, in @pause.
 * Return: ns for one estimator whose counters are not in the cache, or 0 when
 * @pause has said to give up.
 */
u64 ip_vs_est_cost(struct ip_vs_stats *probe, u64 (*clock)(void),
		   bool (*pause)(void))
{
	s64 best = S64_MAX, reading = S64_MAX;
	struct ip_vs_est_walk walk = {};
	u64 start, ready, end;
	unsigned int run;

	for (run = 0; run < IP_VS_EST_RUNS; run++) {
		if (run % IP_VS_EST_RUNS_PAUSE == 0 && !pause())
			return 0;

		/* A sample is due in each run, of all CPUs */
		walk.gen = READ_ONCE(probe->net->gen);
		probe->est.gen = walk.gen;
		probe->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
		ip_vs_stats_unsettle(probe);

		local_bh_disable();
		rcu_read_lock();
		start = clock();
		ready = clock();
		ip_vs_est_pass(probe, &walk, NULL);
		end = clock();
		rcu_read_unlock();
		local_bh_enable();

		best = ip_vs_est_shorter(best, ready, end);
		reading = ip_vs_est_shorter(reading, start, ready);
	}
	if (best == S64_MAX)
		return IP_VS_EST_COST_DEFAULT;
	if (reading != S64_MAX)
		best = max(best - reading, best / IP_VS_EST_CLOCK_NOISE) ? : 1;
	if (best > S64_MAX / IP_VS_EST_COLD)
		return S64_MAX;
	return best * IP_VS_EST_COLD;
}

/**
 * ip_vs_est_chain_max() - how many estimators fit into the time of a chain
 * @cost: time that one takes, ns, at least 1
 *
 * Return: from 1 to IP_VS_EST_CHAIN_LIMIT.
 */
u32 ip_vs_est_chain_max(u64 cost)
{
	return clamp_t(u64, div64_u64(IP_VS_EST_BUDGET, cost), 1,
		       IP_VS_EST_CHAIN_LIMIT);
}

/**
 * ip_vs_est_recalibrated() - what a new calibration means for the limit
 * @chain_max: in use now, perhaps corrected by measurement
 * @old_guess: result of the calibration that it began with
 * @new_guess: result of the new one
 *
 * What the meter has found out, the ratio of @chain_max to @old_guess, holds
 * for the new CPUs as well.  Guesses within a quarter of each other are the
 * same guess: then nothing changes.
 *
 * Return: the limit to use, from 1 to IP_VS_EST_CHAIN_LIMIT.
 */
u32 ip_vs_est_recalibrated(u32 chain_max, u32 old_guess, u32 new_guess)
{
	u32 diff = new_guess > old_guess ? new_guess - old_guess :
					   old_guess - new_guess;

	if (diff <= old_guess / 4)
		return chain_max;
	return clamp_t(u64, div_u64((u64)chain_max * new_guess, old_guess), 1,
		       IP_VS_EST_CHAIN_LIMIT);
}

static void ip_vs_est_timed_add(struct ip_vs_est_timed *t, u64 ns, u32 ests)
{
	t->ns += ns;
	t->ests += ests;
	t->chains++;
}

/* Time of one chain, ns; 0 when there is none */
static u64 ip_vs_est_timed_mean(const struct ip_vs_est_timed *t)
{
	return t->chains ? div_u64(t->ns, t->chains) : 0;
}

/**
 * ip_vs_est_meter_add() - note what a chain has taken, if it tells
 * @m: the meter of the context
 * @ns: time of the walk, ns, not preempted
 * @walk: what was done in it
 * @chain_max: limit in use
 *
 * Limits must hold when every CPU has counted for every estimator.  So full
 * chains in which less was read tell that they are too slow in spite of that,
 * but not that they are fast.
 *
 * Context: the kthread that owns @m.
 */
void ip_vs_est_meter_add(struct ip_vs_est_meter *m, u64 ns,
			 const struct ip_vs_est_walk *walk, u32 chain_max)
{
	u32 ests = 0;
	unsigned int did;

	for (did = 0; did < IP_VS_EST_NDID; did++)
		ests += walk->did[did];
	if (ests < chain_max)
		return;

	ns = min_t(u64, ns, IP_VS_EST_HELD_UP);
	ip_vs_est_timed_add(&m->full, ns, ests);
	if (walk->did[IP_VS_EST_READ_ALL] == ests)
		ip_vs_est_timed_add(&m->worst, ns, ests);
}

/* What a period is: 1 too slow, -1 too fast, 0 neither */
static int ip_vs_est_meter_judge(const struct ip_vs_est_meter *m)
{
	if (ip_vs_est_timed_mean(&m->full) > IP_VS_EST_TOO_SLOW ||
	    ip_vs_est_timed_mean(&m->worst) > IP_VS_EST_TOO_SLOW)
		return 1;
	if (m->worst.chains &&
	    ip_vs_est_timed_mean(&m->worst) < IP_VS_EST_TOO_FAST)
		return -1;
	return 0;
}

/**
 * ip_vs_est_meter_period() - look at the full chains of one period
 * @m: the meter of the context; starts anew
 * @chain_max: limit in use
 * @lowered: the limit was lowered by a meter before
 *
 * Context: the kthread that owns @m.
 * Return: the limit that the chains ask for, or 0 to keep @chain_max.
 */
u32 ip_vs_est_meter_period(struct ip_vs_est_meter *m, u32 chain_max,
			   bool lowered)
{
	int judged = ip_vs_est_meter_judge(m), need = IP_VS_EST_STREAK;
	const struct ip_vs_est_timed *by = &m->worst;
	u32 want = 0;

	if (!m->full.chains)
		return 0;

	if (judged > 0)
		m->streak = max(m->streak, 0) + 1;
	else if (judged < 0)
		m->streak = min(m->streak, 0) - 1;
	else if (m->streak > 0 || m->worst.chains)
		m->streak = 0;

	if (m->streak < 0 && lowered)
		need = IP_VS_EST_STREAK_LONG;
	if (judged && abs(m->streak) >= need) {
		/* Slow though little was read: then all of them tell how slow */
		if (judged > 0 &&
		    ip_vs_est_timed_mean(by) < ip_vs_est_timed_mean(&m->full))
			by = &m->full;
		want = ip_vs_est_chain_max(div_u64(by->ns, by->ests) ? : 1);
		m->streak = 0;
	}
	memset(&m->full, 0, sizeof(m->full));
	memset(&m->worst, 0, sizeof(m->worst));
	return want == chain_max ? 0 : want;
}
