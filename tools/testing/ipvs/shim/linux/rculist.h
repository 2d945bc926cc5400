/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_RCULIST_H
#define _SHIM_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

/* The kernel's own, told that it is checked and in the kernel */
#define CONFIG_PROVE_RCU_LIST
#define __list_add_valid(new, prev, next)	true
#define ASSERT_EXCLUSIVE_ACCESS(var)
#define __KERNEL__
#include SIM_RCULIST
#undef __KERNEL__

/* The model looks at all that enters or leaves a chain */
void model_link(struct hlist_node *node, struct hlist_head *chain);
void model_unlink(struct hlist_node *node);

static inline void sim_add_head(struct hlist_node *node,
				struct hlist_head *chain)
{
	model_link(node, chain);
	hlist_add_head_rcu(node, chain);
}

static inline void sim_del(struct hlist_node *node)
{
	model_unlink(node);
	hlist_del_rcu(node);
}

#define hlist_add_head_rcu(node, chain)	sim_add_head(node, chain)
#define hlist_del_rcu(node)		sim_del(node)

#endif /* _SHIM_RCULIST_H */
