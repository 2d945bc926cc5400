// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the frequency of the time stamp counter in kHz. */

#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct reading {
	long long ns;
	unsigned long long ticks;
};

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Both at a time: the best of some, as others may run in between */
static struct reading read_both(void)
{
	struct reading r, best = { 0 };
	long long took, least = -1;
	int i;

	for (i = 0; i < 100; i++) {
		r.ns = now_ns();
		r.ticks = __rdtsc();
		took = now_ns() - r.ns;
		if (least < 0 || took < least) {
			least = took;
			best = r;
		}
	}
	return best;
}

int main(int argc, char **argv)
{
	struct timespec second = { .tv_sec = 1 };
	struct reading begin, end;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "usage: tsc_khz\n");
		return 2;
	}
	begin = read_both();
	nanosleep(&second, NULL);
	end = read_both();
	printf("%.0f\n", (end.ticks - begin.ticks) * 1e6 / (end.ns - begin.ns));
	return 0;
}
