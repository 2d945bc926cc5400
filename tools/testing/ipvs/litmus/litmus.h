/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The estimator's counters with real threads: what they share
 *
 * count_race.c		packets, passes and readers at the same time
 * rcu.c		grace periods that real threads are waited for by
 */
#ifndef _LITMUS_H
#define _LITMUS_H

#include <linux/compiler.h>
#include <stdbool.h>

/* Threads that may be in a read-side section */
#define LITMUS_READERS		16

/* The CPU that a thread plays */
extern __thread unsigned int litmus_cpu;
/* The thread itself, less than LITMUS_READERS */
extern __thread unsigned int litmus_reader;

/* Runs grace periods, one after the other, until *@stop */
void litmus_grace_periods(const bool *stop);

#endif /* _LITMUS_H */
