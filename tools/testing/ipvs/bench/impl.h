/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an implementation brings: impl_*.c, compiled by its tree's kbuild */
#ifndef _IMPL_H
#define _IMPL_H

#include <net/ip_vs.h>

#include "bench.h"

/* Once, before all others; per-CPU areas exist */
int impl_setup(unsigned int ests);
/* On each CPU after that */
void impl_setup_cpu(unsigned int cpu);
/* Counters for a zeroed object; no estimator yet */
int impl_init(struct ip_vs_stats *stats);
/* Counters of the namespace as a whole, for the packet path */
int impl_init_total(struct netns_ipvs *ipvs);
struct ip_vs_stats *impl_total(struct netns_ipvs *ipvs);
/* What an object has counted on a CPU: packets and connections */
u64 impl_counted(struct ip_vs_stats *stats, unsigned int cpu);
/* Start an estimator */
int impl_add(struct ip_vs_stats *stats);
/* One pass over all estimators */
void impl_pass(void);
/* Of what has been active for some time: as if for a different time each, so that
 * what is done once in many passes is in each of them in the same part
 */
void impl_spread(struct ip_vs_stats *stats);
/* Passes after which it is known that a CPU counts no more */
unsigned int impl_settle(void);
/* Averages are 0 from here on, counters may be what they are */
void impl_forget(struct ip_vs_stats *stats);
/* Count one packet from a client, of BENCH_LEN, on this CPU */
void impl_count(struct ip_vs_stats *stats);
/* What a dump shows of an object: counters and rates */
void impl_copy(struct ip_vs_stats *stats, struct ip_vs_kstats *dst);
/* Packets from clients, and how many a second, as of the last pass */
void impl_read(struct ip_vs_stats *stats, u64 *packets, u64 *rate);

#endif /* _IMPL_H */
