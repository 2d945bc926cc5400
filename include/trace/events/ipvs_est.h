/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kthreads that estimate rates for IPVS do; field by field in
 * Documentation/networking/ipvs-estimator.rst
 *
 * Events name a namespace by the number that is in its tasks' names.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipvs_est

#if !defined(_TRACE_IPVS_EST_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IPVS_EST_H

#include <linux/tracepoint.h>

/**
 * ipvs_est_row_walked - all chains of a row have been walked
 * @netns: the namespace
 * @ctx: the context, which is the number of its kthread
 * @row: the row, 0 to 49
 * @ests: estimators in it
 * @read: those of them whose counters had to be read
 * @ns: time in its chains, ns; 0 if no clock is fine enough
 * @late: how late the walk has begun, jiffies
 */
TRACE_EVENT(ipvs_est_row_walked,

	TP_PROTO(int netns, unsigned int ctx, unsigned int row, u32 ests,
		 u32 read, u64 ns, unsigned long late),
	TP_ARGS(netns, ctx, row, ests, read, ns, late),
	TP_STRUCT__entry(
		__field(int, netns)
		__field(unsigned int, ctx)
		__field(unsigned int, row)
		__field(u32, ests)
		__field(u32, read)
		__field(u64, ns)
		__field(unsigned long, late)
	),
	TP_fast_assign(
		__entry->netns = netns;
		__entry->ctx = ctx;
		__entry->row = row;
		__entry->ests = ests;
		__entry->read = read;
		__entry->ns = ns;
		__entry->late = late;
	),
	TP_printk("netns=%d ctx=%u row=%u ests=%u read=%u ns=%llu late=%lu",
		  __entry->netns, __entry->ctx, __entry->row, __entry->ests,
		  __entry->read, (unsigned long long)__entry->ns,
		  __entry->late)
);

/**
 * ipvs_est_calibrated - kthread 0 has measured an estimation
 * @netns: the namespace
 * @cost: what it takes, ns
 * @guess: estimators in a chain that this allows
 * @chain_max: the limit in force from here on
 */
TRACE_EVENT(ipvs_est_calibrated,

	TP_PROTO(int netns, u64 cost, u32 guess, u32 chain_max),
	TP_ARGS(netns, cost, guess, chain_max),
	TP_STRUCT__entry(
		__field(int, netns)
		__field(u64, cost)
		__field(u32, guess)
		__field(u32, chain_max)
	),
	TP_fast_assign(
		__entry->netns = netns;
		__entry->cost = cost;
		__entry->guess = guess;
		__entry->chain_max = chain_max;
	),
	TP_printk("netns=%d cost=%llu guess=%u chain_max=%u",
		  __entry->netns, (unsigned long long)__entry->cost,
		  __entry->guess, __entry->chain_max)
);

/**
 * ipvs_est_corrected - what walks took has changed the limit
 * @netns: the namespace
 * @old: estimators in a chain until here
 * @chain_max: estimators in a chain from here on
 */
TRACE_EVENT(ipvs_est_corrected,

	TP_PROTO(int netns, u32 old, u32 chain_max),
	TP_ARGS(netns, old, chain_max),
	TP_STRUCT__entry(
		__field(int, netns)
		__field(u32, old)
		__field(u32, chain_max)
	),
	TP_fast_assign(
		__entry->netns = netns;
		__entry->old = old;
		__entry->chain_max = chain_max;
	),
	TP_printk("netns=%d old=%u chain_max=%u",
		  __entry->netns, __entry->old, __entry->chain_max)
);

DECLARE_EVENT_CLASS(ipvs_est_task,

	TP_PROTO(int netns, unsigned int ctx, pid_t pid),
	TP_ARGS(netns, ctx, pid),
	TP_STRUCT__entry(
		__field(int, netns)
		__field(unsigned int, ctx)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->netns = netns;
		__entry->ctx = ctx;
		__entry->pid = pid;
	),
	TP_printk("netns=%d ctx=%u pid=%d",
		  __entry->netns, __entry->ctx, __entry->pid)
);

/**
 * ipvs_est_task_started - the kthread of a context is about to run
 * @netns: the namespace
 * @ctx: the context
 * @pid: of the kthread
 */
DEFINE_EVENT(ipvs_est_task, ipvs_est_task_started,

	TP_PROTO(int netns, unsigned int ctx, pid_t pid),
	TP_ARGS(netns, ctx, pid)
);

/**
 * ipvs_est_task_stopped - the kthread of a context has ended
 * @netns: the namespace
 * @ctx: the context
 * @pid: of the kthread
 */
DEFINE_EVENT(ipvs_est_task, ipvs_est_task_stopped,

	TP_PROTO(int netns, unsigned int ctx, pid_t pid),
	TP_ARGS(netns, ctx, pid)
);

/**
 * ipvs_est_placed - an estimator has got a place
 * @netns: the namespace
 * @stats: which, as an address that says no more than whether two are the same
 * @ctx: the context
 * @row: row of the context
 * @chain: chain of the row
 */
TRACE_EVENT(ipvs_est_placed,

	TP_PROTO(int netns, const void *stats, unsigned int ctx,
		 unsigned int row, unsigned int chain),
	TP_ARGS(netns, stats, ctx, row, chain),
	TP_STRUCT__entry(
		__field(int, netns)
		__field(const void *, stats)
		__field(unsigned int, ctx)
		__field(unsigned int, row)
		__field(unsigned int, chain)
	),
	TP_fast_assign(
		__entry->netns = netns;
		__entry->stats = stats;
		__entry->ctx = ctx;
		__entry->row = row;
		__entry->chain = chain;
	),
	TP_printk("netns=%d stats=%p ctx=%u row=%u chain=%u",
		  __entry->netns, __entry->stats, __entry->ctx, __entry->row,
		  __entry->chain)
);

#endif /* _TRACE_IPVS_EST_H */

#include <trace/define_trace.h>
