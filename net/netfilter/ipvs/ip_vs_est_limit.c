// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: chain_max, how many estimators a chain may hold
 *
 *	chain_max = 95 us / (cost of an estimator)
 *
 * because a chain is one RCU read-side section without a reschedule point, and
 * should take 100 us at most.  The cost, in ns, is
 *
 *  - at first, by calibration, the least time of 12 passes over one private
 *    object of which every possible CPU is read, less what reading the clock
 *    takes, times 4: these passes find all of it in the cache, a real walk does
 *    not.  How much that makes depends on the machine, so this is a guess.
 *
 *  - from then on the highest that the meters of all kthreads have measured
 *    (ip_vs_est_meter.c) in a round of two periods.  The limit follows it with
 *    hysteresis: only if it is more than 102 us / chain_max, or leaves room for
 *    1/16 more; only when 2 rounds in a row ask for less, or 4 for more; and to
 *    the one of their limits that changes least.  All kthreads have one limit,
 *    so that CPUs of different speed do not push estimators to and fro.
 *
 * When nothing is measured any more, as in a table without traffic, a limit
 * below the guess is raised to it after 52 s: what had it lowered may be over.
 * If the guess proves too high again, the next time takes twice as long.
 */

#include <linux/bottom_half.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>

#include "ip_vs_est_impl.h"

/* Time that a chain should take, ns: as ip_vs_est_calc_limits() of Linux 6.2
 * and later has it, 95 us
 */
#define IP_VS_EST_BUDGET	95000
/* Time of a chain that asks for a lower limit, ns: with 48 of them in a row, a
 * kthread takes a little less than 1/8 of a CPU
 */
#define IP_VS_EST_TOO_SLOW	102000
/* A limit that is higher by 1/16 is worth moving estimators for: so it is less
 * than a tenth from what it could be.  By choice, as the next ones are.
 */
#define IP_VS_EST_MIN_RAISE	16
/* Two periods, in which each kthread adds its cost at least once, jiffies */
#define IP_VS_EST_ROUND		(2 * IP_VS_EST_PERIOD)
/* Rounds in a row that ask for less, or for more: 8 s and 16 s */
#define IP_VS_EST_ROUNDS_LOWER	2
#define IP_VS_EST_ROUNDS_RAISE	4
/* Rounds without a cost: 52 s.  That is doubled at most so often, which makes
 * 4 hours.
 */
#define IP_VS_EST_ROUNDS_UNKNOWN	13
#define IP_VS_EST_MAX_BACKOFF	8

/* Calibration runs, with a pause before every fourth in which the CPU gets
 * to its speed after sleep: as many as ip_vs_est_calc_limits() of Linux 6.2 and
 * later makes
 */
#define IP_VS_EST_CALIB_RUNS	12
#define IP_VS_EST_CALIB_PAUSE	4
/* Cost of a pass when counters are not cached against when they are: as in
 * ip_vs_est_calc_limits() of Linux 6.2 and later, until it is measured
 */
#define IP_VS_EST_UNCACHED	4
/* Reading the clock may take longer than a pass, where it is not a register of
 * the CPU.  Then the difference is mostly noise: it counts for 1/8 of the time
 * at least, by choice, so that noise does not make an estimator cost nothing.
 */
#define IP_VS_EST_CLOCK_NOISE	8
/* Cost where the clock is too coarse, ns.  By choice: the lines that the meter
 * assumes, of 128 CPUs, see IP_VS_EST_LINE_NS
 */
#define IP_VS_EST_COST_DEFAULT	\
	((128 + IP_VS_EST_BUSY_LINES) * IP_VS_EST_LINE_NS)

/**
 * ip_vs_est_clock() - the time to measure walks with
 *
 * Context: any.
 * Return: ns; always 0 where the clock is too coarse for that, so that walks
 * seem to take no time and measure nothing.
 */
u64 ip_vs_est_clock(void)
{
	if (ktime_get_resolution_ns() > IP_VS_EST_CLOCK_RES)
		return 0;
	return ktime_get_ns();
}

/* A clock that stands still or goes back measures nothing */
static s64 ip_vs_est_shorter(s64 best, u64 from, u64 to)
{
	s64 time = to - from;

	return time > 0 ? min(best, time) : best;
}

/**
 * ip_vs_est_cost() - measure what one estimation takes
 * @stats: a private object with counters for every possible CPU
 * @clock: the time, ns
 * @pause: sleeps for a while; returns false to give up
 *
 * Context: may sleep, in @pause.
 * Return: ns for one estimator whose counters are not in the cache, or 0 when
 * @pause has returned false.
 */
u64 ip_vs_est_cost(struct ip_vs_stats *stats, u64 (*clock)(void),
		   bool (*pause)(void))
{
	s64 best = S64_MAX, reading = S64_MAX;
	struct ip_vs_est_walk walk = {};
	u64 start, ready, end;
	unsigned int run;

	for (run = 0; run < IP_VS_EST_CALIB_RUNS; run++) {
		if (run % IP_VS_EST_CALIB_PAUSE == 0 && !pause())
			return 0;

		/* In each run a sample of all CPUs is due.  Pairs with
		 * WRITE_ONCE() in ip_vs_est_set_active().
		 */
		walk.gen = READ_ONCE(stats->net->gen);
		stats->est.gen = walk.gen;
		stats->est.stamp = get_jiffies_64() - IP_VS_EST_PERIOD;
		ip_vs_stats_unsettle(stats);

		local_bh_disable();
		rcu_read_lock();
		start = clock();
		ready = clock();
		ip_vs_est_pass(stats, &walk, NULL);
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
	if (best > S64_MAX / IP_VS_EST_UNCACHED)
		return S64_MAX;
	return best * IP_VS_EST_UNCACHED;
}

/**
 * ip_vs_est_chain_max() - how many estimators fit into the time of a chain
 * @cost: time that one takes, ns, at least 1
 *
 * Context: any.
 * Return: from 1 to IP_VS_EST_CHAIN_LIMIT.
 */
u32 ip_vs_est_chain_max(u64 cost)
{
	return clamp_t(u64, div64_u64(IP_VS_EST_BUDGET, cost), 1,
		       IP_VS_EST_CHAIN_LIMIT);
}

/**
 * ip_vs_est_same_guess() - are two calibrations the same?
 * @old_guess: result of one
 * @new_guess: result of another
 *
 * Context: any.
 * Return: true if they are within a quarter of each other.  By choice: chance
 * makes less of them as a rule, and the meters correct the rest.
 */
bool ip_vs_est_same_guess(u32 old_guess, u32 new_guess)
{
	u32 diff = new_guess > old_guess ? new_guess - old_guess :
					   old_guess - new_guess;

	return diff <= old_guess / 4;
}

/**
 * ip_vs_est_recalibrated() - what a new calibration means for the limit
 * @chain_max: in use now, perhaps corrected by measurement
 * @old_guess: result of the calibration that it began with
 * @new_guess: result of the new one
 *
 * What the meter has found out, the ratio of @chain_max to @old_guess, holds
 * for the new CPUs as well.  If the guess is the same, nothing changes.
 *
 * Context: any.
 * Return: the limit to use, from 1 to IP_VS_EST_CHAIN_LIMIT.
 */
u32 ip_vs_est_recalibrated(u32 chain_max, u32 old_guess, u32 new_guess)
{
	if (ip_vs_est_same_guess(old_guess, new_guess))
		return chain_max;
	return clamp_t(u64, div_u64((u64)chain_max * new_guess, old_guess), 1,
		       IP_VS_EST_CHAIN_LIMIT);
}

/**
 * ip_vs_est_too_slow() - does a full chain take longer than it may?
 * @chain_max: estimators in it
 * @cost: time that one takes, in units of 2^-IP_VS_EST_COST_SHIFT ns
 *
 * Context: any.
 * Return: true if so.
 */
bool ip_vs_est_too_slow(u32 chain_max, u64 cost)
{
	return (u64)chain_max * cost >
	       (u64)IP_VS_EST_TOO_SLOW << IP_VS_EST_COST_SHIFT;
}

/* What the slowest kthread of a round asks for: 1 less, -1 more, 0 neither */
static int ip_vs_est_judge_limit(u32 cost, u32 chain_max, u32 want)
{
	if (want < chain_max && ip_vs_est_too_slow(chain_max, cost))
		return 1;
	if (want > chain_max + chain_max / IP_VS_EST_MIN_RAISE)
		return -1;
	return 0;
}

/* A round without a cost: at last a limit below the guess is raised to it */
static u32 ip_vs_est_judge_unknown(struct ip_vs_est_judge *j, u32 chain_max,
				   u32 guess)
{
	if (chain_max >= guess) {
		j->unknown = 0;
		return 0;
	}
	if (++j->unknown < IP_VS_EST_ROUNDS_UNKNOWN << j->backoff)
		return 0;
	j->unknown = 0;
	j->streak = 0;
	j->reverted = true;
	return guess;
}

/**
 * ip_vs_est_judge_round() - a round is over: judge by the slowest kthread
 * @j: what was added in it, and before; the next round starts
 * @chain_max: limit in use
 * @guess: what calibration has found
 *
 * Context: est->lock held, unless nobody else can see @j.
 * Return: the limit to use, or 0 to keep @chain_max.
 */
u32 ip_vs_est_judge_round(struct ip_vs_est_judge *j, u32 chain_max, u32 guess)
{
	u64 cost = j->cost;
	u32 want;
	int dir;

	j->cost = 0;
	if (!cost)
		return ip_vs_est_judge_unknown(j, chain_max, guess);
	j->unknown = 0;
	want = clamp_t(u64, div64_u64((u64)IP_VS_EST_BUDGET <<
				      IP_VS_EST_COST_SHIFT, cost), 1,
		       IP_VS_EST_CHAIN_LIMIT);
	dir = ip_vs_est_judge_limit(cost, chain_max, want);
	if (!dir || dir * j->streak < 0)
		j->streak = 0;
	if (!dir)
		return 0;

	/* Of all rounds in a row, the one that changes least */
	if (!j->streak)
		j->want = want;
	j->want = dir > 0 ? max(j->want, want) : min(j->want, want);
	j->streak += dir;
	if (j->streak < IP_VS_EST_ROUNDS_LOWER &&
	    j->streak > -IP_VS_EST_ROUNDS_RAISE)
		return 0;
	j->streak = 0;
	if (dir < 0)
		j->backoff = 0;
	else if (j->reverted && j->backoff < IP_VS_EST_MAX_BACKOFF)
		j->backoff++;
	j->reverted = false;
	return j->want;
}

/**
 * ip_vs_est_judge_add() - add what a kthread has measured in a period
 * @j: the namespace's
 * @cost: from ip_vs_est_meter_period()
 * @now: jiffies
 *
 * Context: est->lock held, unless nobody else can see @j.
 * Return: true if a round is over, and ip_vs_est_judge_round() to be called.
 */
bool ip_vs_est_judge_add(struct ip_vs_est_judge *j, u32 cost,
			 unsigned long now)
{
	j->cost = max(j->cost, cost);
	/* Also when the last one was so long ago that jiffies have wrapped */
	if (now - j->begun < IP_VS_EST_ROUND)
		return false;
	j->begun = now;
	return true;
}
