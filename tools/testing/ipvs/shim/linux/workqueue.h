/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_WORKQUEUE_H
#define _SHIM_WORKQUEUE_H

#include <linux/sched.h>

struct work_struct {
	void (*func)(struct work_struct *work);
};

/* There is one worker, and one work that it knows */
struct delayed_work {
	struct work_struct work;
	bool pending;
	unsigned long at;
};

#define INIT_DELAYED_WORK(w, f)						\
	(*(w) = (struct delayed_work){ .work = { .func = (f) } })
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)

#define system_dfl_long_wq	NULL
#define queue_delayed_work(wq, w, delay)				\
	((void)(wq), sim_queue_work(w, delay, false))
#define mod_delayed_work(wq, w, delay)					\
	((void)(wq), sim_queue_work(w, delay, true))

void sim_queue_work(struct delayed_work *work, unsigned long delay, bool mod);
void cancel_delayed_work_sync(struct delayed_work *work);

#endif /* _SHIM_WORKQUEUE_H */
