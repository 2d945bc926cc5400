/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_CPUHOTPLUG_H
#define _SHIM_CPUHOTPLUG_H

#include <linux/cpumask.h>

#define CPUHP_AP_ONLINE_DYN	1

enum cpuhp_state { CPUHP_OFFLINE };

/* The one instance that there is, and what it wants called */
extern struct hlist_node *sim_cpuhp_node;
extern int (*sim_cpuhp_event)(unsigned int cpu, struct hlist_node *node);

#define cpuhp_setup_state_multi(state, name, up, down)			\
	((void)(name), sim_cpuhp_event = (up), (int)(state))
#define cpuhp_remove_multi_state(state)					\
	((void)(state), sim_cpuhp_event = NULL)
#define cpuhp_state_add_instance_nocalls(state, node)			\
	((void)(state), sim_cpuhp_node = (node), 0)
#define cpuhp_state_remove_instance_nocalls(state, node)		\
	((void)(state), (void)(node), sim_cpuhp_node = NULL)

#endif /* _SHIM_CPUHOTPLUG_H */
