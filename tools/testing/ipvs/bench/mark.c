// SPDX-License-Identifier: GPL-2.0-or-later
/* What packets pay for the estimator's marks, on two processors at once
 *
 *	mark CPUS
 *
 * One thread counts packets, another one does to the same objects, each 2 us, what a
 * pass or a reader does: far more often than in any kernel, so that it can be seen.
 * CPUS is the number of possible CPUs; the threads are two of them.
 *
 * Prints lines, separated by tabs:
 *	mark WHAT CPUS ROUND PS		time of a packet, in picoseconds
 *	extra WHAT CPUS ROUND NS	what all packets together pay for each pass, all
 *					that is done to three objects, beyond elsewhere
 *	marking WHAT CPUS ROUND NS	the same, beyond counters
 *	atomics . CPUS 0 N		of packets, for an object that stays active, for
 *					each CPU and period, in millionths
 *
 * WHAT is
 *	alone		there is no other thread
 *	elsewhere	it works on other objects
 *	counters	passes over objects that have the counters of these, which every
 *			estimator must read, but are others
 *	now		passes as they are
 *	previous	passes when each of them cleared the marks
 *	read		counters are read for users
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "user.h"

#define PACE		2000	/* ns from pass to pass */
#define SLICE		2000	/* packets */
#define SLICES		250	/* in a turn: all kinds take turns, since a machine that is
				 * itself virtual is now so and now otherwise
				 */
#define TURNS		64	/* in a round */
#define ROUNDS		9
#define PERIODS		64	/* twice the time between two looks at the marks */

enum { ALONE, ELSEWHERE, COUNTERS };

static const struct {
	const char	*name;
	void		(*work)(void);
} kinds[] = {
	[ALONE] = { "alone", NULL },
	[ELSEWHERE] = { "elsewhere", bench_mark_elsewhere },
	[COUNTERS] = { "counters", bench_mark_counters },
	{ "now", bench_mark_now },
	{ "previous", bench_mark_previous },
	{ "read", bench_mark_read },
};

/* Of one thread and of the other, by __atomic_ functions where it matters */
static unsigned int kind, stop;
static struct {
	char			before[128];
	unsigned long		n;
	char			after[128];
} passes;
static unsigned long long counted;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Whoever of the two is not on a processor of its own shows nothing */
static void pin(int nth)
{
	static cpu_set_t all;
	cpu_set_t one;
	int cpu;

	/* Before anybody is pinned */
	if (!CPU_COUNT(&all))
		sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !nth--)
			break;
	if (cpu == CPU_SETSIZE) {
		fprintf(stderr, "mark: two processors are needed\n");
		exit(3);
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void *passer(void *arg)
{
	double next = now();
	unsigned int k;

	pin(1);
	bench_cpu(1);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		while (now() < next)
			__builtin_ia32_pause();
		next += PACE;
		if (next < now())
			next = now() + PACE;
		k = __atomic_load_n(&kind, __ATOMIC_RELAXED);
		if (!kinds[k].work)
			continue;
		bench_tick();
		kinds[k].work();
		__atomic_fetch_add(&passes.n, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double slice[ARRAY_SIZE(kinds)][SLICES * TURNS];
static int nslice[ARRAY_SIZE(kinds)];

/* Slices in which the other thread has worked as often as it should, or nearly */
static void turn(unsigned int k)
{
	double begin, ns, due;
	unsigned long done;
	int i, j;

	__atomic_store_n(&kind, k, __ATOMIC_RELAXED);
	for (i = 0; i < SLICES; i++) {
		done = __atomic_load_n(&passes.n, __ATOMIC_RELAXED);
		begin = now();
		for (j = 0; j < SLICE; j++)
			bench_packet_in();
		ns = now() - begin;
		done = __atomic_load_n(&passes.n, __ATOMIC_RELAXED) - done;
		counted += SLICE;
		due = ns / PACE;
		/* The first ones are of whoever was before */
		if (i > 2 && (!kinds[k].work ||
			      (done > due * 0.6 && done < due * 1.4)))
			slice[k][nslice[k]++] = ns;
	}
}

/* Time of a packet, ns, the median; 0 if there were too few */
static double result(unsigned int k)
{
	int n = nslice[k];

	if (n < SLICES * TURNS / 50)
		return 0;
	qsort(slice[k], n, sizeof(slice[k][0]), by_value);
	return slice[k][n / 2] / SLICE;
}

static void print_round(unsigned int cpus, int round)
{
	double ns[ARRAY_SIZE(kinds)], packets;
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		ns[k] = result(k);
		if (!ns[k])
			continue;
		printf("mark\t%s\t%u\t%d\t%.0f\n", kinds[k].name, cpus, round,
		       ns[k] * 1000);
		packets = PACE / ns[k];
		if (k > ELSEWHERE && ns[ELSEWHERE])
			printf("extra\t%s\t%u\t%d\t%.1f\n", kinds[k].name,
			       cpus, round, (ns[k] - ns[ELSEWHERE]) * packets);
		if (k > COUNTERS && ns[COUNTERS])
			printf("marking\t%s\t%u\t%d\t%.1f\n", kinds[k].name,
			       cpus, round, (ns[k] - ns[COUNTERS]) * packets);
	}
}

static void print_atomics(unsigned int cpus)
{
	unsigned long n;

	bench_atomics(cpus, 2 * PERIODS);
	n = bench_atomics(cpus, PERIODS);
	printf("atomics\t.\t%u\t0\t%.0f\n", cpus,
	       n * 1e6 / PERIODS / cpus / 3);
}

int main(int argc, char **argv)
{
	unsigned int cpus = argc == 2 ? atoi(argv[1]) : 0, k;
	unsigned long long before;
	pthread_t thread;
	int round, i;

	if (cpus < 2) {
		fprintf(stderr, "usage: mark CPUS\n");
		return 2;
	}
	bench_packet_setup(cpus);
	if (bench_mark_setup())
		return 1;
	print_atomics(cpus);
	before = bench_mark_packets();

	pin(0);
	if (pthread_create(&thread, NULL, passer, NULL))
		return 1;
	for (round = 0; round < ROUNDS; round++) {
		memset(nslice, 0, sizeof(nslice));
		for (i = 0; i < TURNS; i++)
			for (k = 0; k < ARRAY_SIZE(kinds); k++)
				turn(k);
		print_round(cpus, round);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* One more, so that nothing of what was interrupted is left */
	bench_packet_in();
	if (bench_mark_packets() != before + 3 * (counted + 1)) {
		fprintf(stderr, "mark: read %llu instead of %llu\n",
			bench_mark_packets() - before, 3 * (counted + 1));
		return 1;
	}
	return 0;
}
