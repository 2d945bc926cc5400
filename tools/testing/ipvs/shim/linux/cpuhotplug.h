/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_CPUHOTPLUG_H
#define _SHIM_CPUHOTPLUG_H

#include <linux/cpumask.h>

enum cpuhp_state {
	CPUHP_OFFLINE,
	CPUHP_BP_PREPARE_DYN,
	CPUHP_AP_ONLINE_DYN,
	SIM_CPUHP_STATES
};

/**
 * struct sim_cpuhp - a state that CPUs go through
 * @up: called for a CPU that comes, or NULL
 * @down: called for a CPU that goes, or NULL
 * @node: the one instance that there is
 */
struct sim_cpuhp {
	int (*up)(unsigned int cpu, struct hlist_node *node);
	int (*down)(unsigned int cpu, struct hlist_node *node);
	struct hlist_node *node;
};

extern struct sim_cpuhp sim_cpuhp[SIM_CPUHP_STATES];

#define cpuhp_remove_multi_state(state)					\
	((void)(sim_cpuhp[state] = (struct sim_cpuhp){ }))
#define cpuhp_state_add_instance_nocalls(state, n)			\
	(sim_cpuhp[state].node = (n), 0)
#define cpuhp_state_remove_instance_nocalls(state, n)			\
	((void)(n), sim_cpuhp[state].node = NULL)

static inline int
cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			int (*up)(unsigned int cpu, struct hlist_node *node),
			int (*down)(unsigned int cpu, struct hlist_node *node))
{
	sim_cpuhp[state].up = up;
	sim_cpuhp[state].down = down;
	return state;
}

void sim_cpu_event(unsigned int cpu, bool up);

#endif /* _SHIM_CPUHOTPLUG_H */
