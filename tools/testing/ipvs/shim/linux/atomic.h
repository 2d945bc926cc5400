/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

#include <linux/kernel.h>

/* As strong as the kernel's, and no stronger: of these, only the exchange
 * orders anything.  atomic_long_t comes with the kernel's types.
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

static inline long atomic_long_xchg(atomic_long_t *a, long v)
{
	return __atomic_exchange_n(sim_atomic(a), v, __ATOMIC_SEQ_CST);
}

#endif /* _SHIM_ATOMIC_H */
