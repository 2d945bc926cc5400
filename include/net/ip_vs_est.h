/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS traffic counters and rate estimators, as the packet path sees them
 *
 * Each service, each real server and each network namespace has a struct
 * ip_vs_stats: counters that the packet path adds to, one set a CPU, and one
 * estimator, which turns them into rates.  The kthreads that run the
 * estimators are described in net/netfilter/ipvs/ip_vs_est.c.
 */
#ifndef _NET_IP_VS_EST_H
#define _NET_IP_VS_EST_H

#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>

struct ip_vs_est_ctx;
struct ip_vs_est_net;
struct ip_vs_kstats;
struct netns_ipvs;

/**
 * enum ip_vs_count - what is counted, the index of every array of counters
 * @IP_VS_CONNS: connections scheduled
 * @IP_VS_INPKTS: packets from clients
 * @IP_VS_OUTPKTS: packets to clients
 * @IP_VS_INBYTES: bytes from clients, network header included
 * @IP_VS_OUTBYTES: bytes to clients, network header included
 * @IP_VS_NCOUNTS: how many there are
 */
enum ip_vs_count {
	IP_VS_CONNS,
	IP_VS_INPKTS,
	IP_VS_OUTPKTS,
	IP_VS_INBYTES,
	IP_VS_OUTBYTES,
	IP_VS_NCOUNTS
};

/**
 * struct ip_vs_counts - one value for each counter
 * @v: indexed by enum ip_vs_count
 */
struct ip_vs_counts {
	u64			v[IP_VS_NCOUNTS];
};

/**
 * struct ip_vs_cpu_stats - what one CPU has counted, never reset
 * @cnt: indexed by enum ip_vs_count
 * @syncp: lets 32-bit readers see whole 64-bit values
 */
struct ip_vs_cpu_stats {
	u64_stats_t		cnt[IP_VS_NCOUNTS];
	struct u64_stats_sync	syncp;
};

/**
 * struct ip_vs_estimator - the rates of one ip_vs_stats
 * @ctx: kthread context that walks this estimator, NULL when in no chain
 * @pending: entry in the list of those that wait for a place in a chain;
 *	a node of its own, because a walker may still stand on @node
 * @node: entry in a chain, walked under RCU
 * @cookie: grace period to wait for before @node may enter a chain again
 * @row: index of the row in @ctx
 * @chain: index of the chain in that row
 * @unlinked: @node has left a chain and @cookie is valid
 * @gen: generation of the namespace that @base and @avg belong to
 * @stamp: time of the last sample, jiffies
 * @base: counters at the last sample
 * @avg: rates a second; packets and connections scaled by 2^10, bytes by 2^5
 *
 * From @ctx to @unlinked: the namespace's est->lock.  From @gen on: the lock
 * of the ip_vs_stats around it.
 */
struct ip_vs_estimator {
	struct ip_vs_est_ctx	*ctx;
	struct list_head	pending;
	struct hlist_node	node;
	unsigned long		cookie;
	u8			row;
	u8			chain;
	bool			unlinked;

	u32			gen;
	u64			stamp;
	struct ip_vs_counts	base;
	s64			avg[IP_VS_NCOUNTS];
};

/**
 * struct ip_vs_stats - counters of a service, a server or a namespace
 * @cpustats: what each CPU has counted
 * @net: estimation in the namespace that it belongs to
 * @lock: makes sums consistent; process context only, bottom halves stay on
 * @zero: counters when they were last zeroed by the user
 * @est: the estimator
 */
struct ip_vs_stats {
	struct ip_vs_cpu_stats __percpu *cpustats;
	struct ip_vs_est_net	*net;
	spinlock_t		lock;	/* sums, zero, est from gen on */
	struct ip_vs_counts	zero;
	struct ip_vs_estimator	est;
};

/**
 * ip_vs_stats_in() - count a packet from a client
 * @stats: where
 * @len: length of the packet in bytes, network header included
 *
 * Context: packet path, bottom halves disabled, RCU read side.
 */
static inline void ip_vs_stats_in(struct ip_vs_stats *stats, unsigned int len)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->cnt[IP_VS_INPKTS]);
	u64_stats_add(&s->cnt[IP_VS_INBYTES], len);
	u64_stats_update_end(&s->syncp);
}

/**
 * ip_vs_stats_out() - count a packet to a client
 * @stats: where
 * @len: length of the packet in bytes, network header included
 *
 * Context: packet path, bottom halves disabled, RCU read side.
 */
static inline void ip_vs_stats_out(struct ip_vs_stats *stats, unsigned int len)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->cnt[IP_VS_OUTPKTS]);
	u64_stats_add(&s->cnt[IP_VS_OUTBYTES], len);
	u64_stats_update_end(&s->syncp);
}

/**
 * ip_vs_stats_conn() - count a connection
 * @stats: where
 *
 * Context: packet path, bottom halves disabled, RCU read side.
 */
static inline void ip_vs_stats_conn(struct ip_vs_stats *stats)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->cnt[IP_VS_CONNS]);
	u64_stats_update_end(&s->syncp);
}

/* ip_vs_stats.c */
int ip_vs_stats_init(struct ip_vs_stats *stats, struct ip_vs_est_net *net);
void ip_vs_stats_release(struct ip_vs_stats *stats);
struct ip_vs_stats *ip_vs_stats_create(struct ip_vs_est_net *net);
void ip_vs_stats_destroy(struct ip_vs_stats *stats);
void ip_vs_stats_read_cpu(const struct ip_vs_stats *stats, unsigned int cpu,
			  struct ip_vs_counts *dst);
void ip_vs_copy_stats(struct ip_vs_kstats *dst, struct ip_vs_stats *src);
void ip_vs_zero_stats(struct ip_vs_stats *stats);

/* ip_vs_est.c */
int ip_vs_start_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats);
void ip_vs_stop_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats);

/* ip_vs_est_net.c */
int ip_vs_estimator_net_init(struct netns_ipvs *ipvs);
void ip_vs_estimator_net_cleanup(struct netns_ipvs *ipvs);

/* ip_vs_est_ctl.c */
int ip_vs_est_init(void);
void ip_vs_est_cleanup(void);

/* ip_vs_est_sysctl.c */
int ip_vs_est_sysctl_cpulist(struct netns_ipvs *ipvs, int write, void *buffer,
			     size_t *lenp, loff_t *ppos);
int ip_vs_est_sysctl_nice(struct netns_ipvs *ipvs, int write, void *buffer,
			  size_t *lenp, loff_t *ppos);
int ip_vs_est_sysctl_run(struct netns_ipvs *ipvs, int write, void *buffer,
			 size_t *lenp, loff_t *ppos);

#endif /* _NET_IP_VS_EST_H */
