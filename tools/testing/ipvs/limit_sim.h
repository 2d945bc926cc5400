/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The estimator in user space: machines of which all is known, see limit_sim.c */
#ifndef _LIMIT_SIM_H
#define _LIMIT_SIM_H

#include <net/ip_vs.h>

#include "../../../net/netfilter/ipvs/ip_vs_est_impl.h"

/* The time of a chain that a limit stands for, ns */
#define BUDGET		95000
/* Kthreads, at most */
#define KTHREADS	4

/**
 * struct table - what is estimated, and where
 * @cpus: possible CPUs
 * @ests: estimators
 * @kthreads: which share them
 * @idle_ns: cost of an idle one
 * @busy_ns: of an active one, before counters are read
 * @read_ns: of reading the counters of all CPUs
 * @active: estimators of 1000 that are active
 * @even: they are evenly spread, else by chance
 * @some: of 64 CPUs or groups, those that count for an active one: 1 to this
 *	many, by chance; 0: all
 * @blocks: only in every other 50 estimators, all CPUs in the others
 * @noise: of 1000, by which times of one differ at most
 * @guess: what calibration has said
 */
struct table {
	unsigned int cpus;
	unsigned int ests;
	unsigned int kthreads;
	u32 idle_ns;
	u32 busy_ns;
	u32 read_ns;
	unsigned int active;
	bool even;
	unsigned int some;
	bool blocks;
	unsigned int noise;
	u32 guess;
};

/**
 * struct trouble - what holds walks up
 * @share: of 1000, what others take of the CPU
 * @for_ns: for so long each time
 * @clock: the CPU takes so many times as long
 * @one: only the first kthread's CPU
 */
struct trouble {
	unsigned int share;
	u64 for_ns;
	unsigned int clock;
	bool one;
};

/**
 * struct run - a table while it is estimated
 * @t: the table
 * @meter: of the kthreads
 * @judge: of all
 * @limit: in use
 * @changes: times that it changed
 * @least: the least that it was since a calm began
 * @most: and the most
 * @now: jiffies
 */
struct run {
	struct table t;
	struct ip_vs_est_meter meter[KTHREADS];
	struct ip_vs_est_judge judge;
	u32 limit;
	unsigned int changes;
	u32 least;
	u32 most;
	unsigned long now;
};

/* No trouble */
extern const struct trouble none;
extern bool verbose;

/* The limit that is right for the table */
u32 right(const struct table *t);
/* A new machine with the table */
void begin(struct run *r, const struct table *t);
/* Who is active, and on how many groups of CPUs; after each change of a table */
void choose(const struct table *t);
/* Estimates for @n periods */
void periods(struct run *r, unsigned int n, const struct trouble *h);

#endif /* _LIMIT_SIM_H */
