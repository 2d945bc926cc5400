// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator in user space: tasks, which are coroutines
 *
 * The test is a task too, the one that all others are switched from and back
 * to.  When the test itself calls what can be preempted, some other task runs
 * for a while.
 *
 * All work is done one after the other, so tasks share a CPU, as it were.
 */

#include <dlfcn.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#define SIM_STACK	(128 << 10)
#define SIM_TASKS	64
/* Switches after which tasks should have nothing to do any more, and how many
 * they get where work takes so much time that they always have
 */
#define SIM_BUSY	10000000
#define SIM_BUSY_SLOW	200
/* A task that has not slept for so long may sleep a jiffy for no other reason,
 * jiffies: as long as a period
 */
#define SIM_NO_HOLDOUT	(50 * (HZ / 25))

/**
 * struct sim_stack - what a task runs on
 * @uc: its registers
 * @fake: for the sanitizer
 * @bottom: the lowest address
 * @size: how large it is
 * @next: the next one that is not in use
 */
struct sim_stack {
	ucontext_t uc;
	void *fake;
	const void *bottom;
	size_t size;
	struct sim_stack *next;
};

static struct sim_stack sim_main_stack;
static struct sim_stack *sim_stacks;

struct task_struct sim_main = { .stack = &sim_main_stack };
struct task_struct *sim_current = &sim_main;

static struct task_struct *sim_task[SIM_TASKS];
static unsigned int sim_tasks;

static struct task_struct *sim_worker;
static struct delayed_work *sim_work;
static bool sim_working;

/* The C library's own: the sanitizer has one in front of it, which does not
 * know that it is told about each switch, and warns.
 */
static int (*sim_swapcontext)(ucontext_t *from, const ucontext_t *to);

static void sim_switch(struct task_struct *to)
{
	struct sim_stack *from = current->stack;

	__sanitizer_start_switch_fiber(current->dead ? NULL : &from->fake,
				       to->stack->bottom, to->stack->size);
	current = to;
	sim_swapcontext(&from->uc, &to->stack->uc);
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
}

static void sim_entry(void)
{
	__sanitizer_finish_switch_fiber(NULL, &sim_main_stack.bottom,
					&sim_main_stack.size);
	current->slept = sim.now;
	current->fn(current->data);
	current->dead = true;
	if (current->waiter)
		wake_up_process(current->waiter);
	sim_switch(&sim_main);
}

static struct sim_stack *sim_stack_get(void)
{
	struct sim_stack *s = sim_stacks;

	if (s) {
		sim_stacks = s->next;
		return s;
	}
	s = mmap(NULL, SIM_STACK, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		sim_fail("no memory for a stack");
	/* This is at the low end, and the stack begins at the high one */
	s->bottom = s + 1;
	s->size = SIM_STACK - sizeof(*s);
	return s;
}

static void sim_stack_init(struct sim_stack *s)
{
	/* Who ran here before may not have returned */
	__asan_unpoison_memory_region(s->bottom, s->size);
	getcontext(&s->uc);
	s->uc.uc_stack.ss_sp = (void *)s->bottom;
	s->uc.uc_stack.ss_size = s->size;
	s->fake = NULL;
	makecontext(&s->uc, sim_entry, 0);
}

static struct task_struct *sim_create(int (*fn)(void *data), void *data)
{
	struct task_struct *task = calloc(1, sizeof(*task));

	task->fn = fn;
	task->data = data;
	task->refs = 1;
	task->cpus_mask = sim_possible;
	task->real_parent = &sim_main;
	task->stack = sim_stack_get();
	sim_stack_init(task->stack);
	sim_task[sim_tasks++] = task;
	return task;
}

void put_task_struct(struct task_struct *task)
{
	if (!--task->refs)
		free(task);
}

static void sim_release(struct task_struct *task)
{
	unsigned int i;

	for (i = 0; sim_task[i] != task; i++)
		;
	sim_task[i] = sim_task[--sim_tasks];
	task->stack->next = sim_stacks;
	sim_stacks = task->stack;
	put_task_struct(task);
}

/* Asleep, and nobody and no timer has woken it yet */
bool sim_sleeps(const struct task_struct *task)
{
	return task->asleep && task->state != TASK_RUNNING &&
	       !(task->timed && time_after_eq(jiffies, task->wake_at));
}

static bool sim_runnable(const struct task_struct *task)
{
	if (!task->woken || task->dead || sim.ns < task->off)
		return false;
	if (task == sim_worker && !sim_working)
		return sim_work && sim_work->pending &&
		       time_after_eq(jiffies, sim_work->at);
	return !sim_sleeps(task);
}

/* Let some task run until it is switched; false: all are asleep */
bool sim_run(void)
{
	unsigned int i, first;

	if (!sim_tasks)
		return false;
	first = sim_rnd(sim_tasks);
	for (i = 0; i < sim_tasks; i++) {
		struct task_struct *task = sim_task[(first + i) % sim_tasks];

		if (!sim_runnable(task))
			continue;
		sim_switch(task);
		if (sim.locks)
			sim_fail("a task was switched with a lock held");
		return true;
	}
	return false;
}

/* Let all tasks run until they sleep */
void sim_run_all(void)
{
	unsigned int n;

	for (n = 0; sim_run(); n++) {
		if (sim.slow && n > SIM_BUSY_SLOW)
			break;
		if (n > SIM_BUSY)
			sim_fail("the tasks never sleep");
	}
}

static void sim_yield(void)
{
	if (current == &sim_main)
		sim_run();
	else
		sim_switch(&sim_main);
}

/* Give up the CPU until something may have happened to @task */
static void sim_wait(struct task_struct *task)
{
	if (current == &sim_main) {
		/* All are asleep: nothing happens before time goes by */
		if (!sim_run())
			sim_pass(1);
		return;
	}
	task->waiter = current;
	set_current_state(TASK_IDLE);
	schedule_timeout(MAX_SCHEDULE_TIMEOUT);
	task->waiter = NULL;
}

/* Kthreads that there are */
unsigned int sim_ntasks(void)
{
	return sim_tasks - 1;
}

/* The @i'th task that there is gets no CPU for @ns */
void sim_starve(unsigned int i, u64 ns)
{
	if (!sim_tasks)
		return;
	sim_task[i % sim_tasks]->off = sim.ns + ns;
	sim.starved++;
}

/* All get what they need */
void sim_starve_none(void)
{
	unsigned int i;

	sim.slow = 0;
	for (i = 0; i < sim_tasks; i++)
		sim_task[i]->off = 0;
}

/* The task that runs has had its share, and the others' time comes */
static bool sim_share_is_over(void)
{
	if (current == &sim_main || !sim.slow || current->ran < sim.slice)
		return false;
	current->off = sim.ns + current->ran * (sim.slow - 1);
	current->ran = 0;
	sim.starved += sim.slow > 1;
	return true;
}

/* A place where a task can be preempted */
void sim_preempt(void)
{
	u64 begin = sim.now;

	current->lost = 0;
	if (sim.locks || current->bh)
		return;
	if (!sim_share_is_over() && (!sim.yield || sim_rnd(sim.yield)))
		return;
	current->nivcsw++;
	sim_yield();
	current->lost = sim.now - begin;
}

void cond_resched(void)
{
	sim_might_sleep();
	sim_preempt();
}

int wake_up_process(struct task_struct *task)
{
	int ret = task->state != TASK_RUNNING || !task->woken;

	task->woken = true;
	task->state = TASK_RUNNING;
	return ret;
}

long schedule_timeout(long timeout)
{
	sim_might_sleep();
	if (timeout < 0)
		sim_fail("a timeout of %ld", timeout);
	current->nvcsw++;
	current->timed = timeout != MAX_SCHEDULE_TIMEOUT;
	current->wake_at = jiffies + timeout;
	current->briefly = timeout == 1 &&
			   sim.now - current->slept > SIM_NO_HOLDOUT;
	current->meant = current->wake_at - current->lost;
	current->asleep = true;
	sim_yield();
	if (!current->pausing) {
		current->slept = sim.now;
		current->walks = 0;
	}
	current->ran = 0;
	current->asleep = false;
	current->state = TASK_RUNNING;
	return 0;
}

void schedule_timeout_idle(long timeout)
{
	set_current_state(TASK_IDLE);
	current->pausing = true;
	schedule_timeout(timeout);
	current->pausing = false;
}

struct task_struct *sim_kthread_create(int (*fn)(void *data), void *data)
{
	sim_might_sleep();
	if (sim_tasks == SIM_TASKS || (sim.notask && !sim_rnd(sim.notask)))
		return ERR_PTR(-EAGAIN);
	sim_preempt();
	return sim_create(fn, data);
}

int kthread_stop(struct task_struct *task)
{
	sim_might_sleep();
	/* One that was never woken does not even begin */
	task->dead = !task->woken;
	task->stop = true;
	wake_up_process(task);
	while (!task->dead)
		sim_wait(task);
	sim_release(task);
	return 0;
}

static int sim_worker_fn(void *data)
{
	for (;;) {
		/* Looked at in sim_runnable() */
		sim_work->pending = false;
		sim_working = true;
		sim_work->work.func(&sim_work->work);
		sim_working = false;
		sim_switch(&sim_main);
	}
	return 0;
}

void sim_queue_work(struct delayed_work *work, unsigned long delay, bool mod)
{
	if (sim_work && sim_work != work)
		sim_fail("the worker knows one work only");
	if (work->pending && !mod)
		return;
	sim_work = work;
	work->pending = true;
	work->at = jiffies + delay;
}

void cancel_delayed_work_sync(struct delayed_work *work)
{
	sim_might_sleep();
	work->pending = false;
	while (sim_working)
		sim_wait(sim_worker);
	if (work->pending)
		sim_fail("work that was cancelled has come back");
	sim_work = NULL;
}

void sim_tasks_begin(void)
{
	if (!sim_swapcontext)
		sim_swapcontext = dlsym(dlopen("libc.so.6", RTLD_LAZY),
					"swapcontext");
	sim_main.cpus_mask = sim_possible;
	sim_worker = sim_create(sim_worker_fn, NULL);
	sim_worker->woken = true;
}

void sim_tasks_end(void)
{
	if (sim_tasks != 1)
		sim_fail("%u tasks are left", sim_tasks - 1);
	sim_release(sim_worker);
	sim_worker = NULL;
}
