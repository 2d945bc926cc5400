/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_U64_STATS_SYNC_H
#define _SHIM_U64_STATS_SYNC_H

#include <linux/kernel.h>

struct u64_stats {
	u64 v;
};

#define u64_stats_t	struct u64_stats

#define u64_stats_add(p, n)	((p)->v += (n))
#define u64_stats_inc(p)	u64_stats_add(p, 1)
#define u64_stats_read(p)	((p)->v)

/* SIM_SEQCOUNT: as on 32 bits, and now and then a reader must read again */
struct u64_stats_sync {
#ifdef SIM_SEQCOUNT
	unsigned int seq;
#endif
};

static inline void u64_stats_init(struct u64_stats_sync *s)
{
	*s = (struct u64_stats_sync){ };
}

static inline void u64_stats_update_begin(struct u64_stats_sync *s)
{
#ifdef SIM_SEQCOUNT
	if (s->seq++ & 1)
		sim_fail("two writers on one CPU");
#endif
}

static inline void u64_stats_update_end(struct u64_stats_sync *s)
{
#ifdef SIM_SEQCOUNT
	if (!(s->seq++ & 1))
		sim_fail("end of a write that has not begun");
#endif
}

static inline unsigned int u64_stats_fetch_begin(const struct u64_stats_sync *s)
{
#ifdef SIM_SEQCOUNT
	return s->seq;
#else
	return 0;
#endif
}

static inline bool u64_stats_fetch_retry(const struct u64_stats_sync *s,
					 unsigned int start)
{
#ifdef SIM_SEQCOUNT
	return s->seq != start || !sim_rnd(16);
#else
	return false;
#endif
}

#endif /* _SHIM_U64_STATS_SYNC_H */
