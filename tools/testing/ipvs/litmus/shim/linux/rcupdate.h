/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_RCUPDATE_H
#define _LITMUS_RCUPDATE_H

#include <linux/types.h>

struct rcu_head {
	void (*func)(struct rcu_head *head);
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
unsigned long get_state_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long cookie);

/* All threads have ended when something is freed */
#define call_rcu(head, f)		((f)(head))

#endif /* _LITMUS_RCUPDATE_H */
