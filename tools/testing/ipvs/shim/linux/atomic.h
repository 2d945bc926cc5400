/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

#include <linux/kernel.h>

/* As strong as the kernel's, and no stronger: none of these orders anything.
 * atomic_long_t comes with the kernel's types.
 */
#define sim_atomic(a)		(&(a)->counter)

static inline long atomic_long_read(const atomic_long_t *a)
{
	return __atomic_load_n(sim_atomic(a), __ATOMIC_RELAXED);
}

static inline void atomic_long_set(atomic_long_t *a, long v)
{
	__atomic_store_n(sim_atomic(a), v, __ATOMIC_RELAXED);
}

static inline void atomic_long_or(long bits, atomic_long_t *a)
{
	__atomic_fetch_or(sim_atomic(a), bits, __ATOMIC_RELAXED);
}

static inline void atomic_long_andnot(long bits, atomic_long_t *a)
{
	__atomic_fetch_and(sim_atomic(a), ~bits, __ATOMIC_RELAXED);
}

#endif /* _SHIM_ATOMIC_H */
