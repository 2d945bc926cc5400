/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The estimator's counters without the estimator: what the programs share
 *
 * count_race.c		packets, passes and readers at the same time
 * rcu.c		grace periods that real threads are waited for by
 * count_steps.c	the same step by step, in one thread
 * common.c		machine and memory of both, and what has happened
 */
#ifndef _LITMUS_H
#define _LITMUS_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <stdbool.h>

struct ip_vs_stats;

/* Threads that may be in a read-side section */
#define LITMUS_READERS		16

/* The program, which defines it */
extern const char *const litmus_name;
/* The CPU that a thread plays */
extern __thread unsigned int litmus_cpu;
/* The thread itself, less than LITMUS_READERS */
extern __thread unsigned int litmus_reader;
/* The namespace of all objects */
extern struct ip_vs_est_net litmus_net;
/* Who asks for memory and does not wait gets it once in eight times */
extern bool litmus_enomem;

/* What has happened, so that it is not nothing */
extern struct litmus_seen {
	unsigned long passes;
	unsigned long together;
	unsigned long zeroed;
	unsigned long settled;
	unsigned long cooled;
	unsigned long heated;
	unsigned long thawed;
	unsigned long refreshed;
	unsigned long no_memory;
} litmus_seen;

/* An object before a pass: only passes change this, and one thread does them */
struct litmus_was {
	bool settled;
	unsigned long hot;
	unsigned long seen;
	unsigned long cleared;
};

/* Runs grace periods, one after the other, until *@stop */
void litmus_grace_periods(const bool *stop);

/* Less than @n */
u32 litmus_rnd(u64 *state, u32 n);
/* So many CPUs, which are told from each other, @wide, on small machines too; the
 * groups that are wanted are looked for in each @refresh'th sample
 */
void litmus_machine(unsigned int cpus, bool wide, unsigned int refresh);

struct litmus_was litmus_before(const struct ip_vs_stats *stats);
void litmus_after(const struct ip_vs_stats *stats, const struct litmus_was *was,
		  bool in_batch);
/* Prints what has happened; fails if something never did */
void litmus_report(void);

#endif /* _LITMUS_H */
