/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_BOTTOM_HALF_H
#define _SHIM_BOTTOM_HALF_H

#include <linux/sched.h>

static inline void local_bh_disable(void)
{
	current->bh++;
}

static inline void local_bh_enable(void)
{
	current->bh--;
}

#endif /* _SHIM_BOTTOM_HALF_H */
