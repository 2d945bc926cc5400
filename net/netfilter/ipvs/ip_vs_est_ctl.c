// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: est_reload_work, which starts and stops the kthreads
 *
 * est_reload_work compares the tasks that should run with those that do:
 *
 *   - nice and affinity are applied to running tasks in place, first of all,
 *     so that a starved task is rescued before anybody waits for it
 *   - tasks that should not run are stopped, contexts that have lost their
 *     last estimator are freed
 *   - missing tasks are created; if one cannot be, it tries again
 *
 * It is the only place that does any of this while the namespace lives, so
 * the contexts and tasks that it has looked up stay there when it drops
 * est->lock to act.
 *
 * It is queued when one of these changes: a sysctl, the first service or the
 * last one, a context, an online CPU.  A task loses its affinity when the last
 * of its CPUs goes offline; so the affinity is applied again when one comes.
 */

#define KMSG_COMPONENT "IPVS"
#define pr_fmt(fmt) KMSG_COMPONENT ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <net/ip_vs.h>
#include <trace/events/ipvs_est.h>
#include "ip_vs_est_impl.h"

/* Wait before a task that could not be created is tried again, and after a
 * CPU came or went until that is through, jiffies
 */
#define IP_VS_EST_RETRY		(HZ / 10)

/* CPUHP_OFFLINE, which is 0, while it is not set up */
enum cpuhp_state ip_vs_est_cpuhp;

/**
 * ip_vs_est_queue_reload() - let est_reload_work compare tasks with wishes
 * @est: estimation in the namespace
 * @delay: when, jiffies; it may come earlier for another reason
 *
 * Context: est->lock held.
 */
void ip_vs_est_queue_reload(struct ip_vs_est_net *est, unsigned long delay)
{
	lockdep_assert_held(&est->lock);

	if (est->exiting)
		return;
	if (delay)
		queue_delayed_work(system_long_wq, &est->reload_work, delay);
	else
		mod_delayed_work(system_long_wq, &est->reload_work, 0);
}

/**
 * ip_vs_est_set_limits() - how many contexts there may be
 * @est: estimation in the namespace
 *
 * Four kthreads for each online CPU of the list: estimation never takes more
 * than half of them.  One only where the namespace was made without privilege.
 *
 * Context: est->lock held.
 */
void ip_vs_est_set_limits(struct ip_vs_est_net *est)
{
	unsigned int cpus = cpumask_weight_and(est->cpulist, cpu_online_mask);

	lockdep_assert_held(&est->lock);

	if (est->ipvs->net->user_ns == &init_user_ns)
		est->ctx_max = IP_VS_EST_KTHREADS * max(cpus, 1U);
	else
		est->ctx_max = 1;

	if (est->nctx > est->ctx_max)
		ip_vs_est_repack(est);
	if (est->full && est->nctx < est->ctx_max) {
		est->full = false;
		ip_vs_est_wake(est->slot[0]);
	}
}

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
		/* Pair with READ_ONCE() in ip_vs_est_walk_chain() and in
		 * ip_vs_copy_stats(), which lean on no order of the two
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

static void ip_vs_est_apply_task(struct task_struct *task, int nice,
				 const struct cpumask *cpus)
{
	set_user_nice(task, nice);
	/* Fails when all of them are offline: applied again when one comes */
	set_cpus_allowed_ptr(task, cpus);
}

/* Apply nice and affinity to all tasks that run */
static void ip_vs_est_apply(struct ip_vs_est_net *est)
{
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
		cpumask_copy(est->reload_mask, est->cpulist);
		spin_unlock(&est->lock);

		/* An empty list: the task is stopped next, where it is */
		if (task && !cpumask_empty(est->reload_mask))
			ip_vs_est_apply_task(task, nice, est->reload_mask);
		if (task)
			put_task_struct(task);
	}
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

/* Stop a task.  This waits for it: no lock is held, and the kthread takes none
 * that its stopper could hold.
 */
static void ip_vs_est_stop_task(struct ip_vs_est_net *est, unsigned int id,
				struct task_struct *task)
{
	pid_t pid = task_pid_nr(task);

	kthread_stop(task);
	trace_ipvs_est_task_stopped(est->ipvs->gen, id, pid);
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

/* Create the task of a context.  Its context is there until we detach it */
static int ip_vs_est_start_task(struct ip_vs_est_net *est,
				struct ip_vs_est_ctx *ctx)
{
	struct task_struct *task;
	int nice;

	task = kthread_create(ip_vs_est_kthread, ctx, "ipvs-e:%d:%u",
			      est->ipvs->gen, ctx->id);
	if (IS_ERR(task))
		return PTR_ERR(task);

	spin_lock(&est->lock);
	nice = est->nice;
	cpumask_copy(est->reload_mask, est->cpulist);
	spin_unlock(&est->lock);
	ip_vs_est_apply_task(task, nice, est->reload_mask);
	trace_ipvs_est_task_started(est->ipvs->gen, ctx->id, task_pid_nr(task));

	/* What has changed since then has queued this work again */
	spin_lock(&est->lock);
	ctx->task = task;
	ip_vs_est_wake(ctx);
	spin_unlock(&est->lock);
	return 0;
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
			pr_warn_ratelimited("netns %d: cannot create kthread %u, error %d; trying again\n",
					    est->ipvs->gen, id, ret);
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
	ip_vs_est_set_limits(est);
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

static int ip_vs_est_cpu_event(unsigned int cpu, struct hlist_node *node)
{
	struct ip_vs_est_net *est = hlist_entry(node, struct ip_vs_est_net,
						cpuhp);

	spin_lock(&est->lock);
	ip_vs_est_queue_reload(est, IP_VS_EST_RETRY);
	spin_unlock(&est->lock);
	return 0;
}

/**
 * ip_vs_est_hotplug_add() - hear of CPUs that come and go
 * @est: estimation in a new namespace
 *
 * Context: may sleep, takes the CPU hotplug lock.
 * Return: 0 or a negative error.
 */
int ip_vs_est_hotplug_add(struct ip_vs_est_net *est)
{
	return cpuhp_state_add_instance_nocalls(ip_vs_est_cpuhp, &est->cpuhp);
}

/**
 * ip_vs_est_hotplug_del() - hear no more of them
 * @est: estimation in a namespace that goes away
 *
 * Context: may sleep, takes the CPU hotplug lock.
 */
void ip_vs_est_hotplug_del(struct ip_vs_est_net *est)
{
	cpuhp_state_remove_instance_nocalls(ip_vs_est_cpuhp, &est->cpuhp);
}

/**
 * ip_vs_est_init() - at module load, before the first namespace
 *
 * Return: 0 or a negative error.
 */
int ip_vs_est_init(void)
{
	int ret;

	ip_vs_stats_setup();
	ret = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "net/ipvs:est",
				      ip_vs_est_cpu_event, ip_vs_est_cpu_event);
	if (ret < 0)
		return ret;
	ip_vs_est_cpuhp = ret;
	return 0;
}

/**
 * ip_vs_est_cleanup() - at module removal, after the last namespace
 */
void ip_vs_est_cleanup(void)
{
	cpuhp_remove_multi_state(ip_vs_est_cpuhp);
	ip_vs_est_cpuhp = CPUHP_OFFLINE;
}
