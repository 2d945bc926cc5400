/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include_next <linux/kernel.h>
#include "../../sim.h"

#define clamp_t(type, val, lo, hi)	clamp((type)(val), (type)(lo), (type)(hi))

#undef WARN_ON_ONCE
#define WARN_ON_ONCE(cond)						\
	({								\
		bool __warn = (cond);					\
									\
		if (__warn)						\
			sim_fail("WARN_ON_ONCE(%s)", #cond);		\
		__warn;							\
	})

/* The compiler looks at what would be said; nobody else does */
#define sim_pr(...)		((void)(0 && printf(__VA_ARGS__)))
#define pr_info(...)		sim_pr(__VA_ARGS__)
#define pr_warn_ratelimited(...) sim_pr(__VA_ARGS__)

#endif /* _SHIM_KERNEL_H */
