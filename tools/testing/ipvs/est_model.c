// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator in user space: random steps, compared with the model
 *
 * A run is divided into lives of a namespace, each on a machine of its own
 * size and with a number of services of its own.
 */

#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "model.h"

/* Steps of a life */
#define LIFE		100000
/* Steps after which trouble ends, for a while */
#define SETTLE		25000

static unsigned long seed = 1, nops = 1000000, done;
static u64 state;

static void where(void)
{
	fprintf(stderr, "est_model: seed %lu, step %lu (again with: -s %lu -n %lu)\n",
		seed, done, seed, done + 1);
}

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("est_model: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

static void crashed(int sig)
{
	static const char text[] = "est_model: crashed\n";

	if (sig != SIGABRT)
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	where();
	_exit(1);
}

/* Choices of the test, apart from the machine's chance */
static u32 choose(u32 n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((state >> 32) * n) >> 32;
}

/* A life, of @n steps at most; returns how many it had */
static unsigned long live(unsigned long n)
{
	unsigned int cpus = choose(8) ? 1 + choose(8) : 1 + choose(512);
	unsigned int objs = 2 + choose(1U << (1 + choose(14)));
	unsigned int check, i;

	model_begin(((u64)choose(U32_MAX) << 32) + choose(U32_MAX), cpus, objs,
		    choose(4), choose);
	check = max(model.objs_max / 4, 64U);
	for (i = 0; i < min(n, (unsigned long)LIFE); i++, done++) {
		model_op();
		if (i % check == check - 1)
			model_check_all();
		if (i % SETTLE == SETTLE - 1)
			model_settle();
	}
	if (choose(2))
		model_settle();
	model_end();
	return i;
}

int main(int argc, char **argv)
{
	unsigned long left;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:")) != -1) {
		switch (opt) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			nops = strtoul(optarg, NULL, 0);
			break;
		default:
			fprintf(stderr, "usage: %s [-s SEED] [-n STEPS]\n",
				argv[0]);
			return 2;
		}
	}
	printf("est_model: HZ %d, seed %lu, %lu steps\n", HZ, seed, nops);
	fflush(stdout);
	signal(SIGABRT, crashed);
	signal(SIGSEGV, crashed);
	__sanitizer_set_death_callback(where);
	state = seed;
	for (left = nops; left; )
		left -= live(left);
	printf("est_model: HZ %d, seed %lu: up to %u estimators, %u contexts, chains of %u\n",
	       HZ, seed, model_seen.objs, model_seen.contexts,
	       model_seen.chain);
	printf("est_model: %lu samples, %lu bases, %lu placed, %lu times full, %lu repacks, %lu corrections\n",
	       model_seen.samples, model_seen.rebased, model_seen.linked,
	       model_seen.full, model_seen.repacks, model_seen.corrections);
	printf("est_model: ok\n");
	return 0;
}
