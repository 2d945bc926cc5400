// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: which CPUs the kthreads may use
 *
 * est->cpulist is the wish: the list that was written to est_cpulist, or the
 * housekeeping CPUs as long as none was.
 *
 *   - A new task gets est->cpus: a written list as it is, of the default list
 *     what no cpuset partition has taken.  A list that is written gets new
 *     tasks, for kthread_affine_preferred() keeps what one was first given.
 *   - A task whose CPUs are within the wish is left alone: taskset and cpusets
 *     may narrow it.
 *   - The kernel takes a task's CPUs away and gives it all others: when the
 *     last of them goes offline, and, whatever they were, when a partition is
 *     made or undone.  A kernel that keeps preferred CPUs gives those that are
 *     not isolated, and does so when a CPU comes as well.  After that the task
 *     gets those of est->cpus that it was left, or else all of est->cpus.
 *     While none of these is online there is nothing to give.
 *
 * est_reload_work does this.  A CPU that comes or goes queues it.  There is no
 * callback for partitions and taskset, so each kthread that walks rows looks at
 * its own CPUs once a period.
 */

#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* Isolated at boot, or at least when the module was loaded */
static struct cpumask ip_vs_est_isolated;

/**
 * ip_vs_est_task_cpus() - the CPUs that a task may use
 * @task: the task, which stays there
 * @cpus: they go here
 *
 * Not task->cpus_ptr, which is one CPU while migration is off.
 *
 * Context: any but hard interrupts, takes task->pi_lock.
 */
void ip_vs_est_task_cpus(struct task_struct *task, struct cpumask *cpus)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(cpus, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* A cpuset partition takes its CPUs from all that is in the root cpuset, and so
 * from kthreadd, the parent of our tasks and of est_reload_work's.  New
 * kthreads do not have that from it: they get all that are for kthreads.
 */
static void ip_vs_est_update_partitions(struct ip_vs_est_net *est)
{
	lockdep_assert_held(&est->lock);

	rcu_read_lock();
	ip_vs_est_task_cpus(rcu_dereference(current->real_parent), est->taken);
	/* A partition may change the mask, of which RCU keeps the old one */
	cpumask_andnot(est->taken, housekeeping_cpumask(HK_TYPE_KTHREAD),
		       est->taken);
	rcu_read_unlock();
}

/* HK_TYPE_DOMAIN is without what isolcpus= and isolated partitions take, and
 * HK_TYPE_WQ without what nohz_full= does; that of kthreads is one or the
 * other, by the kernel's version.
 */
static void ip_vs_est_default_cpulist(struct cpumask *cpus)
{
	rcu_read_lock();
	if (!cpumask_and(cpus, housekeeping_cpumask(HK_TYPE_WQ),
			 housekeeping_cpumask(HK_TYPE_DOMAIN)))
		cpumask_copy(cpus, housekeeping_cpumask(HK_TYPE_WQ));
	rcu_read_unlock();
}

/* Set est->cpus, and est->cpulist where none was written */
static void ip_vs_est_set_cpus(struct ip_vs_est_net *est)
{
	lockdep_assert_held(&est->lock);

	if (!est->cpulist_set) {
		ip_vs_est_default_cpulist(est->cpulist);
		if (cpumask_andnot(est->cpus, est->cpulist, est->taken))
			return;
	}
	cpumask_copy(est->cpus, est->cpulist);
}

/**
 * ip_vs_est_set_limits() - how many contexts there may be
 * @est: estimation in the namespace
 *
 * Four kthreads for each online CPU that they may use: estimation never takes
 * more than half of them.  One only if another user namespace than the initial
 * one owns the network namespace.
 *
 * Context: est->lock held.
 */
void ip_vs_est_set_limits(struct ip_vs_est_net *est)
{
	unsigned int max = 1;

	lockdep_assert_held(&est->lock);

	ip_vs_est_set_cpus(est);
	if (est->ipvs->net->user_ns == &init_user_ns)
		max = IP_VS_EST_KTHREADS *
		      max(cpumask_weight_and(est->cpus, cpu_online_mask), 1U);
	if (max == est->ctx_max)
		return;

	est->ctx_max = max;
	/* A repack that has not come to its end empties what may stay now */
	if (est->repack || est->nctx > est->ctx_max)
		ip_vs_est_repack(est);
	if (est->full && est->nctx < est->ctx_max) {
		est->full = false;
		ip_vs_est_wake(est->slot[0]);
	}
}

/**
 * ip_vs_est_set_cpulist() - take over a list that was written
 * @est: estimation in the namespace
 * @cpus: the list
 *
 * est_reload_work gives it to the tasks; the caller queues it.
 *
 * Context: est->lock held.
 */
void ip_vs_est_set_cpulist(struct ip_vs_est_net *est,
			   const struct cpumask *cpus)
{
	lockdep_assert_held(&est->lock);

	est->cpulist_other |= !cpumask_equal(est->cpulist, cpus);
	cpumask_copy(est->cpulist, cpus);
	est->cpulist_set = true;
	est->cpulist_new = true;
}

/**
 * ip_vs_est_expect_reset() - the kernel gives tasks their preferred CPUs
 * @est: estimation in the namespace
 *
 * If it keeps such, it has done so, or will soon: the new set of isolated CPUs
 * can be seen before the tasks have other CPUs.
 *
 * Context: est->lock held.
 */
void ip_vs_est_expect_reset(struct ip_vs_est_net *est)
{
	lockdep_assert_held(&est->lock);

	if (IP_VS_EST_PREFERRED_KEPT) {
		est->affinity_reset = true;
		est->reset_at = jiffies;
	}
	ip_vs_est_queue_reload(est, 0);
}

/* Isolated partitions change HK_TYPE_DOMAIN */
static void ip_vs_est_update_isolated(struct ip_vs_est_net *est)
{
	const struct cpumask *domain;

	lockdep_assert_held(&est->lock);

	rcu_read_lock();
	domain = housekeeping_cpumask(HK_TYPE_DOMAIN);
	if (!cpumask_equal(est->domain, domain)) {
		/* Nothing has changed for a namespace that is new */
		if (!cpumask_empty(est->domain))
			ip_vs_est_expect_reset(est);
		cpumask_copy(est->domain, domain);
	}
	rcu_read_unlock();
}

/**
 * ip_vs_est_update_cpus() - look at what has become of CPUs
 * @est: estimation in the namespace
 *
 * Context: a child of kthreadd, see ip_vs_est_update_partitions(); est->lock
 * held.
 */
void ip_vs_est_update_cpus(struct ip_vs_est_net *est)
{
	ip_vs_est_update_partitions(est);
	ip_vs_est_update_isolated(est);
	ip_vs_est_set_limits(est);
}

/* A task is where the wish does not allow it, and could be elsewhere */
static bool ip_vs_est_lost_cpus(struct ip_vs_est_net *est,
				struct task_struct *task)
{
	unsigned long flags;
	bool lost;

	lockdep_assert_held(&est->lock);

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	lost = !cpumask_subset(&task->cpus_mask, est->cpulist);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return lost && cpumask_intersects(est->cpus, cpu_online_mask);
}

/* When a CPU comes, or something else is isolated, the kernel gives a task its
 * preferred CPUs, without what is isolated.  From a written list that takes
 * CPUs which were isolated at boot: they go to @cpus with the others.  What a
 * partition has taken stays with it.
 */
static bool ip_vs_est_cut_cpus(struct ip_vs_est_net *est,
			       struct task_struct *task, struct cpumask *cpus)
{
	unsigned long flags;
	bool cut;

	lockdep_assert_held(&est->lock);

	if (!est->handle_reset)
		return false;
	cpumask_and(cpus, est->cpus, &ip_vs_est_isolated);
	if (cpumask_subset(cpus, est->domain))
		return false;
	cpumask_and(cpus, est->cpus, est->domain);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cut = cpumask_equal(cpus, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	/* Those that were compared, and of the list what was isolated */
	cpumask_or(cpus, est->domain, &ip_vs_est_isolated);
	cpumask_and(cpus, cpus, est->cpus);
	return cut;
}

/**
 * ip_vs_est_check_own_cpus() - a kthread looks at the CPUs that it has
 * @est: estimation in its namespace
 *
 * Context: kthread, takes est->lock.
 */
void ip_vs_est_check_own_cpus(struct ip_vs_est_net *est)
{
	spin_lock(&est->lock);
	ip_vs_est_update_cpus(est);
	if (est->affinity_reset || ip_vs_est_lost_cpus(est, current))
		ip_vs_est_queue_reload(est, 0);
	spin_unlock(&est->lock);
}

/**
 * ip_vs_est_preferred() - what the kernel may go back to by itself
 * @est: estimation in the namespace
 * @cpus: the CPUs go here
 *
 * The wish.  Of the default list only what was set at boot: a kernel that keeps
 * such a preference leaves out what partitions isolate at the time.
 *
 * Context: est->lock held.
 */
void ip_vs_est_preferred(struct ip_vs_est_net *est, struct cpumask *cpus)
{
	lockdep_assert_held(&est->lock);

	if (est->cpulist_set)
		cpumask_copy(cpus, est->cpulist);
	else
		cpumask_copy(cpus, housekeeping_cpumask(HK_TYPE_WQ));
}

/**
 * ip_vs_est_cpus_for() - choose the CPUs of a task
 * @est: estimation in the namespace
 * @task: the task
 * @anew: choose as for a new task
 * @cpus: they go here
 *
 * Context: est->lock held.
 * Return: false if the task should be left as it is.
 */
bool ip_vs_est_cpus_for(struct ip_vs_est_net *est, struct task_struct *task,
			bool anew, struct cpumask *cpus)
{
	lockdep_assert_held(&est->lock);

	if (!anew && ip_vs_est_cut_cpus(est, task, cpus))
		return true;
	if (!anew && !ip_vs_est_lost_cpus(est, task))
		return false;
	ip_vs_est_task_cpus(task, cpus);
	cpumask_and(cpus, cpus, est->cpus);
	if (anew || !cpumask_intersects(cpus, cpu_online_mask))
		cpumask_copy(cpus, est->cpus);
	return true;
}

/**
 * ip_vs_est_rescue() - let a task run, whoever keeps it from that
 * @est: estimation in the namespace
 * @task: the task, for which est->cpus and est->nice are of no account any more
 * @cpus: scratch
 *
 * It leaves an isolated CPU, whoever runs there, and may go wherever the
 * scheduler balances.  With all CPUs it would stay: between isolated ones, and
 * from them to others, nothing is balanced.  Where the kernel cuts @cpus to
 * those that taskset once set, the task gets the rest of @cpus instead.
 *
 * Context: may sleep, no lock held.
 */
void ip_vs_est_rescue(struct ip_vs_est_net *est, struct task_struct *task,
		      struct cpumask *cpus)
{
	unsigned long flags;

	spin_lock(&est->lock);
	ip_vs_est_default_cpulist(cpus);
	cpumask_andnot(cpus, cpus, est->taken);
	spin_unlock(&est->lock);

	set_user_nice(task, 0);
	/* Fails when all of them are offline, or none is left */
	if (set_cpus_allowed_ptr(task, cpus))
		set_cpus_allowed_ptr(task, cpu_possible_mask);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_andnot(cpus, cpus, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (!cpumask_empty(cpus))
		set_cpus_allowed_ptr(task, cpus);
}

/**
 * ip_vs_est_cpus_init() - at module load, before the first namespace
 *
 * Context: process context, may sleep.
 */
void ip_vs_est_cpus_init(void)
{
	rcu_read_lock();
	cpumask_andnot(&ip_vs_est_isolated, cpu_possible_mask,
		       housekeeping_cpumask(HK_TYPE_DOMAIN));
	rcu_read_unlock();
}
