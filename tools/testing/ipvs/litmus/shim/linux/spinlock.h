/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_SPINLOCK_H
#define _LITMUS_SPINLOCK_H

#include <pthread.h>

/* A mutex, because threads are preempted that hold it */
struct spinlock {
	pthread_mutex_t mutex;
};

#define spinlock_t		struct spinlock
#define spin_lock_init(lock)	pthread_mutex_init(&(lock)->mutex, NULL)
#define spin_lock(lock)		pthread_mutex_lock(&(lock)->mutex)
#define spin_unlock(lock)	pthread_mutex_unlock(&(lock)->mutex)
#define lockdep_assert_held(lock)	do { } while (0)

/* There are no tasks that anybody looks at */
#define raw_spinlock_t		struct { }

#endif /* _LITMUS_SPINLOCK_H */
