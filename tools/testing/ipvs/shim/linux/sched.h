/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_SCHED_H
#define _SHIM_SCHED_H

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>

#define TASK_RUNNING	0
#define TASK_IDLE	1

struct sim_stack;

/**
 * struct task_struct - a kthread, the worker, or the test itself
 * @nvcsw: voluntary switches
 * @nivcsw: other switches
 * @state: TASK_
 * @nice: its nice value
 * @cpus_mask: where it may run
 * @pi_lock: whoever looks at @cpus_mask takes it
 * @real_parent: the task that has made it
 * @rcu: depth of RCU read-side sections
 * @rcu_gp: last grace period that had begun when the outermost one began
 * @followed: pointers that it has followed in that section
 * @bh: depth of sections without bottom halves
 * @refs: who needs this
 * @woken: for the first time
 * @asleep: in schedule_timeout()
 * @pausing: and it would not do anything else
 * @timed: until @wake_at
 * @wake_at: jiffies
 * @briefly: that is a jiffy, and it had not slept for a period before
 * @lost: time that went by when it gave back a lock or was preempted last,
 *	jiffies
 * @meant: @wake_at, had no time gone by before it went to sleep
 * @ran: what it has worked since it was preempted for that, ns
 * @off: it gets no CPU until then, by sim.ns
 * @slept: when it last slept, or began, jiffies; without its pauses
 * @walks: walks of rows since then that were a period too late, see
 *	model_turns.c
 * @stop: what kthread_should_stop() says
 * @dead: @fn has returned
 * @waiter: the task in kthread_stop() for it
 * @fn: what it runs
 * @data: for @fn
 * @stack: what it runs on
 */
struct task_struct {
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned int state;
	int nice;
	struct cpumask cpus_mask;
	raw_spinlock_t pi_lock;
	struct task_struct *real_parent;
	unsigned int rcu;
	unsigned long rcu_gp;
	unsigned int followed;
	unsigned int bh;
	unsigned int refs;
	bool woken;
	bool asleep;
	bool pausing;
	bool timed;
	unsigned long wake_at;
	bool briefly;
	unsigned long lost;
	unsigned long meant;
	u64 ran;
	u64 off;
	u64 slept;
	unsigned int walks;
	bool stop;
	bool dead;
	struct task_struct *waiter;
	int (*fn)(void *data);
	void *data;
	struct sim_stack *stack;
};

extern struct task_struct *sim_current;
extern struct task_struct sim_main;

#define current			sim_current
#define set_current_state(s)	(current->state = (s))
#define __set_current_state(s)	set_current_state(s)

long schedule_timeout(long timeout);
void schedule_timeout_idle(long timeout);
void cond_resched(void);
int wake_up_process(struct task_struct *task);

/* Nobody looks for it by its number */
static inline int task_pid_nr(const struct task_struct *task)
{
	return 1;
}

static inline void set_user_nice(struct task_struct *task, int nice)
{
	task->nice = nice;
}

/* As the scheduler: not when all of them are offline */
static inline int set_cpus_allowed_ptr(struct task_struct *task,
				       const struct cpumask *cpus)
{
	if (!cpumask_weight_and(cpus, cpu_online_mask))
		return -EINVAL;
	task->cpus_mask = *cpus;
	return 0;
}

#endif /* _SHIM_SCHED_H */
