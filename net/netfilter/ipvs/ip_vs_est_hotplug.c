// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: CPU hotplug callbacks, which queue est_reload_work */

#include <linux/cpuhotplug.h>
#include <linux/spinlock.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* CPUHP_OFFLINE, which is 0, while they are not set up.  A CPU is in
 * cpu_online_mask when the one is called for it, and no more when the other is.
 */
enum cpuhp_state ip_vs_est_cpuhp_online;
enum cpuhp_state ip_vs_est_cpuhp_dead;

static int ip_vs_est_cpu_online(unsigned int cpu, struct hlist_node *node)
{
	struct ip_vs_est_net *est = hlist_entry(node, struct ip_vs_est_net,
						cpuhp_online);

	spin_lock(&est->lock);
	ip_vs_est_expect_reset(est);
	spin_unlock(&est->lock);
	return 0;
}

static int ip_vs_est_cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct ip_vs_est_net *est = hlist_entry(node, struct ip_vs_est_net,
						cpuhp_dead);

	spin_lock(&est->lock);
	ip_vs_est_queue_reload(est, 0);
	spin_unlock(&est->lock);
	return 0;
}

/**
 * ip_vs_est_hotplug_add() - register for CPUs that come and go
 * @est: estimation in a new namespace
 *
 * Context: may sleep, takes the CPU hotplug lock.
 * Return: 0 or a negative error.
 */
int ip_vs_est_hotplug_add(struct ip_vs_est_net *est)
{
	int ret;

	ret = cpuhp_state_add_instance_nocalls(ip_vs_est_cpuhp_online,
					       &est->cpuhp_online);
	if (ret)
		return ret;
	ret = cpuhp_state_add_instance_nocalls(ip_vs_est_cpuhp_dead,
					       &est->cpuhp_dead);
	if (ret)
		cpuhp_state_remove_instance_nocalls(ip_vs_est_cpuhp_online,
						    &est->cpuhp_online);
	return ret;
}

/**
 * ip_vs_est_hotplug_del() - undo ip_vs_est_hotplug_add()
 * @est: estimation in a namespace that goes away
 *
 * Context: may sleep, takes the CPU hotplug lock.
 */
void ip_vs_est_hotplug_del(struct ip_vs_est_net *est)
{
	cpuhp_state_remove_instance_nocalls(ip_vs_est_cpuhp_dead,
					    &est->cpuhp_dead);
	cpuhp_state_remove_instance_nocalls(ip_vs_est_cpuhp_online,
					    &est->cpuhp_online);
}

/**
 * ip_vs_est_hotplug_init() - at module load, before the first namespace
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error.
 */
int ip_vs_est_hotplug_init(void)
{
	int ret;

	ret = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "net/ipvs:est",
				      ip_vs_est_cpu_online, NULL);
	if (ret < 0)
		return ret;
	ip_vs_est_cpuhp_online = ret;

	/* Its teardown is called by another CPU when the CPU is no more */
	ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "net/ipvs:est",
				      NULL, ip_vs_est_cpu_dead);
	if (ret < 0) {
		cpuhp_remove_multi_state(ip_vs_est_cpuhp_online);
		ip_vs_est_cpuhp_online = CPUHP_OFFLINE;
		return ret;
	}
	ip_vs_est_cpuhp_dead = ret;
	return 0;
}

/**
 * ip_vs_est_hotplug_cleanup() - at module removal, after the last namespace
 *
 * Context: process context, may sleep.
 */
void ip_vs_est_hotplug_cleanup(void)
{
	cpuhp_remove_multi_state(ip_vs_est_cpuhp_dead);
	cpuhp_remove_multi_state(ip_vs_est_cpuhp_online);
	ip_vs_est_cpuhp_dead = CPUHP_OFFLINE;
	ip_vs_est_cpuhp_online = CPUHP_OFFLINE;
}
