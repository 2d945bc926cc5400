// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: set-up and exit of a network namespace, and of the module
 *
 * Everything that starting an estimator needs is allocated here, kthread 0's
 * context too, so that it cannot fail for want of memory.
 *
 * Exit goes in this order, and a failed set-up of the namespace as well:
 *
 *   - sysctls and proc files are gone, services flushed, the total stopped
 *   - no more CPU hotplug callbacks
 *   - est->exiting, under est->lock: whoever queues the work tests it there
 *   - the work is cancelled; it cannot come back
 *   - all tasks are stopped, those of detached contexts too
 *   - memory is freed
 */

#include <linux/slab.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

static void ip_vs_est_net_free(struct ip_vs_est_net *est)
{
	if (est->slot)
		kfree(est->slot[0]);
	kfree(est->slot);
	kfree(est->spare_row);
	kfree(est->spare_ctx);
	free_cpumask_var(est->reload_mask);
	free_cpumask_var(est->domain);
	free_cpumask_var(est->taken);
	free_cpumask_var(est->cpus);
	free_cpumask_var(est->cpulist);
	kfree(est);
}

/* Memory that must be there before an estimator can be started */
static struct ip_vs_est_net *ip_vs_est_net_alloc(struct netns_ipvs *ipvs)
{
	const gfp_t account = ipvs->net->user_ns == &init_user_ns ?
			      0 : __GFP_ACCOUNT;
	const gfp_t gfp = GFP_KERNEL | account;
	struct ip_vs_est_net *est = kzalloc_obj(*est, gfp);

	if (!est)
		return NULL;
	est->account = account;
	est->slots_max = 1;
	est->slot = kzalloc_objs(*est->slot, est->slots_max, gfp);
	if (!est->slot || !zalloc_cpumask_var(&est->cpulist, gfp) ||
	    !zalloc_cpumask_var(&est->cpus, gfp) ||
	    !zalloc_cpumask_var(&est->taken, gfp) ||
	    !zalloc_cpumask_var(&est->domain, gfp) ||
	    !zalloc_cpumask_var(&est->reload_mask, gfp))
		goto err;
	est->slot[0] = ip_vs_est_ctx_alloc(est, gfp);
	if (!est->slot[0])
		goto err;
	est->nslots = 1;
	est->nctx = 1;
	est->ipvs = ipvs;
	return est;

err:
	ip_vs_est_net_free(est);
	return NULL;
}

/* From here on nobody queues the work, not even itself */
static void ip_vs_est_end_work(struct ip_vs_est_net *est)
{
	spin_lock(&est->lock);
	est->exiting = true;
	spin_unlock(&est->lock);
	cancel_delayed_work_sync(&est->reload_work);
}

/**
 * ip_vs_estimator_net_init() - set up estimation in a new namespace
 * @ipvs: the namespace
 *
 * Context: may sleep, takes the CPU hotplug lock.
 * Return: 0 or a negative error.
 */
int __net_init ip_vs_estimator_net_init(struct netns_ipvs *ipvs)
{
	struct ip_vs_est_net *est = ip_vs_est_net_alloc(ipvs);
	int ret;

	if (!est)
		return -ENOMEM;

	spin_lock_init(&est->lock);
	INIT_DELAYED_WORK(&est->reload_work, ip_vs_est_reload);
	INIT_LIST_HEAD(&est->pending);
	INIT_LIST_HEAD(&est->detached);
	est->gen = IP_VS_EST_GEN_FIRST;
	est->calibrate = true;
	ip_vs_est_defaults(est);

	/* This finds the CPUs, too */
	spin_lock(&est->lock);
	ip_vs_est_set_limits(est);
	spin_unlock(&est->lock);

	ret = ip_vs_est_hotplug_add(est);
	if (ret) {
		/* A CPU may have come or gone while half of it was there */
		ip_vs_est_end_work(est);
		ip_vs_est_net_free(est);
		return ret;
	}
	ipvs->est = est;
	return 0;
}

/**
 * ip_vs_estimator_net_cleanup() - undo ip_vs_estimator_net_init()
 * @ipvs: the namespace, without services, sysctls and proc files
 *
 * Context: may sleep, takes the CPU hotplug lock; the caller holds no lock that
 * a kthread takes.
 */
void __net_exit ip_vs_estimator_net_cleanup(struct netns_ipvs *ipvs)
{
	struct ip_vs_est_net *est = ipvs->est;

	ip_vs_est_hotplug_del(est);

	ip_vs_est_end_work(est);

	WARN_ON_ONCE(est->started);
	ip_vs_est_stop_all(est);
	ipvs->est = NULL;
	ip_vs_est_net_free(est);
}

/**
 * ip_vs_est_init() - at module load, before the first namespace
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error.
 */
int ip_vs_est_init(void)
{
	ip_vs_stats_setup();
	ip_vs_est_param_init();
	ip_vs_est_cpus_init();
	return ip_vs_est_hotplug_init();
}

/**
 * ip_vs_est_cleanup() - at module removal, after the last namespace
 *
 * Context: process context, may sleep.
 */
void ip_vs_est_cleanup(void)
{
	ip_vs_est_hotplug_cleanup();
}
