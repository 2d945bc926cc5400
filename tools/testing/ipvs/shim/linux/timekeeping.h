/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_TIMEKEEPING_H
#define _SHIM_TIMEKEEPING_H

#include <linux/kernel.h>

#define NSEC_PER_USEC	1000L

static inline u64 ktime_get_ns(void)
{
	sim_preempt();
	sim.ns += sim.clock_ns;
	return sim.ns - sim.ns % sim.clock_res;
}

static inline u32 ktime_get_resolution_ns(void)
{
	return sim.clock_res;
}

#endif /* _SHIM_TIMEKEEPING_H */
