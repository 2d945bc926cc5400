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

/* Steps of a life, at most */
#define LIFE		100000UL
/* Steps after which trouble ends, for a while */
#define SETTLE		20000
/* Steps after which nothing happens for a long time */
#define MONTHS		30000

static unsigned long seed = 1, nops = 1000000, done;
static u64 state;

static void where(void)
{
	fprintf(stderr, "est_model: seed %lu, step %lu (again with: -s %lu -n %lu)\n",
		seed, done, seed, nops);
}

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("est_model: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	where();
	abort();
}

/* Choices of the test, apart from the machine's chance */
static u32 choose(u32 n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((state >> 32) * n) >> 32;
}

/* Few, any number, or one at which a bit begins to stand for more of them */
static unsigned int choose_cpus(void)
{
	static const unsigned int edges[] = { 32, 33, 64, 65, 128, 129, 256,
						SIM_CPUS };

	switch (choose(16)) {
	case 0:
		return 1 + choose(SIM_CPUS);
	case 1 ... 3:
		return edges[choose(ARRAY_SIZE(edges))];
	default:
		return 1 + choose(8);
	}
}

static void begin(void)
{
	u64 chance = ((u64)choose(U32_MAX) << 32) + choose(U32_MAX);
	unsigned int cpus = choose_cpus();
	bool root = choose(4);
	unsigned int objs;

	/* A context may hold 2400 and is full then, or many times that */
	if (choose(2))
		objs = 2 + choose(1U << (1 + choose(12)));
	else
		objs = 2000 + choose(MODEL_OBJS - 2000);
	model_begin(chance, cpus, objs, root, choose);
}

/* A life, of @n steps at most; returns how many it had */
static unsigned long live(unsigned long n)
{
	unsigned int check, i;

	begin();
	check = max(model.objs_max / 4, 64U);
	n = min(n, LIFE);
	for (i = 0; i < n; i++, done++) {
		model_op();
		if (i % check == check - 1)
			model_check_all();
		if (i % SETTLE == SETTLE - 1)
			model_settle();
		if (i % MONTHS == MONTHS - 1)
			model_months();
	}
	if (choose(2))
		model_settle();
	model_end();
	return n;
}

static void report(void)
{
	const struct model_seen *s = &model_seen;

	printf("est_model: ok: up to %u estimators, %u contexts, %u in a chain\n",
	       s->objs, s->contexts, s->chain);
	printf("est_model: %lu samples, %lu together, %lu after quiet, %lu bases, %lu links\n",
	       s->samples, s->together, s->woken, s->rebased, s->linked);
	printf("est_model: %lu packets held up while they are counted\n",
	       s->held);
	printf("est_model: settled %lu times, cooled %lu, heated %lu, thawed %lu\n",
	       s->settled, s->cooled, s->heated, s->thawed);
	printf("est_model: %lu times full, %lu repacks, %lu corrections\n",
	       s->full, s->repacks, s->corrections);
	printf("est_model: %lu walks of rows, %lu late by more than a tick; %lu times no CPU\n",
	       s->walks, s->late, s->starved);
	printf("est_model: %lu times that nothing happened for months\n",
	       s->months);
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
	printf("est_model: HZ %d, %d bits, seed %lu, %lu steps\n", HZ,
	       BITS_PER_LONG, seed, nops);
	fflush(stdout);
	__sanitizer_set_death_callback(where);
	state = seed;
	for (left = nops; left; )
		left -= live(left);
	report();
	return 0;
}
