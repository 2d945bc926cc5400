/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_U64_STATS_SYNC_H
#define _LITMUS_U64_STATS_SYNC_H

#include <linux/kernel.h>

/* As on 64 bits: one writer, whose stores are whole and ordered by nothing */
typedef struct {
	u64 v;
} u64_stats_t;

struct u64_stats_sync {
};

#define u64_stats_read(p)	__atomic_load_n(&(p)->v, __ATOMIC_RELAXED)
#define u64_stats_add(p, n)						\
	__atomic_store_n(&(p)->v, u64_stats_read(p) + (n), __ATOMIC_RELAXED)
#define u64_stats_inc(p)	u64_stats_add(p, 1)

#define u64_stats_init(s)		do { } while (0)
#define u64_stats_update_begin(s)	do { } while (0)
#define u64_stats_update_end(s)		do { } while (0)
#define u64_stats_fetch_begin(s)	((void)(s), 0)
#define u64_stats_fetch_retry(s, start)	((void)(start), false)

#endif /* _LITMUS_U64_STATS_SYNC_H */
