/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_KTHREAD_H
#define _SHIM_KTHREAD_H

#include <linux/err.h>
#include <linux/sched.h>

struct task_struct *sim_kthread_create(int (*fn)(void *data), void *data);
int kthread_stop(struct task_struct *task);

#define kthread_create(fn, data, ...)					\
	(sim_pr(__VA_ARGS__), sim_kthread_create(fn, data))
static inline int kthread_affine_preferred(struct task_struct *task,
					   const struct cpumask *cpus)
{
	return set_cpus_allowed_ptr(task, cpus);
}

#define kthread_should_stop()	(current->stop)

#endif /* _SHIM_KTHREAD_H */
