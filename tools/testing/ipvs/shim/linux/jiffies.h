/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_JIFFIES_H
#define _SHIM_JIFFIES_H

#include <limits.h>
#include <linux/kernel.h>

/* HZ comes from the Makefile */

/* It moves in sim.c alone, see there */
#define jiffies			((unsigned long)sim.now)

#define MAX_SCHEDULE_TIMEOUT	LONG_MAX

#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after64(a, b)	((s64)((b) - (a)) < 0)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)

static inline bool time_in_range(unsigned long a, unsigned long from,
				 unsigned long to)
{
	return time_after_eq(a, from) && time_after_eq(to, a);
}

static inline u64 get_jiffies_64(void)
{
	return sim.now;
}

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return DIV_ROUND_UP(ms * HZ, 1000);
}

#endif /* _SHIM_JIFFIES_H */
