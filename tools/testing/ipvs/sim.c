// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator in user space: CPUs, memory, locks and RCU of the machine */

#include <linux/cache.h>
#include <linux/cpuhotplug.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/ip_vs.h>

/* Pointers to what each CPU has are this far from the first CPU's, at no
 * address where there are 64 bits
 */
#define SIM_PERCPU_OFFSET	BIT(BITS_PER_LONG - 4)

/* A jiffy, ns */
#define SIM_JIFFY		(1000000000 / HZ)

struct sim sim;
struct cpumask sim_possible;
struct cpumask sim_online;
struct sim_cpuhp sim_cpuhp[SIM_CPUHP_STATES];
struct user_namespace init_user_ns;
struct net init_net = { .user_ns = &init_user_ns };

static struct rcu_head *sim_rcu_first;
static struct rcu_head **sim_rcu_last = &sim_rcu_first;
static unsigned int sim_readers;
/* Readers that the grace period waits for */
static unsigned int sim_gp_readers;

/* @n jiffies go by */
void sim_pass(u64 n)
{
	sim.now += n;
	sim.ns += n * SIM_JIFFY;
}

/* The task that runs has something to do for @ns */
void sim_spend(u64 ns)
{
	sim.ns += ns;
	if (!sim.slow)
		return;
	current->ran += ns;
	sim.part += ns;
	sim.now += sim.part / SIM_JIFFY;
	sim.part %= SIM_JIFFY;
}

void sim_might_sleep(void)
{
	if (sim.locks || current->rcu || current->bh)
		sim_fail("sleeping where it is not allowed");
}

/* A reader follows a pointer: the first one is that of a row, the next is in
 * one of its chains.
 */
void sim_follow(void)
{
	if (++current->followed == 2)
		sim_spend(sim.chain_ns);
	sim_spend(sim.est_ns);
	sim_preempt();
}

void *sim_alloc(size_t n, size_t size, gfp_t gfp)
{
	if (gfp & __GFP_DIRECT_RECLAIM)
		sim_might_sleep();
	if (sim.enomem && !sim_rnd(sim.enomem)) {
		sim.failed++;
		return NULL;
	}
	sim.memory++;
	if (gfp & __GFP_DIRECT_RECLAIM)
		sim_preempt();
	size = ALIGN(n * size, SIM_CACHE_LINE);
	return memset(aligned_alloc(SIM_CACHE_LINE, size), 0, size);
}

void sim_free(void *p)
{
	if (!p)
		return;
	sim.memory--;
	free(p);
}

/* Before what the CPUs have: how much it is for each */
#define SIM_PERCPU_HEAD		sizeof(u64)

static void *sim_percpu_away(const void *first)
{
	return (void *)((unsigned long)first + SIM_PERCPU_OFFSET);
}

static void *sim_percpu_back(const void *p)
{
	return (void *)((unsigned long)p - SIM_PERCPU_OFFSET);
}

void *sim_percpu_alloc(size_t size, gfp_t gfp)
{
	char *p;

	/* Its mutex is the machine's, and a task may be starved while it has it */
	if (gfp & __GFP_DIRECT_RECLAIM && current->fn)
		sim_fail("a task waits for per-CPU memory");
	p = sim_alloc(1, SIM_PERCPU_HEAD + sim.nr_cpus * size, gfp);

	if (!p)
		return NULL;
	*(u64 *)p = size;
	return sim_percpu_away(p + SIM_PERCPU_HEAD);
}

void sim_percpu_free(void *p)
{
	if (p)
		sim_free(sim_percpu_back(p) - SIM_PERCPU_HEAD);
}

void *sim_percpu(const void *p, unsigned int cpu)
{
	void *first = sim_percpu_back(p);
	u64 size = *(u64 *)(first - SIM_PERCPU_HEAD);

	if (cpu >= sim.nr_cpus)
		sim_fail("no CPU %u", cpu);
	/* Whoever reads many of these may be held up in between, which is
	 * nothing that the estimators take
	 */
	if (!sim_rnd(4000))
		sim.now += 2;
	return first + cpu * size;
}

void spin_lock(spinlock_t *lock)
{
	sim_preempt();
	/* No task is switched while a lock is held, so it is the same one */
	if (lock->held)
		sim_fail("deadlock: a task takes a lock that it holds");
	lock->held = true;
	sim.locks++;
}

void spin_unlock(spinlock_t *lock)
{
	u64 begin = sim.now;

	if (!lock->held)
		sim_fail("a lock is given back that is not held");
	if (lock->unlocked)
		lock->unlocked(lock);
	sim_spend(sim.lock_ns);
	lock->held = false;
	sim.locks--;
	sim_preempt();
	current->lost = sim.now - begin;
}

/* A reader that is no task, such as a packet; returns what it leaves with */
unsigned long sim_reader_enter(void)
{
	sim_readers++;
	return sim.gp_begun;
}

void sim_reader_leave(unsigned long gp)
{
	sim_readers--;
	if (sim.gp_begun != sim.gp_ended && gp != sim.gp_begun)
		sim_gp_readers--;
}

void rcu_read_lock(void)
{
	sim_preempt();
	if (current->rcu++)
		return;
	current->rcu_gp = sim_reader_enter();
	current->followed = 0;
}

void rcu_read_unlock(void)
{
	if (!current->rcu)
		sim_fail("end of a read side that has not begun");
	if (!--current->rcu)
		sim_reader_leave(current->rcu_gp);
	sim_preempt();
}

void sim_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head),
		  void *object)
{
	*head = (struct rcu_head){
		.func = func,
		.object = object,
		.gp = sim.gp_begun + 1,
	};
	*sim_rcu_last = head;
	sim_rcu_last = &head->next;
	sim.gp_asked = head->gp;
}

/* A grace period begins, unless one has begun and not ended */
void sim_gp_begin(void)
{
	if (sim.gp_begun != sim.gp_ended)
		return;
	sim.gp_begun++;
	sim_gp_readers = sim_readers;
}

/* As sim_gp_begin() on a machine where nobody else wants any */
void sim_gp_begin_asked(void)
{
	if ((long)(sim.gp_asked - sim.gp_begun) > 0)
		sim_gp_begin();
}

/* It ends if all readers that it found have left */
bool sim_gp_end(void)
{
	struct rcu_head *head;

	if (sim.gp_begun == sim.gp_ended || sim_gp_readers)
		return false;
	sim.gp_ended = sim.gp_begun;
	while (sim_rcu_first &&
	       (long)(sim.gp_ended - sim_rcu_first->gp) >= 0) {
		head = sim_rcu_first;
		sim_rcu_first = head->next;
		if (!sim_rcu_first)
			sim_rcu_last = &sim_rcu_first;
		if (head->func)
			head->func(head);
		else
			kfree(head->object);
	}
	return true;
}

/* The first grace period that has not begun yet */
unsigned long get_state_synchronize_rcu(void)
{
	return sim.gp_begun + 1;
}

unsigned long start_poll_synchronize_rcu(void)
{
	sim.gp_asked = get_state_synchronize_rcu();
	return sim.gp_asked;
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	return (long)(sim.gp_ended - cookie) >= 0;
}

/* A CPU has come or gone */
void sim_cpu_event(unsigned int cpu, bool up)
{
	struct sim_cpuhp *s;

	for (s = sim_cpuhp; s < sim_cpuhp + SIM_CPUHP_STATES; s++) {
		if (up && s->up)
			s->up(cpu, s->node);
		if (!up && s->down)
			s->down(cpu, s->node);
	}
}

/* A machine that has just started */
void sim_begin(u64 seed, unsigned int cpus)
{
	sim = (struct sim){
		.rnd = seed ? : 1,
		/* Five minutes before it wraps, as the kernel's; RCU wraps
		 * sooner
		 */
		.now = -300 * HZ,
		.clock_res = 1,
		.lock_ns = 1000,
		.nr_cpus = cpus,
		.gp_begun = -10,
		.gp_ended = -10,
		.gp_asked = -10,
	};
	bitmap_zero(sim_possible.bits, SIM_CPUS);
	while (cpus--)
		__set_bit(cpus, sim_possible.bits);
	sim_online = sim_possible;
	sim_tasks_begin();
}

/* Nothing may be left of what ran on it */
void sim_end(void)
{
	sim_tasks_end();
	while (sim_rcu_first) {
		sim_gp_begin();
		if (!sim_gp_end())
			sim_fail("%u readers never leave", sim_gp_readers);
	}
	if (sim.memory)
		sim_fail("%ld allocations are not freed", sim.memory);
}
