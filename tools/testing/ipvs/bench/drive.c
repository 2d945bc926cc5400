// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the workers of all implementations in turns
 *
 *	drive [-q] [-1 CPUS,ESTS,PERCENT,USED,aged|ordered] NAME=WORKER...
 *
 * Prints a line for each pass, and each dump, separated by tabs:
 * impl metric cpus ests active_percent used_cpus order round ns
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
 * share the caches, and differs from start to start more than rounds do.  So does
 * where its functions lie: each start has a program of its own, WORKER0 to WORKER2,
 * the same linked in another order.
 */
#define STARTS		3
static struct impl {
	const char	*name, *path;
	FILE		*to, *from;
	pid_t		pid;
} impl[IMPLS];
static int nimpl;
static int quick;
/* One case alone */
static struct one {
	unsigned int	cpus, ests, percent, used;
	int		aged;
} one;

static const unsigned int cpus_all[] = { 1, 4, 16, 64, 128, 256 };
static const unsigned int cpus_quick[] = { 4, 128 };
static const unsigned int ests_all[] = { 1000, 10000, 50000 };
static const unsigned int ests_quick[] = { 1000, 10000 };
/* Tables that are measured aged, too, and dumped */
#define ESTS_AGED	50000
#define ESTS_DUMP	10000
#define ESTS_QUICK	10000
#define N(a) (sizeof(a) / sizeof((a)[0]))

static void die(const struct impl *im, const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", im->name, what);
	exit(1);
}

static void start(struct impl *im, unsigned int cpus, unsigned int ests,
		  unsigned int used, const char *order, int nth)
{
	char path[4096], args[3][12];
	int in[2], out[2];

	snprintf(args[0], sizeof(args[0]), "%u", cpus);
	snprintf(args[1], sizeof(args[1]), "%u", ests);
	snprintf(args[2], sizeof(args[2]), "%u", used);
	snprintf(path, sizeof(path), "%s%d", im->path, nth);
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
		execl(path, path, args[0], args[1], args[2], order,
		      NULL);
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
		   const char *order, unsigned int percent, int nth)
{
	unsigned int step = percent ? 100 / percent : 0;
	int n = rounds(cpus, ests), round, i;
	unsigned int dump_ests = quick ? ESTS_QUICK : ESTS_DUMP;
	int dump = percent == 100 && used == cpus && ests == dump_ests;
	unsigned long long ns;

	for (i = 0; i < nimpl; i++)
		ask(&impl[i], "warm %u\n", step);
	for (round = 0; round < n; round++) {
		for (i = 0; i < nimpl; i++) {
			/* Who comes first changes */
			struct impl *im = &impl[(i + round) % nimpl];

			ask(im, "traffic %u\n", step);
			ns = ask(im, "pass\n");
			printf("%s\tpass\t%u\t%u\t%u\t%u\t%s\t%d\t%llu\n",
			       im->name, cpus, ests, percent, used, order,
			       nth * n + round, ns);
			if (!dump)
				continue;
			ns = ask(im, "dump\n");
			printf("%s\tread\t%u\t%u\t%u\t%u\t%s\t%d\t%llu\n",
			       im->name, cpus, ests, percent, used, order,
			       nth * n + round, ns);
		}
	}
	for (i = 0; i < nimpl; i++)
		ask(&impl[i], "check\n");
}

static void machine(unsigned int cpus, unsigned int ests, unsigned int used,
		    int aged, int nth)
{
	static const unsigned int percents[] = { 0, 1, 10, 100 };
	const char *order = aged ? "aged" : "ordered";
	unsigned int i;
	int m;

	fprintf(stderr, "==> %u estimators on %u CPUs, %u used, %s\n", ests,
		cpus, used, order);
	for (m = 0; m < nimpl; m++) {
		start(&impl[m], cpus, ests, used, order, nth);
		answer(&impl[m]);
	}
	for (i = 0; i < N(percents); i++) {
		/* Not the less interesting ones of those that take long */
		if ((used < cpus || aged) && percents[i] != 1 && percents[i] != 100)
			continue;
		if (!one.cpus || one.percent == percents[i])
			active(cpus, ests, used, order, percents[i], nth);
	}
	for (m = 0; m < nimpl; m++)
		stop(&impl[m]);
}

/* All orders, and where few CPUs are used of many */
static void table(unsigned int cpus, unsigned int ests)
{
	unsigned int aged_ests = quick ? ESTS_QUICK : ESTS_AGED;
	int k, aged;

	for (k = 0; k < (quick ? 1 : STARTS); k++) {
		for (aged = 0; aged <= (ests == aged_ests); aged++) {
			machine(cpus, ests, cpus, aged, k);
			if (cpus == 128)
				machine(cpus, ests, 4, aged, k);
		}
	}
}

static const char usage[] =
	"usage: drive [-q] [-1 CPUS,ESTS,PERCENT,USED,aged|ordered] NAME=WORKER...\n";

static int one_case(const char *arg)
{
	char order[10];

	if (sscanf(arg, "%u,%u,%u,%u,%9s", &one.cpus, &one.ests, &one.percent,
		   &one.used, order) != 5)
		return 0;
	one.aged = !strcmp(order, "aged");
	return 1;
}

int main(int argc, char **argv)
{
	unsigned int i, j;
	int k;

	for (k = 1; k < argc; k++) {
		char *path = strchr(argv[k], '=');

		if (!strcmp(argv[k], "-q")) {
			quick = 1;
		} else if (!strcmp(argv[k], "-1") && k + 1 < argc &&
			   one_case(argv[k + 1])) {
			k++;
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
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (one.cpus) {
		for (k = 0; k < (quick ? 1 : STARTS); k++)
			machine(one.cpus, one.ests, one.used, one.aged, k);
		return 0;
	}

	for (i = 0; i < (quick ? N(cpus_quick) : N(cpus_all)); i++) {
		unsigned int cpus = quick ? cpus_quick[i] : cpus_all[i];

		for (j = 0; j < (quick ? N(ests_quick) : N(ests_all)); j++) {
			unsigned int ests = quick ? ests_quick[j] : ests_all[j];

			table(cpus, ests);
		}
	}
	return 0;
}
