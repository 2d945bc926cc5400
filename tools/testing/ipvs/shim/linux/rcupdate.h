/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_RCUPDATE_H
#define _SHIM_RCUPDATE_H

#include <linux/sched.h>

/**
 * struct rcu_head - something to do after a grace period
 * @next: the one that was asked for after it
 * @func: what to do, or NULL to free @object
 * @object: see @func
 * @gp: the grace period to wait for
 */
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
	void *object;
	unsigned long gp;
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void sim_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head),
		  void *object);
unsigned long get_state_synchronize_rcu(void);
unsigned long start_poll_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long cookie);

#define call_rcu(head, func)		sim_call_rcu(head, func, NULL)
#define kfree_rcu(p, field)						\
	({								\
		typeof(p) __p = (p);					\
									\
		sim_call_rcu((void *)__p + offsetof(typeof(*__p), field), \
			     NULL, __p);				\
	})

#define rcu_read_lock_any_held()	(current->rcu > 0)
#define RCU_LOCKDEP_WARN(cond, text)					\
	do {								\
		if (cond)						\
			sim_fail("%s: %s", __func__, text);		\
	} while (0)

#define rcu_dereference_protected(p, cond)				\
	({ RCU_LOCKDEP_WARN(!(cond), "lock not held: " #p); (p); })
/* What it returns may be unpublished at once, and it takes time */
#define rcu_dereference(p)						\
	({								\
		typeof(p) __p = READ_ONCE(p);				\
									\
		RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), #p);	\
		sim_follow();						\
		__p;							\
	})
#define rcu_dereference_raw(p)		READ_ONCE(p)
#define rcu_assign_pointer(p, v)	WRITE_ONCE(p, v)
#define RCU_INIT_POINTER(p, v)		WRITE_ONCE(p, v)

#endif /* _SHIM_RCUPDATE_H */
