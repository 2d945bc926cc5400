/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_CACHE_H
#define _SHIM_CACHE_H

#include <linux/compiler.h>

#define SIM_CACHE_LINE	64
#define SMP_CACHE_BYTES	SIM_CACHE_LINE

#define ____cacheline_aligned_in_smp	__aligned(SIM_CACHE_LINE)
#define __read_mostly

#endif /* _SHIM_CACHE_H */
