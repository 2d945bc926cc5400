/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_SPINLOCK_H
#define _SHIM_SPINLOCK_H

#include <linux/kernel.h>

/**
 * struct spinlock - a flag
 * @held: somebody holds it
 * @unlocked: called before it is given back, unless NULL
 */
struct spinlock {
	bool held;
	void (*unlocked)(struct spinlock *lock);
};

#define spinlock_t	struct spinlock

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t){ };
}

/* Held for moments in which no task is switched */
#define raw_spinlock_t		struct { }
#define raw_spin_lock_irqsave(lock, flags)				\
	((void)(lock), (void)((flags) = 0))
#define raw_spin_unlock_irqrestore(lock, flags)				\
	((void)(lock), (void)(flags))

void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

/* No task is switched while a lock is held: who holds it is who asks */
#define lockdep_is_held(lock)	((lock)->held)
#define lockdep_assert_held(lock)					\
	do {								\
		if (!lockdep_is_held(lock))				\
			sim_fail("%s: %s is not held", __func__, #lock); \
	} while (0)

#endif /* _SHIM_SPINLOCK_H */
