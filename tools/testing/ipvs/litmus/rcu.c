// SPDX-License-Identifier: GPL-2.0-or-later
/* Grace periods for real threads
 *
 * A grace period begins when litmus_gp turns odd, and has ended when it turns
 * even.  It waits for each thread that it has found inside a section to be
 * seen outside, or in one that began later.  Readers order nothing but their
 * own beginning and end.
 */

#include <linux/rcupdate.h>
#include <sched.h>

#include "litmus.h"

__thread unsigned int litmus_reader;

static unsigned long litmus_gp;
/* Sections that each thread has begun and ended: odd inside */
static struct {
	unsigned long sections;
} __aligned(64) litmus_in[LITMUS_READERS];

void rcu_read_lock(void)
{
	unsigned long *in = &litmus_in[litmus_reader].sections;

	__atomic_store_n(in, *in + 1, __ATOMIC_SEQ_CST);
	/* With that in wait_for_readers(): either it sees that this section
	 * has begun, or what follows sees all from before the grace period
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void rcu_read_unlock(void)
{
	unsigned long *in = &litmus_in[litmus_reader].sections;

	/* With the load in wait_for_readers() */
	__atomic_store_n(in, *in + 1, __ATOMIC_RELEASE);
}

/* A time in which packets and grace periods come to an end.  There is one thread
 * that asks for cookies and polls.
 */
static void dawdle(void)
{
	static unsigned int calls;

	if (!(calls++ % 4))
		sched_yield();
}

unsigned long get_state_synchronize_rcu(void)
{
	unsigned long end;

	/* With those of a grace period that begins later */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* The end of the next one that begins: 2 on, or 3 when one is running */
	end = (__atomic_load_n(&litmus_gp, __ATOMIC_SEQ_CST) + 3) & ~1UL;
	/* What the caller does after this comes after that, for all that is said */
	dawdle();
	return end;
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	/* Whoever has read counters before must not believe that all are in them */
	dawdle();
	return (long)(__atomic_load_n(&litmus_gp, __ATOMIC_SEQ_CST) -
		      cookie) >= 0;
}

static void wait_for_readers(const bool *stop)
{
	unsigned long was[LITMUS_READERS], now;
	unsigned int i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < LITMUS_READERS; i++)
		was[i] = __atomic_load_n(&litmus_in[i].sections,
					 __ATOMIC_SEQ_CST);
	for (i = 0; i < LITMUS_READERS; i++) {
		do {
			now = __atomic_load_n(&litmus_in[i].sections,
					      __ATOMIC_ACQUIRE);
			if (!(was[i] & 1) || now != was[i])
				break;
			sched_yield();
		} while (!__atomic_load_n(stop, __ATOMIC_RELAXED));
	}
}

void litmus_grace_periods(const bool *stop)
{
	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&litmus_gp, 1, __ATOMIC_SEQ_CST);
		wait_for_readers(stop);
		__atomic_add_fetch(&litmus_gp, 1, __ATOMIC_SEQ_CST);
		sched_yield();
	}
}
