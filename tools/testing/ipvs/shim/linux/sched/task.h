/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_TASK_H
#define _SHIM_TASK_H

#include <linux/sched.h>

static inline void get_task_struct(struct task_struct *task)
{
	task->refs++;
}

void put_task_struct(struct task_struct *task);

#endif /* _SHIM_TASK_H */
