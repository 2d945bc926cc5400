// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the workers of all implementations in turns
 *
 *	drive [-q] NAME=WORKER...
 *
 * Prints a line for each pass, separated by tabs:
 * impl cpus ests active_percent used_cpus round ns_per_pass
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMPLS		8
/* Each worker is started so often: where its memory lies decides how its lines
 * share the caches, and differs from start to start more than rounds do.
 */
#define STARTS		3
/* Passes before those that count: after the last traffic another two, so that
 * a grace period has ended, and one for whatever else
 */
#define WARM_UP		3

static struct impl {
	const char	*name, *path;
	FILE		*to, *from;
	pid_t		pid;
} impl[IMPLS];
static int nimpl;
static int quick;

static const unsigned int cpus_all[] = { 1, 4, 16, 64, 128, 256 };
static const unsigned int cpus_quick[] = { 4, 128 };
static const unsigned int ests_all[] = { 1000, 10000, 50000 };
static const unsigned int ests_quick[] = { 1000, 10000 };
#define N(a) (sizeof(a) / sizeof((a)[0]))

static void die(const struct impl *im, const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", im->name, what);
	exit(1);
}

static void start(struct impl *im, unsigned int cpus, unsigned int ests,
		  unsigned int used)
{
	char args[3][12];
	int in[2], out[2];

	snprintf(args[0], sizeof(args[0]), "%u", cpus);
	snprintf(args[1], sizeof(args[1]), "%u", ests);
	snprintf(args[2], sizeof(args[2]), "%u", used);
	if (pipe(in) || pipe(out))
		die(im, "pipe");
	im->pid = fork();
	if (im->pid < 0)
		die(im, "fork");
	if (!im->pid) {
		int i;

		dup2(in[0], 0);
		dup2(out[1], 1);
		/* Nobody else's pipes, or no end of file would be seen */
		for (i = 3; i < 64; i++)
			close(i);
		execl(im->path, im->path, args[0], args[1], args[2], NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	im->to = fdopen(in[1], "w");
	im->from = fdopen(out[0], "r");
	if (!im->to || !im->from)
		die(im, "fdopen");
}

static unsigned long long answer(struct impl *im)
{
	char line[200];

	if (!fgets(line, sizeof(line), im->from))
		die(im, "has died");
	line[strcspn(line, "\n")] = 0;
	if (!strncmp(line, "error", 5))
		die(im, line);
	return strtoull(line, NULL, 10);
}

static unsigned long long ask(struct impl *im, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(im->to, fmt, ap);
	va_end(ap);
	fflush(im->to);
	return answer(im);
}

static void stop(struct impl *im)
{
	int status;

	fclose(im->to);
	fclose(im->from);
	if (waitpid(im->pid, &status, 0) != im->pid || status)
		die(im, "has failed");
}

/* Rounds of a start: few where they take long */
static int rounds(unsigned int cpus, unsigned int ests)
{
	if (quick)
		return 3;
	return cpus * ests > 200000 ? 3 : 5;
}

static void active(unsigned int cpus, unsigned int ests, unsigned int used,
		   unsigned int percent, int nth)
{
	unsigned int step = percent ? 100 / percent : 0;
	int n = rounds(cpus, ests), round, i;
	unsigned long long ns;

	for (round = -WARM_UP; round < n; round++) {
		for (i = 0; i < nimpl; i++) {
			/* Who comes first changes */
			struct impl *im = &impl[(i + round + WARM_UP) % nimpl];

			ask(im, "traffic %u\n", step);
			ns = ask(im, "pass\n");
			if (round >= 0)
				printf("%s\t%u\t%u\t%u\t%u\t%d\t%llu\n",
				       im->name, cpus, ests, percent, used,
				       nth * n + round, ns);
		}
	}
	for (i = 0; i < nimpl; i++)
		ask(&impl[i], "check\n");
}

static void machine(unsigned int cpus, unsigned int ests, unsigned int used,
		    int nth)
{
	static const unsigned int percents[] = { 0, 1, 10, 100 };
	unsigned int i;
	int m;

	fprintf(stderr, "==> %u estimators on %u CPUs, %u used\n", ests, cpus,
		used);
	for (m = 0; m < nimpl; m++) {
		start(&impl[m], cpus, ests, used);
		answer(&impl[m]);
	}
	for (i = used < cpus ? 3 : 0; i < N(percents); i++)
		active(cpus, ests, used, percents[i], nth);
	for (m = 0; m < nimpl; m++)
		stop(&impl[m]);
}

int main(int argc, char **argv)
{
	unsigned int i, j;
	int k;

	for (k = 1; k < argc; k++) {
		char *path = strchr(argv[k], '=');

		if (!strcmp(argv[k], "-q")) {
			quick = 1;
		} else if (path && nimpl < IMPLS) {
			*path = 0;
			impl[nimpl].name = argv[k];
			impl[nimpl++].path = path + 1;
		} else {
			nimpl = 0;
			break;
		}
	}
	if (!nimpl) {
		fprintf(stderr, "usage: drive [-q] NAME=WORKER...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);

	for (i = 0; i < (quick ? N(cpus_quick) : N(cpus_all)); i++) {
		unsigned int cpus = quick ? cpus_quick[i] : cpus_all[i];

		for (j = 0; j < (quick ? N(ests_quick) : N(ests_all)); j++) {
			unsigned int ests = quick ? ests_quick[j] : ests_all[j];

			for (k = 0; k < (quick ? 1 : STARTS); k++) {
				machine(cpus, ests, cpus, k);
				if (cpus == 128)
					machine(cpus, ests, 4, k);
			}
		}
	}
	return 0;
}
