/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The estimator in user space: what stands in for the kernel
 *
 * One thread runs everything.  Kthreads and the worker are coroutines: they
 * run when the test says so, and stop where a kernel could preempt them and
 * the generator of random numbers says so, walkers in the middle of a chain
 * included.  Time, grace periods and lack of memory are the test's to give.
 *
 * Work takes time on the ns clock, and in jiffies too when sim.slow says so.
 * Then a task that has run for a while gets no CPU for a while.
 */
#ifndef _SIM_H
#define _SIM_H

#include <linux/compiler.h>
#include <linux/types.h>

/* CPUs, at most */
#define SIM_CPUS	512

/**
 * struct sim - the machine
 * @rnd: state of the generator of random numbers
 * @now: jiffies, all 64 bits of it
 * @ns: the clock, ns
 * @part: time that is not a whole jiffy yet, ns
 * @clock_res: resolution of the clock, ns
 * @clock_ns: what reading it takes, ns
 * @lock_ns: what holding a lock takes, ns: the cost of an estimator
 * @chain_ns: what the walk of a chain takes besides, ns
 * @est_ns: and for each estimator in it, ns
 * @slow: a task has one in so many parts of a CPU; 0: work takes no jiffies
 * @slice: what it has at a time, ns
 * @nr_cpus: possible CPUs
 * @cpu: the one that packets arrive at
 * @yield: a task is switched at one in so many places; 0: never
 * @enomem: one in so many allocations fails; 0: none
 * @notask: one in so many tasks cannot be created; 0: none
 * @failed: allocations that have failed
 * @starved: times that a task was left without a CPU
 * @locks: locks that are held
 * @memory: allocations that are not freed
 * @gp_begun: the last grace period that has begun
 * @gp_ended: the last one that has ended
 * @gp_asked: the last one that somebody has asked for
 */
struct sim {
	u64 rnd;
	u64 now;
	u64 ns;
	u64 part;
	u32 clock_res;
	u32 clock_ns;
	u32 lock_ns;
	u32 chain_ns;
	u32 est_ns;
	u32 slow;
	u32 slice;
	unsigned int nr_cpus;
	unsigned int cpu;
	unsigned int yield;
	unsigned int enomem;
	unsigned int notask;
	unsigned long failed;
	unsigned long starved;
	unsigned int locks;
	long memory;
	unsigned long gp_begun;
	unsigned long gp_ended;
	unsigned long gp_asked;
};

extern struct sim sim;

struct task_struct;

/* Less than @n */
static inline u32 sim_rnd(u32 n)
{
	sim.rnd ^= sim.rnd << 13;
	sim.rnd ^= sim.rnd >> 7;
	sim.rnd ^= sim.rnd << 17;
	return ((sim.rnd >> 32) * n) >> 32;
}

/* The test has failed: says so, and where the test is */
void sim_fail(const char *fmt, ...)
	__noreturn __printf(1, 2);

/* sim.c */
void sim_begin(u64 seed, unsigned int cpus);
void sim_end(void);
void sim_pass(u64 n);
void sim_spend(u64 ns);
void sim_follow(void);
void *sim_alloc(size_t n, size_t size, gfp_t gfp);
void sim_free(void *p);
void *sim_percpu_alloc(size_t size, gfp_t gfp);
void sim_percpu_free(void *p);
void *sim_percpu(const void *p, unsigned int cpu);
unsigned long sim_reader_enter(void);
void sim_reader_leave(unsigned long gp);
void sim_gp_begin(void);
void sim_gp_begin_asked(void);
bool sim_gp_end(void);

/* sim_task.c */
void sim_might_sleep(void);
void sim_preempt(void);
bool sim_sleeps(const struct task_struct *task);
bool sim_run(void);
void sim_run_all(void);
unsigned int sim_ntasks(void);
void sim_starve(unsigned int i, u64 ns);
void sim_starve_none(void);
void sim_tasks_begin(void);
void sim_tasks_end(void);

#endif /* _SIM_H */
