// SPDX-License-Identifier: GPL-2.0-or-later
/* One implementation, with a number of CPUs and estimators: does what is asked
 * on stdin, a line each, and answers with a line.
 *
 *	worker CPUS ESTS USED ordered|aged
 *
 * At first all estimators have counted on all CPUs, and their averages have become
 * 0.  Aged: chains are in another order than memory.
 *
 *	warm STEP	each STEP'th counts on all CPUs (0: none), then on USED
 *			alone for as long as it takes to know that
 *	traffic STEP	count on USED of the CPUs, each STEP'th estimator
 *	pass		one pass, with cold caches, 2 s after the last one
 *	dump		read all of them once, with cold caches
 *	check		are counters and rates right?
 *
 * The answer is the time in ns, or "ok", or "error" with a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "user.h"

#define CACHE_MIN	(64UL << 20)
/* Twice what a processor shares with its neighbours where that is much; a virtual
 * machine may tell what the whole package has, 508 MiB say, and to go through
 * twice that before each pass would take longer than all the rest.
 */
#define CACHE_MAX	(192UL << 20)
/* Passes before those that count: after the last traffic another two, so that a
 * grace period has ended, and one for whatever else
 */
#define WARM_UP		3
/* The averages' scale is 2^10, 2 s are two: these are the shifts */
#define SCALE		10
#define SCALE_RATE	(SCALE - 1)
#define WEIGHT		2

/* What some of the estimators should read */
static struct expect {
	unsigned int nr;
	unsigned long long since, total;
	long long avg;
} expect[4];

static unsigned int cpus, ests, used;

static void expect_init(void)
{
	expect[0].nr = 0;
	expect[1].nr = 1 % ests;
	expect[2].nr = ests / 2;
	expect[3].nr = ests - 1;
}

static void expect_pass(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expect); i++) {
		struct expect *e = &expect[i];

		e->avg += (((long long)e->since << SCALE_RATE) - e->avg) >>
			  WEIGHT;
		e->total += e->since;
		e->since = 0;
	}
}

static void traffic(unsigned int step, unsigned int on)
{
	unsigned int cpu, i;

	if (!step)
		return;
	for (cpu = 0; cpu < on; cpu++) {
		bench_cpu(cpu);
		bench_count(step);
	}
	bench_cpu(0);
	for (i = 0; i < ARRAY_SIZE(expect); i++)
		if (expect[i].nr % step == 0)
			expect[i].since += on;
}

/* Not static: it matters that it is written */
char *flush_buf;

/* Whoever has run since the last pass has left nothing of it in the caches */
static void flush_caches(void)
{
	static size_t size;
	size_t i;

	if (!flush_buf) {
		long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);

		size = l3 > 0 ? 2 * l3 : 0;
		if (size < CACHE_MIN)
			size = CACHE_MIN;
		if (size > CACHE_MAX)
			size = CACHE_MAX;
		flush_buf = malloc(size);
		if (!flush_buf)
			exit(1);
	}
	for (i = 0; i < size; i += 64)
		flush_buf[i]++;
}

/* Time of this program: others may have had the processor meanwhile */
static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static unsigned long long pass(void)
{
	unsigned long long begin;

	bench_tick();
	begin = now();
	bench_pass();
	begin = now() - begin;
	expect_pass();
	return begin;
}

static void warm(unsigned int step)
{
	unsigned int n = WARM_UP;

	if (step) {
		traffic(step, cpus);
		pass();
		bench_spread();
	}
	if (used < cpus)
		n += bench_settle();
	while (n--) {
		traffic(step, used);
		pass();
	}
}

static unsigned long long dump(void)
{
	unsigned long long begin = now();

	bench_dump();
	return now() - begin;
}

static void check(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expect); i++) {
		unsigned long long packets, rate, want;
		struct expect *e = &expect[i];

		bench_read(e->nr, &packets, &rate);
		want = ((unsigned long long)e->avg + (1 << (SCALE - 1)) - 1) >>
		       SCALE;
		if (packets != e->total || rate != want) {
			printf("error estimator %u: %llu packets, %llu/s instead of %llu, %llu/s\n",
			       e->nr, packets, rate, e->total, want);
			return;
		}
	}
	printf("ok\n");
}

/* All have counted long ago */
static void history(void)
{
	unsigned int i;

	traffic(1, cpus);
	pass();
	bench_forget();
	for (i = 0; i < ARRAY_SIZE(expect); i++)
		expect[i].avg = 0;
	for (i = 0; i < 4; i++)
		pass();
}

int main(int argc, char **argv)
{
	char line[80];

	if (argc != 5) {
		fprintf(stderr, "usage: worker CPUS ESTS USED ordered|aged\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	cpus = atoi(argv[1]);
	ests = atoi(argv[2]);
	used = atoi(argv[3]);
	if (!ests || used > cpus ||
	    bench_setup(cpus, ests, !strcmp(argv[4], "aged"))) {
		printf("error cannot set up\n");
		return 1;
	}
	expect_init();
	history();
	check();

	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "traffic ", 8)) {
			traffic(atoi(line + 8), used);
			printf("ok\n");
		} else if (!strncmp(line, "warm ", 5)) {
			warm(atoi(line + 5));
			printf("ok\n");
		} else if (!strcmp(line, "pass\n")) {
			flush_caches();
			printf("%llu\n", pass());
		} else if (!strcmp(line, "dump\n")) {
			flush_caches();
			printf("%llu\n", dump());
		} else if (!strcmp(line, "check\n")) {
			check();
		} else {
			printf("error what?\n");
		}
	}
	return 0;
}
