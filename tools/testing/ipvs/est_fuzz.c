// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator in user space: steps that a fuzzer chooses
 *
 * The input is the sequence of choices; where it ends all of them are 0, and
 * the life of the namespace ends with them.
 */

#include <stdarg.h>

#include "model.h"

/* Steps of a life, at most */
#define STEPS		4096

static const u8 *input;
static size_t left;

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "est_fuzz: step %lu: ", model.step);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

static u32 choose(u32 n)
{
	u32 value = 0, range;

	for (range = 1; range < n && left; range <<= 8) {
		value = value << 8 | *input++;
		left--;
	}
	return n ? value % n : 0;
}

int est_fuzz(const u8 *data, size_t size)
{
	unsigned int i, cpus, objs;

	input = data;
	left = size;
	cpus = 1 + choose(choose(8) ? 8 : SIM_CPUS);
	/* Enough that a context of chains of 1 is full */
	objs = 2 + choose(1U << (1 + choose(12)));
	model_begin(1 + choose(65536), cpus, objs, choose(4), choose);
	for (i = 0; left && i < STEPS; i++) {
		model_op();
		if (i % 64 == 63)
			model_check_all();
	}
	model_check_all();
	if (size % 4 == 0)
		model_settle();
	if (size % 8 == 0)
		model_months();
	model_end();
	return 0;
}
