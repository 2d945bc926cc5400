// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the frequency of the time stamp counter in kHz.
 *
 * An emulated guest has the host's counter, but has to find out its frequency
 * by emulated timers, and on a busy host is wrong by any factor.
 */

#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	struct timespec second = { .tv_sec = 1 };
	long long begin, time;
	unsigned long long ticks;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "usage: tsc_khz\n");
		return 2;
	}
	begin = now_ns();
	ticks = __rdtsc();
	nanosleep(&second, NULL);
	ticks = __rdtsc() - ticks;
	time = now_ns() - begin;
	printf("%.0f\n", ticks * 1e6 / time);
	return 0;
}
