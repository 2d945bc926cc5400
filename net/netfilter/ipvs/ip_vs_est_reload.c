// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: est_reload_work, which starts and stops the kthreads
 *
 * est_reload_work compares the tasks that should run with those that do:
 *
 *   - nice, and CPUs where ip_vs_est_cpus.c says so, are applied to running
 *     tasks in place, first of all, so that a starved task is rescued before
 *     anybody waits for it
 *   - tasks that should not run, or were made for another list of CPUs, are
 *     stopped, contexts that have lost their last estimator are freed
 *   - missing tasks are created; if one cannot be, it tries again
 *
 * It is the only place that does any of this while the namespace lives, so
 * the contexts and tasks that it has looked up stay there when it drops
 * est->lock to act.
 *
 * It is queued when one of these changes: a sysctl, the first service or the
 * last one, a context, an online CPU, the CPUs of a task.  It waits for tasks,
 * and whoever queues it may do so on an isolated CPU: hence an unbound
 * workqueue.
 */

#define pr_fmt(fmt) "IPVS: " fmt

#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_impl.h"

/* Wait before a task that could not be created is tried again, jiffies.  By
 * choice: a user who waits for rates does not see it, and 10 a second are no
 * load.
 */
#define IP_VS_EST_RETRY		(HZ / 10)

/* How long the kernel may take to give tasks other CPUs after it has isolated
 * some, jiffies: it waits for a grace period, and for works of others to end.
 * By choice: five looks that a kthread takes at its CPUs.
 */
#define IP_VS_EST_RESET		(5 * IP_VS_EST_PERIOD)

/**
 * ip_vs_est_set_active() - switch estimation on or off as the sysctls say
 * @est: estimation in the namespace
 *
 * It is on when the user wants it and has given it CPUs.  Each change begins
 * a new generation: averages of an older one are not shown, and the next pass
 * over an estimator takes its counters as base.
 *
 * Context: est->lock held.
 */
void ip_vs_est_set_active(struct ip_vs_est_net *est)
{
	bool active = est->run && !cpumask_empty(est->cpulist);

	lockdep_assert_held(&est->lock);

	if (active != est->active) {
		/* Pair with READ_ONCE() in ip_vs_est_walk_chain(),
		 * ip_vs_est_begin(), ip_vs_est_cost() and ip_vs_copy_stats().
		 * None of them relies on the order of the two.
		 */
		WRITE_ONCE(est->active, active);
		WRITE_ONCE(est->gen, max_t(u32, est->gen + 1,
					   IP_VS_EST_GEN_FIRST));
	}
	ip_vs_est_queue_reload(est, 0);
}

static bool ip_vs_est_should_run(struct ip_vs_est_net *est)
{
	lockdep_assert_held(&est->lock);

	return est->active && est->started > IP_VS_EST_TOTALS && !est->exiting;
}

/* Changes of CPUs since the last time.  Returns true if a list was written, and
 * can be given to tasks; @other: it is not the one that they were made for.
 */
static bool ip_vs_est_take_cpu_events(struct ip_vs_est_net *est, bool *other)
{
	bool anew;

	spin_lock(&est->lock);
	est->handle_reset = est->affinity_reset;
	if (jiffies - est->reset_at > IP_VS_EST_RESET)
		est->affinity_reset = false;
	anew = est->cpulist_new && cpumask_intersects(est->cpus,
						      cpu_online_mask);
	*other = anew && est->cpulist_other;
	if (anew) {
		est->cpulist_new = false;
		est->cpulist_other = false;
	}
	spin_unlock(&est->lock);
	return anew;
}

/* Take the task of a context away, for the caller to stop: nobody wakes it
 * from here on
 */
static struct task_struct *ip_vs_est_take_task(struct ip_vs_est_ctx *ctx)
{
	struct task_struct *task = ctx->task;

	lockdep_assert_held(&ctx->net->lock);

	ctx->task = NULL;
	return task;
}

/* Stop a task.  This waits for it, so it must be able to run; no lock is held,
 * and the kthread takes none that its stopper could hold.
 */
static void ip_vs_est_stop_task(struct ip_vs_est_net *est, unsigned int id,
				struct task_struct *task)
{
	pid_t pid = task_pid_nr(task);

	ip_vs_est_rescue(est, task, est->reload_mask);
	kthread_stop(task);
	trace_ipvs_est_task_stopped(est->ipvs->gen, id, pid);
}

/* Stop the task of a slot, if there is one */
static void ip_vs_est_stop_slot(struct ip_vs_est_net *est, unsigned int id)
{
	struct task_struct *task = NULL;

	spin_lock(&est->lock);
	if (id < est->nslots && est->slot[id])
		task = ip_vs_est_take_task(est->slot[id]);
	spin_unlock(&est->lock);

	if (task)
		ip_vs_est_stop_task(est, id, task);
}

/* Other CPUs may be of another speed.  Not before the old task has ended, which
 * would measure the old ones.
 */
static void ip_vs_est_recalibrate(struct ip_vs_est_net *est)
{
	spin_lock(&est->lock);
	/* Pairs with READ_ONCE() in ip_vs_est_distribute() */
	WRITE_ONCE(est->calibrate, true);
	spin_unlock(&est->lock);
}

/* Give a task CPUs.  Some kernels cut them to those that taskset has set for it, or
 * for kthreadd before, as long as that leaves any: if these are offline the call
 * fails, and the task keeps what it has.  Then those that are online are given.
 */
static void ip_vs_est_give_cpus(struct task_struct *task, struct cpumask *cpus)
{
	if (!set_cpus_allowed_ptr(task, cpus) ||
	    !cpumask_intersects(cpus, cpu_online_mask))
		return;
	/* All of them again: one may have come online since */
	if (set_cpus_allowed_ptr(task, cpus) &&
	    cpumask_and(cpus, cpus, cpu_online_mask))
		set_cpus_allowed_ptr(task, cpus);
}

/* Apply nice, and CPUs if need be, to all tasks that run.  A new list has new
 * tasks: what the kernel keeps of the old one it keeps as long as the task is
 * there.  Contexts stay, and with them places and samples.
 */
static void ip_vs_est_apply(struct ip_vs_est_net *est)
{
	bool other, anew = ip_vs_est_take_cpu_events(est, &other), move;
	struct task_struct *task;
	unsigned int id;
	int nice;

	for (id = 0; ; id++) {
		spin_lock(&est->lock);
		if (id >= est->nslots) {
			spin_unlock(&est->lock);
			break;
		}
		task = est->slot[id] ? est->slot[id]->task : NULL;
		if (task)
			get_task_struct(task);
		nice = est->nice;
		move = task && ip_vs_est_cpus_for(est, task, anew,
						  est->reload_mask);
		spin_unlock(&est->lock);

		if (!task)
			continue;
		set_user_nice(task, nice);
		/* Fails when all of them are offline: applied when one comes */
		if (move)
			ip_vs_est_give_cpus(task, est->reload_mask);
		if (anew)
			ip_vs_est_stop_slot(est, id);
		put_task_struct(task);
	}
	if (other)
		ip_vs_est_recalibrate(est);
}

/* Free the contexts without estimators */
static void ip_vs_est_free_detached(struct ip_vs_est_net *est)
{
	struct task_struct *task;
	struct ip_vs_est_ctx *ctx;

	for (;;) {
		spin_lock(&est->lock);
		ctx = list_first_entry_or_null(&est->detached,
					       struct ip_vs_est_ctx, detached);
		if (!ctx) {
			spin_unlock(&est->lock);
			break;
		}
		list_del(&ctx->detached);
		task = ip_vs_est_take_task(ctx);
		spin_unlock(&est->lock);

		if (task)
			ip_vs_est_stop_task(est, ctx->id, task);
		kfree(ctx);
	}
}

/* Stop all tasks when none should run */
static void ip_vs_est_stop_tasks(struct ip_vs_est_net *est)
{
	struct task_struct *task;
	unsigned int id;

	for (id = 0; ; id++) {
		spin_lock(&est->lock);
		if (ip_vs_est_should_run(est) || id >= est->nslots) {
			spin_unlock(&est->lock);
			break;
		}
		task = est->slot[id] ? ip_vs_est_take_task(est->slot[id]) :
				       NULL;
		spin_unlock(&est->lock);

		if (task)
			ip_vs_est_stop_task(est, id, task);
	}
}

/**
 * ip_vs_est_stop_all() - stop all tasks and free all contexts but the first
 * @est: estimation in a namespace that goes away, without estimators
 *
 * Context: may sleep, no lock held; @est->exiting is set and est_reload_work
 * cancelled.
 */
void ip_vs_est_stop_all(struct ip_vs_est_net *est)
{
	ip_vs_est_stop_tasks(est);
	ip_vs_est_free_detached(est);
}

/* Create the task of a context, which only this work frees: if it is detached
 * meanwhile, the run that detaching has queued stops the task again.
 */
static int ip_vs_est_start_task(struct ip_vs_est_net *est,
				struct ip_vs_est_ctx *ctx)
{
	struct task_struct *task;
	int nice, ret;

	task = kthread_create(ip_vs_est_kthread, ctx, "ipvs-e:%d:%u",
			      est->ipvs->gen, ctx->id);
	if (IS_ERR(task))
		return PTR_ERR(task);

	spin_lock(&est->lock);
	ip_vs_est_preferred(est, est->reload_mask);
	spin_unlock(&est->lock);
	ret = kthread_affine_preferred(task, est->reload_mask);
	/* Without memory, and this cannot be made good when it has run */
	if (ret == -ENOMEM) {
		kthread_stop(task);
		return ret;
	}

	spin_lock(&est->lock);
	nice = est->nice;
	/* Old tasks were waited for, and a partition may have been made */
	ip_vs_est_update_cpus(est);
	ip_vs_est_cpus_for(est, task, true, est->reload_mask);
	spin_unlock(&est->lock);
	set_user_nice(task, nice);
	ip_vs_est_give_cpus(task, est->reload_mask);
	trace_ipvs_est_task_started(est->ipvs->gen, ctx->id, task_pid_nr(task));

	/* What has changed since then has queued this work again */
	spin_lock(&est->lock);
	ctx->task = task;
	ip_vs_est_wake(ctx);
	spin_unlock(&est->lock);
	return 0;
}

/* The log is not for whoever makes namespaces without privilege, whose lines
 * would use up what root's are allowed
 */
static void ip_vs_est_warn_no_task(struct ip_vs_est_net *est, unsigned int id,
				   int err)
{
	if (est->ipvs->net->user_ns == &init_user_ns)
		pr_warn_ratelimited("netns %d: cannot create kthread %u, error %d; trying again\n",
				    est->ipvs->gen, id, err);
}

/* Create missing tasks; returns false if one could not be created */
static bool ip_vs_est_start_tasks(struct ip_vs_est_net *est)
{
	struct ip_vs_est_ctx *ctx;
	unsigned int id;
	int ret;

	for (id = 0; ; id++) {
		spin_lock(&est->lock);
		if (!ip_vs_est_should_run(est) || id >= est->nslots) {
			spin_unlock(&est->lock);
			return true;
		}
		ctx = est->slot[id];
		if (ctx && ctx->task)
			ctx = NULL;
		spin_unlock(&est->lock);
		if (!ctx)
			continue;

		ret = ip_vs_est_start_task(est, ctx);
		if (ret) {
			ip_vs_est_warn_no_task(est, id, ret);
			return false;
		}
	}
}

/**
 * ip_vs_est_reload() - est_reload_work
 * @work: in struct ip_vs_est_net
 *
 * Context: workqueue, no lock held; waits for kthreads.
 */
void ip_vs_est_reload(struct work_struct *work)
{
	struct ip_vs_est_net *est = container_of(to_delayed_work(work),
						 struct ip_vs_est_net,
						 reload_work);

	spin_lock(&est->lock);
	ip_vs_est_update_cpus(est);
	spin_unlock(&est->lock);

	ip_vs_est_apply(est);
	ip_vs_est_free_detached(est);
	ip_vs_est_stop_tasks(est);
	if (!ip_vs_est_start_tasks(est)) {
		spin_lock(&est->lock);
		ip_vs_est_queue_reload(est, IP_VS_EST_RETRY);
		spin_unlock(&est->lock);
	}
}
