/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_U64_STATS_SYNC_H
#define _LITMUS_U64_STATS_SYNC_H

#include <linux/kernel.h>

/* As on 64 bits: one writer, whose stores are whole and ordered by nothing */
struct u64_stats {
	u64 v;
};

#define u64_stats_t	struct u64_stats

struct u64_stats_sync {
};

static inline u64 u64_stats_read(const u64_stats_t *p)
{
	return __atomic_load_n(&p->v, __ATOMIC_RELAXED);
}

static inline void u64_stats_add(u64_stats_t *p, u64 n)
{
	__atomic_store_n(&p->v, u64_stats_read(p) + n, __ATOMIC_RELAXED);
}

static inline void u64_stats_inc(u64_stats_t *p)
{
	u64_stats_add(p, 1);
}

#define u64_stats_init(s)		do { } while (0)
#define u64_stats_update_begin(s)	do { } while (0)
#define u64_stats_update_end(s)		do { } while (0)
#define u64_stats_fetch_begin(s)	((void)(s), 0)
#define u64_stats_fetch_retry(s, start)	((void)(start), false)

#endif /* _LITMUS_U64_STATS_SYNC_H */
