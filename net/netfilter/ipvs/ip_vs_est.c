// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation in kthreads: start and stop of an estimator; locking
 *
 *   start     ip_vs_start_estimator(): onto the pending list, O(1)
 *   place     kthread 0 puts it into a chain of a context (ip_vs_est_place.c)
 *   sample    the kthread of that context passes over it every 2 s
 *             (ip_vs_est_kthread.c)
 *   move      back to the pending list when limits change, or when few are
 *             left in many rows
 *   stop      ip_vs_stop_estimator(): out of the list or the chain; its owner
 *             frees it after an RCU grace period
 *
 * Locking
 *
 *   Order, outermost first:
 *
 *	configuration mutex or CPU hotplug > est->lock > stats->lock
 *
 *   Configuration mutex: services and servers come and go under it.  It is
 *   service_mutex of the namespace, or in kernels that have none the global
 *   __ip_vs_mutex.  Callbacks of CPU hotplug (ip_vs_est_hotplug.c) take
 *   est->lock and no mutex.  The lock of module parameters (ip_vs_est_param.c)
 *   is apart from all of these.
 *
 *   est->lock, a spinlock for each namespace: the pending list, the contexts,
 *   links and places of estimators, the sysctl values, the limits.  Process
 *   context only.  It is not a mutex on purpose: kthread 0 may run at nice 19
 *   on a busy CPU, and preempted inside a mutex it would stall everyone who
 *   adds a service.  So nothing sleeps or is allocated under it, and it is
 *   dropped after each IP_VS_EST_LOCK_BATCH estimators at the latest.  Besides
 *   stats->lock, only those locks are taken inside it that these calls need:
 *   to wake a task, to ask for its affinity, to queue the work, to free a row,
 *   to ask for a grace period.
 *
 *   stats->lock, a spinlock for each object: its sums and averages, what was
 *   zeroed, and which CPUs are read.  Process context only.  Passes, readers
 *   and -Z take it, and need no other lock.  None is taken inside it but by an
 *   allocation that does not wait (ip_vs_stats_has_cold()).
 *   Packets take no lock: they count under RCU, see ip_vs_stats.c.
 *
 *   RCU: kthreads walk rows and chains under it, see ip_vs_est_chain.c.
 *
 *   No lock: members of struct ip_vs_est_ctx that are its kthread's alone; and
 *   what is read by READ_ONCE(), each value on its own.  The comment there
 *   names who writes it.
 *
 * Tasks
 *
 *   Whoever stops a kthread waits for it; so a kthread must never wait for
 *   whoever may be stopping it.  Kthreads take no mutex, and nobody creates,
 *   stops, moves or renices a task with est->lock held.
 *
 *   Tasks start and stop in est_reload_work only, and at the namespace's exit
 *   when that work cannot run any more.  ctx->task is changed under est->lock,
 *   and cleared there before a stop.  Whoever wakes a kthread does so under
 *   est->lock, so never a task that is gone.
 *
 * PREEMPT_RT
 *
 *   There, est->lock and stats->lock are mutexes all the same, and a task that
 *   is preempted can hold one.  Whoever waits for it lends the holder a
 *   real-time priority, but no weight: an ordinary waiter does not make a nice
 *   holder run.  So est_nice above 0 is refused there
 *   (ip_vs_est_nice_check()), and a holder has the weight of any ordinary task
 *   that holds a lock.
 */

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/**
 * ip_vs_start_estimator() - estimate the rates of an object from now on
 * @ipvs: namespace that it belongs to
 * @stats: initialised by ip_vs_stats_init() and not started
 *
 * Takes constant time.  A new object has counted nothing yet.  A stopped one
 * may be started again at any time: its first pass only takes the counters.
 *
 * Context: process context, takes est->lock and stats->lock.
 * Return: 0, or -ESHUTDOWN when the namespace is going away; nothing has
 * changed then.
 */
int ip_vs_start_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats)
{
	struct ip_vs_est_net *est = ipvs->est;
	int ret = 0;

	spin_lock(&est->lock);
	if (est->exiting) {
		ret = -ESHUTDOWN;
	} else {
		ip_vs_est_begin(stats);
		if (est->started++ == IP_VS_EST_TOTALS)
			ip_vs_est_queue_reload(est, 0);
		ip_vs_est_add_pending(est, stats);
	}
	spin_unlock(&est->lock);
	return ret;
}

/**
 * ip_vs_stop_estimator() - estimate no more
 * @ipvs: namespace that it belongs to
 * @stats: started
 *
 * Takes constant time; now and then, when it begins a repack, time for each
 * context.  A kthread may still be passing over @stats: free it after an RCU
 * grace period.
 *
 * Context: process context, takes est->lock and stats->lock.
 */
void ip_vs_stop_estimator(struct netns_ipvs *ipvs, struct ip_vs_stats *stats)
{
	struct ip_vs_est_net *est = ipvs->est;

	spin_lock(&est->lock);
	ip_vs_est_unlink(est, stats);
	/* Without a service there is nothing to estimate: the tasks stop, but
	 * as a rule not between ipvsadm -C and the ipvsadm -R that follows it.
	 * The work comes at once if a context has just been detached.
	 */
	if (--est->started == IP_VS_EST_TOTALS)
		ip_vs_est_queue_reload(est, IP_VS_EST_PERIOD);
	ip_vs_est_compact(est);
	spin_unlock(&est->lock);
}
