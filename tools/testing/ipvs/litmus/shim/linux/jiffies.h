/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_JIFFIES_H
#define _LITMUS_JIFFIES_H

#include <linux/kernel.h>

extern unsigned long jiffies;

#define time_after64(a, b)	((s64)((b) - (a)) < 0)

static inline u64 get_jiffies_64(void)
{
	return __atomic_load_n(&jiffies, __ATOMIC_RELAXED);
}

#endif /* _LITMUS_JIFFIES_H */
