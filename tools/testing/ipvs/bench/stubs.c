// SPDX-License-Identifier: GPL-2.0-or-later
/* The rest of the kernel, as far as it is asked for
 *
 * Per-CPU memory is laid out as the kernel's: units of 256 KiB, those of all
 * CPUs side by side, filled by one chunk after the other, in pages of 4 KiB
 * that are populated for all CPUs before the next.  %gs holds the distance of
 * a CPU's unit from that of CPU 0, as it does in the kernel, so that
 * instructions with %gs mean what they mean there.  Other objects are in huge
 * pages, as the kernel's direct mapping is, side by side in the sizes that
 * kmalloc() has.
 *
 * The kernel's objects keep the stack aligned to 8 bytes only.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "user.h"

#define CPUS_MAX	512
#define UNIT		(256UL << 10)
#define PAGE		4096UL
#define HUGE		(2UL << 20)
#define ENTRY		__attribute__((force_align_arg_pointer))

/* The kernel's symbols */
unsigned long jiffies = 1UL << 20;
unsigned int nr_cpu_ids;
unsigned long __cpu_possible_mask[CPUS_MAX / 64];
unsigned long __per_cpu_offset[CPUS_MAX];

static void *map(size_t size, void *at)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0),
		       -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

ENTRY void bench_cpu(unsigned int cpu)
{
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, __per_cpu_offset[cpu])) {
		perror("arch_prctl");
		exit(1);
	}
}

ENTRY void bench_cpus(unsigned int cpus)
{
	size_t size = __stop_bench_percpu - __start_bench_percpu;
	uintptr_t unit = (uintptr_t)__start_bench_percpu & ~(PAGE - 1);
	unsigned int cpu;

	if (cpus > CPUS_MAX) {
		fprintf(stderr, "at most %u CPUs\n", CPUS_MAX);
		exit(1);
	}
	nr_cpu_ids = cpus;
	for (cpu = 0; cpu < cpus; cpu++) {
		unsigned long off = cpu * UNIT;

		__per_cpu_offset[cpu] = off;
		__cpu_possible_mask[cpu / 64] |= 1UL << cpu % 64;
		if (cpu) {
			map(UNIT, (void *)(unit + off));
			memcpy(__start_bench_percpu + off, __start_bench_percpu,
			       size);
		}
		*(unsigned long *)((char *)&this_cpu_off + off) = off;
	}
	bench_cpu(0);
}

static void *percpu_chunk(void)
{
	size_t size = nr_cpu_ids * UNIT, page;
	char *chunk = map(size, NULL);
	unsigned int cpu;

	madvise(chunk, size, MADV_NOHUGEPAGE);
	for (page = 0; page < UNIT; page += PAGE)
		for (cpu = 0; cpu < nr_cpu_ids; cpu++)
			chunk[cpu * UNIT + page] = 0;
	return chunk;
}

static void *percpu(size_t size, size_t align)
{
	static size_t next = UNIT;
	static char *chunk;
	void *p;

	next = (next + align - 1) & -align;
	if (next + size > UNIT) {
		chunk = percpu_chunk();
		next = 0;
	}
	p = chunk + next;
	next += size;
	return p;
}

ENTRY void *__alloc_percpu_gfp(size_t size, size_t align, unsigned int gfp)
{
	return percpu(size, align);
}

ENTRY void *__alloc_percpu(size_t size, size_t align)
{
	return percpu(size, align);
}

ENTRY void *pcpu_alloc_noprof(size_t size, size_t align, bool reserved,
			      unsigned int gfp)
{
	return percpu(size, align);
}

/* Huge blocks, one object after the other */
static void *carve(size_t size, size_t align)
{
	static char *block;
	static size_t left;
	size_t skip = -(uintptr_t)block & (align - 1);
	void *p;

	if (left < size + skip) {
		left = (size + HUGE - 1) & -HUGE;
		block = map(left + HUGE, NULL);
		block += -(uintptr_t)block & (HUGE - 1);
		madvise(block, left, MADV_HUGEPAGE);
		memset(block, 0, left);
		skip = 0;
	}
	p = block + skip;
	block += skip + size;
	left -= skip + size;
	return p;
}

/* Zeroed.  Objects of different sizes are not in the same slab: of these there
 * are many of one size only.
 */
ENTRY void *bench_alloc(unsigned long size)
{
	unsigned long class = 8;

	while (class < size)
		class *= 2;
	if (class > 2 * PAGE)
		return carve((size + PAGE - 1) & -PAGE, PAGE);
	if (size <= class / 4 * 3 && (class == 128 || class == 256))
		return carve(class / 4 * 3, 64);
	/* kmalloc() aligns powers of two to their size: which pairs of lines an
	 * object has, that processors fetch together, depends on it
	 */
	return carve(class, class > 64 ? class : 64);
}

/* What slab caches are called by, if at all */
char kmalloc_caches[64 << 10];
unsigned long random_kmalloc_seed;

/* Of the slabs of newer kernels, and of older ones */
ENTRY void *__kmalloc_cache_noprof(void *cache, unsigned int gfp, size_t size)
{
	return bench_alloc(size);
}

ENTRY void *kmalloc_trace(void *cache, unsigned int gfp, size_t size)
{
	return bench_alloc(size);
}

/* smp_mb() of the kernel */
static inline void barrier(void)
{
	__asm__ volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc");
}

/* A grace period ends with each pass: jiffies move from one to the next.  The
 * kernel's functions have these barriers, which are what they cost.
 */
unsigned long get_state_synchronize_rcu(void)
{
	unsigned long state;

	barrier();
	state = jiffies;
	barrier();
	return state;
}

unsigned long start_poll_synchronize_rcu(void)
{
	return get_state_synchronize_rcu();
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	unsigned long state = jiffies;

	if (state == cookie)
		return false;
	barrier();
	return true;
}

/* The kernel puts the instruction where it is called, which expects that nothing but
 * the result changes.
 */
__asm__(".globl __sw_hweight64\n"
	"__sw_hweight64:\n"
	"	popcnt %rdi, %rax\n"
	"	ret\n");

/* Not constant, for all that the compiler knows */
bool bench_stop;

bool kthread_should_stop(void)
{
	return bench_stop;
}

int mod_timer(void *timer, unsigned long expires)
{
	return 1;
}

void __rcu_read_lock(void)
{
}

void __rcu_read_unlock(void)
{
}
