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

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>

struct ip_vs_est_ctx;
struct ip_vs_est_net;
struct ip_vs_kstats;
struct netns_ipvs;
struct seq_file;

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
 * @node: entry in a chain, walked under RCU
 * @quiet: the generation in which a pass has nothing to do as long as no
 *	packet is counted: averages are 0 and no counter can have moved; or 0.
 *	Written under the lock of the ip_vs_stats, read without
 * @gen: generation of the namespace that @base and @avg belong to
 * @ctx: kthread context that walks this estimator, NULL when in no chain
 * @cookie: grace period to wait for before @node may enter a chain again
 * @row: index of the row in @ctx
 * @chain: index of the chain in that row
 * @unlinked: @node has left a chain and @cookie is valid
 * @stamp: time of the last sample, jiffies
 * @base: counters at the last sample
 * @avg: rates a second; packets and connections scaled by 2^10, bytes by 2^5
 *
 * @node and @ctx to @unlinked are under the namespace's est->lock, all others
 * under the lock of the ip_vs_stats around it.
 */
struct ip_vs_estimator {
	struct hlist_node	node;
	u32			quiet;
	u32			gen;
	struct ip_vs_est_ctx	*ctx;
	unsigned long		cookie;
	u8			row;
	u8			chain;
	bool			unlinked;

	u64			stamp;
	struct ip_vs_counts	base;
	s64			avg[IP_VS_NCOUNTS];
};

/**
 * struct ip_vs_stats - counters of a service, a server or a namespace
 * @cpustats: what each CPU has counted
 * @dirty: groups of CPUs that have counted; set by packets, cleared by passes
 *	under @lock when there were none and, on many CPUs, now and then
 * @est: the estimator
 * @seen: groups of CPUs that have ever been in @dirty
 * @hot: those of them that are read; none when all is settled
 * @cold: what the others of @seen have counted, if there are such; or NULL
 * @cleared: cookie of a grace period that begins after @dirty was last cleared
 * @lock: makes sums consistent; process context only, bottom halves stay on
 * @settled: while @dirty is 0, est.base is what all CPUs together have counted
 * @age: samples since there was anything to read, as ip_vs_stats_age() counts
 * @pending: entry in the list of those that wait for a place in a chain, the
 *	namespace's est->lock; not est.node, on which a walker may still stand
 * @zero: counters when they were last zeroed by the user
 * @net: estimation in the namespace that it belongs to
 *
 * The first cache line is all that packets need, and a pass over a quiet
 * estimator.  Other passes need the next two as well, and @cold if it is used.
 */
struct ip_vs_stats {
	struct ip_vs_cpu_stats __percpu *cpustats;
	atomic_long_t		dirty;
	struct ip_vs_estimator	est;

	unsigned long		seen;
	unsigned long		hot;
	struct ip_vs_counts	*cold;
	unsigned long		cleared;
	spinlock_t		lock;	/* seen to age, zero, part of est */
	bool			settled;
	u8			age;

	struct list_head	pending;
	struct ip_vs_counts	zero;
	struct ip_vs_est_net	*net;
} ____cacheline_aligned_in_smp;

/* The bit of ip_vs_stats.dirty that stands for a CPU */
DECLARE_PER_CPU(unsigned long, ip_vs_stats_group);

void ip_vs_stats_mark_each(struct ip_vs_stats *dest, struct ip_vs_stats *svc,
			   struct ip_vs_stats *total, unsigned long group);

/* Begin to count; returns the group of this CPU.  Where a counter is one word,
 * each addition is a local one that interrupts do not tear, so that only the
 * CPU must stay the same.  On 32 bits a softirq must not come between the
 * halves.
 */
static inline unsigned long ip_vs_stats_begin(void)
{
	if (BITS_PER_LONG == 64)
		preempt_disable();
	else
		local_bh_disable();
	return __this_cpu_read(ip_vs_stats_group);
}

static inline void ip_vs_stats_end(void)
{
	if (BITS_PER_LONG == 64)
		preempt_enable();
	else
		local_bh_enable();
}

/* Let readers know of what is counted, see ip_vs_stats.c: for the server, the
 * service and the total with one test, as all three have the bit while there is
 * traffic.  Before the counting or after it, on this CPU or another one, as
 * long as it is in the same RCU read-side section.  As the last thing to do it
 * costs nobody a register.
 */
static inline void ip_vs_stats_mark(struct ip_vs_stats *dest,
				    struct ip_vs_stats *svc,
				    struct ip_vs_stats *total,
				    unsigned long group)
{
	if (unlikely(!(atomic_long_read(&dest->dirty) &
		       atomic_long_read(&svc->dirty) &
		       atomic_long_read(&total->dirty) & group)))
		ip_vs_stats_mark_each(dest, svc, total, group);
}

static __always_inline void ip_vs_stats_count(struct ip_vs_stats *stats,
					      enum ip_vs_count packets,
					      enum ip_vs_count bytes,
					      unsigned int len)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->cnt[packets]);
	if (bytes != packets)
		u64_stats_add(&s->cnt[bytes], len);
	u64_stats_update_end(&s->syncp);
}

static __always_inline void ip_vs_stats_count_all(struct ip_vs_stats *dest,
						  struct ip_vs_stats *svc,
						  struct ip_vs_stats *total,
						  enum ip_vs_count packets,
						  enum ip_vs_count bytes,
						  unsigned int len)
{
	unsigned long group = ip_vs_stats_begin();

	ip_vs_stats_count(dest, packets, bytes, len);
	ip_vs_stats_count(svc, packets, bytes, len);
	ip_vs_stats_count(total, packets, bytes, len);
	ip_vs_stats_end();
	ip_vs_stats_mark(dest, svc, total, group);
}

/**
 * ip_vs_stats_in() - count a packet from a client
 * @dest: the server
 * @svc: the service
 * @total: all of the namespace
 * @len: length of the packet in bytes, network header included
 *
 * Context: packet path, RCU read side.
 */
static inline void ip_vs_stats_in(struct ip_vs_stats *dest,
				  struct ip_vs_stats *svc,
				  struct ip_vs_stats *total, unsigned int len)
{
	ip_vs_stats_count_all(dest, svc, total, IP_VS_INPKTS, IP_VS_INBYTES,
			      len);
}

/**
 * ip_vs_stats_out() - count a packet to a client
 * @dest: the server
 * @svc: the service
 * @total: all of the namespace
 * @len: length of the packet in bytes, network header included
 *
 * Context: packet path, RCU read side.
 */
static inline void ip_vs_stats_out(struct ip_vs_stats *dest,
				   struct ip_vs_stats *svc,
				   struct ip_vs_stats *total, unsigned int len)
{
	ip_vs_stats_count_all(dest, svc, total, IP_VS_OUTPKTS, IP_VS_OUTBYTES,
			      len);
}

/**
 * ip_vs_stats_conn() - count a connection
 * @dest: the server
 * @svc: the service
 * @total: all of the namespace
 *
 * Context: packet path, RCU read side.
 */
static inline void ip_vs_stats_conn(struct ip_vs_stats *dest,
				    struct ip_vs_stats *svc,
				    struct ip_vs_stats *total)
{
	ip_vs_stats_count_all(dest, svc, total, IP_VS_CONNS, IP_VS_CONNS, 0);
}

/* ip_vs_stats.c */
gfp_t ip_vs_est_gfp(const struct ip_vs_est_net *est);
int ip_vs_stats_init(struct ip_vs_stats *stats, struct ip_vs_est_net *net);
void ip_vs_stats_release(struct ip_vs_stats *stats);
struct ip_vs_stats *ip_vs_stats_create(struct ip_vs_est_net *net, gfp_t gfp);
void ip_vs_stats_destroy(struct ip_vs_stats *stats);

/* ip_vs_stats_sum.c */
void ip_vs_stats_read_cpu(const struct ip_vs_stats *stats, unsigned int cpu,
			  struct ip_vs_counts *dst);

/* ip_vs_est_user.c */
void ip_vs_copy_stats(struct ip_vs_kstats *dst, struct ip_vs_stats *src);
void ip_vs_zero_stats(struct ip_vs_stats *stats);

/* ip_vs_est.c */
int ip_vs_start_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats);
void ip_vs_stop_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats);

/* ip_vs_est_net.c */
int ip_vs_estimator_net_init(struct netns_ipvs *ipvs);
void ip_vs_estimator_net_cleanup(struct netns_ipvs *ipvs);
int ip_vs_est_init(void);
void ip_vs_est_cleanup(void);

/* ip_vs_est_proc.c */
#ifdef CONFIG_PROC_FS
int ip_vs_est_proc_add(struct netns_ipvs *ipvs);
void ip_vs_est_proc_del(struct netns_ipvs *ipvs);
void ip_vs_est_proc_status(struct netns_ipvs *ipvs, struct seq_file *seq);
#else
static inline int ip_vs_est_proc_add(struct netns_ipvs *ipvs)
{
	return 0;
}

static inline void ip_vs_est_proc_del(struct netns_ipvs *ipvs)
{
}
#endif

/* ip_vs_est_sysctl.c */
int ip_vs_est_sysctl_cpulist(struct netns_ipvs *ipvs, int write, void *buffer,
			     size_t *lenp, loff_t *ppos);
int ip_vs_est_sysctl_nice(struct netns_ipvs *ipvs, int write, void *buffer,
			  size_t *lenp, loff_t *ppos);
int ip_vs_est_sysctl_run(struct netns_ipvs *ipvs, int write, void *buffer,
			 size_t *lenp, loff_t *ppos);

#endif /* _NET_IP_VS_EST_H */
