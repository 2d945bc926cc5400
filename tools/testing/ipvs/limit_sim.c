// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator in user space: does the limit of a chain find what is right?
 *
 * The sources that measure and judge, as they are, are given the times of walks
 * on simulated machines: of 1 to 512 CPUs, with tables of which some estimators
 * are active, while interrupts, a hypervisor or a slow clock hold them up.
 * What an estimator costs is known here, so is the limit that is right.
 *
 * limit_sim [-a] [-v] [-s SEED]: says what failed; -a: more machines and tables;
 * -v: every case.
 */

#include <stdarg.h>
#include <unistd.h>

#include "limit_sim.h"

#define MINUTE		(60 / 2)
#define DAY		(24 * 60 * MINUTE)
/* Changes of a limit that chance may make of times that differ, at most */
#define CALM		4

bool verbose;
static unsigned int failed, cases;
static const char *doing = "begins";

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "limit_sim: %s: ", doing);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* Within a tenth; one more or less is what whole numbers make of it */
static bool is_right(u32 limit, u32 want)
{
	u32 diff = limit > want ? limit - want : want - limit;

	return diff <= max(want / 10, 1U);
}

static void expect(const struct run *r, bool ok, const char *what, u32 want)
{
	const struct table *t = &r->t;

	cases++;
	failed += !ok;
	if (ok && !verbose)
		return;
	printf("%s %s, %s: limit %u, right is %u, %u changes", ok ? "ok  " : "FAIL",
	       doing, what, r->limit, want, r->changes);
	printf(" (%u CPUs, %u estimators of %u/%u/%u ns, %u of 1000 active%s, ",
	       t->cpus, t->ests, t->idle_ns, t->busy_ns, t->read_ns, t->active,
	       t->even ? " evenly" : "");
	printf("on %u groups, guess %u)\n", t->some, t->guess);
}

/* A time without trouble: the limit hardly changes, and never by much */
static void calm(struct run *r, unsigned int n, const struct trouble *h,
		 u32 want, const char *what)
{
	r->changes = 0;
	r->least = r->limit;
	r->most = r->limit;
	periods(r, n, h);
	expect(r, r->changes <= CALM && is_right(r->least, want) &&
	       is_right(r->most, want), what, want);
}

static void expect_right(const struct run *r, const char *what)
{
	expect(r, is_right(r->limit, right(&r->t)), what, right(&r->t));
}

/* What may come over a machine, for how many periods */
static const struct {
	const char *name;
	struct trouble h;
	unsigned int periods;
} troubles[] = {
	{ "softirqs of 60 % for 6 s", { 600, 300000, 1, false }, 3 },
	{ "short ones of 60 % for 20 s", { 600, 50000, 1, false }, 10 },
	{ "softirqs of 95 % for 12 s", { 950, 1000000, 1, false }, 6 },
	{ "short ones of 95 % for 60 s", { 950, 20000, 1, false }, 30 },
	{ "steal of 50 % for 30 s", { 500, 4000000, 1, false }, 15 },
	{ "steal of 90 % on one CPU for 2 min", { 900, 10000000, 1, true }, 60 },
	{ "a quarter of the clock for 5 min", { 0, 0, 4, false }, 150 },
	{ "both", { 950, 100000, 4, false }, 30 },
};

/* After each trouble the limit is right again, in a minute */
static void all_troubles(struct run *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (verbose)
			printf("  %s\n", troubles[i].name);
		periods(r, troubles[i].periods, &troubles[i].h);
		periods(r, MINUTE, &none);
		expect_right(r, troubles[i].name);
	}
}

/* CPUs of different speed: the slowest one decides, all day */
static void test_speeds(void)
{
	static const struct trouble slower = { .clock = 2, .one = true };
	struct table t = {
		.cpus = 64, .ests = 20000, .kthreads = 4, .idle_ns = 60,
		.busy_ns = 350, .read_ns = 2560, .active = 500, .noise = 300,
		.guess = 30,
	};
	struct run r;

	begin(&r, &t);
	periods(&r, MINUTE, &slower);
	expect(&r, is_right(r.limit, right(&t) / 2), "the slow one",
	       right(&t) / 2);
	calm(&r, DAY / 4, &slower, right(&t) / 2,
	     "a quarter of a day");
	periods(&r, MINUTE, &none);
	expect_right(&r, "all the same");
}

/* Some are active on all CPUs, more on few: what a CPU adds is learned */
static void test_few_and_all(unsigned int cpus, u32 busy_ns, u32 cpu_ns)
{
	struct table t = {
		.cpus = cpus, .ests = 20000, .kthreads = 1, .idle_ns = 60,
		.busy_ns = busy_ns, .read_ns = cpu_ns * cpus, .active = 300,
		.noise = 300, .some = 4, .blocks = true, .guess = 20,
	};
	struct run r;

	begin(&r, &t);
	periods(&r, MINUTE, &none);
	expect_right(&r, "at first");
	/* Then none of those on all CPUs */
	r.t.blocks = false;
	choose(&r.t);
	periods(&r, 10 * MINUTE, &none);
	expect_right(&r, "few only");
	all_troubles(&r);
}

/* 27 of 3.5 us; softirqs for 6 s, or for 12 s more and worse ones; and then a
 * quiet day, in which one of ten is idle: one of each chain that is left
 */
static void test_ratchet(unsigned int ests, bool worse)
{
	static const struct trouble short_60 = { 600, 50000, 1, false };
	static const struct trouble short_95 = { 950, 20000, 1, false };
	struct table t = {
		.cpus = 128, .ests = ests, .kthreads = 1, .idle_ns = 50,
		.busy_ns = 300, .read_ns = 3200, .active = 1000, .noise = 300,
		.guess = 27,
	};
	struct run r;

	begin(&r, &t);
	periods(&r, MINUTE, &none);
	expect_right(&r, "at first");
	periods(&r, 3, &short_60);
	if (worse)
		periods(&r, 6, &short_95);
	r.t.active = 900;
	r.t.even = true;
	choose(&r.t);
	periods(&r, MINUTE, &none);
	expect_right(&r, "a minute later");
	calm(&r, DAY, &none, right(&t), "a quiet day");
	expect_right(&r, "a day later");
}

/* Any mix of idle and active, on any machine: whatever the guess was, the limit
 * is right in two minutes, and a minute after each trouble.  Where few CPUs have
 * counted for all, nothing tells what the others would add: it is right there
 * because an estimator costs what the meter assumes at first, 8 lines and one for
 * each CPU, but for a tenth.
 */
static void test_mix(unsigned int cpus, unsigned int active, bool even,
		     unsigned int some)
{
	struct table t = {
		.cpus = cpus, .ests = 20000, .kthreads = 2, .idle_ns = 60,
		.busy_ns = 350, .read_ns = 40 * cpus, .active = active,
		.even = even, .noise = 300, .some = some,
	};
	struct run r;

	for (unsigned int guess = 0; guess < 3; guess++) {
		t.guess = max(right(&t) * (1U << guess) / 2, 1U);
		begin(&r, &t);
		if (!active) {
			r.t.active = 1000;
			choose(&r.t);
			periods(&r, MINUTE, &none);
			expect_right(&r, "active at first");
			periods(&r, 150, &troubles[6].h);
			r.t.active = 0;
			choose(&r.t);
			periods(&r, MINUTE, &none);
			expect(&r, r.limit >= t.guess, "the guess again",
			       t.guess);
			calm(&r, 60 * MINUTE, &none, r.limit,
			     "an idle hour");
			continue;
		}
		periods(&r, 2 * MINUTE, &none);
		expect_right(&r, "at first");
		all_troubles(&r);
		periods(&r, 10 * MINUTE, &none);
		calm(&r, 60 * MINUTE, &none, right(&t), "a quiet hour");
		expect_right(&r, "after it");
	}
}

/* A chain of 100, every other one quiet, that takes @lock_ns for each busy one,
 * where the clock takes @clock_ns to be read: both are told apart
 */
static void test_probe(u64 lock_ns, u64 clock_ns)
{
	static struct ip_vs_est_net net = { .gen = IP_VS_EST_GEN_FIRST };
	struct ip_vs_est_walk walk = { .gen = IP_VS_EST_GEN_FIRST };
	struct table t = { .cpus = 4, .ests = 100, .active = 500 };
	static struct ip_vs_est_meter m;
	static struct ip_vs_stats stats[100];
	struct hlist_head chain = { };
	unsigned int i, timed;
	struct run r;
	u64 ns;

	begin(&r, &t);
	memset(&m, 0, sizeof(m));
	for (i = 0; i < 100; i++) {
		memset(&stats[i], 0, sizeof(stats[i]));
		if (ip_vs_stats_init(&stats[i], &net))
			sim_fail("no memory");
		stats[i].est.gen = net.gen;
		stats[i].est.quiet = net.gen;
		if (i % 2)
			ip_vs_stats_unsettle(&stats[i]);
		hlist_add_head(&stats[i].est.node, &chain);
	}
	sim.now = 1000 * HZ;
	sim.lock_ns = lock_ns;
	sim.clock_ns = clock_ns;
	rcu_read_lock();
	ns = ip_vs_est_clock();
	ip_vs_est_chain_probe(&m, &chain, &walk, NULL);
	ns = ip_vs_est_clock() - ns;
	rcu_read_unlock();
	sim.lock_ns = 0;
	sim.clock_ns = 0;
	for (i = 0; i < 100; i++)
		ip_vs_stats_release(&stats[i]);

	timed = 50 - walk.untimed;
	expect(&r, ns - walk.clock_ns == 50 * lock_ns, "all without the clock",
	       50 * lock_ns);
	expect(&r, walk.busy_ns == timed * lock_ns, "busy ones without it",
	       timed * lock_ns);
	expect(&r, timed && (timed == 50 || walk.clock_ns > 12000) &&
	       walk.clock_ns < 12000 + 5 * (s64)clock_ns, "not for too long",
	       walk.clock_ns);
}

int main(int argc, char **argv)
{
	/* Those at even places are enough where time is short */
	static const unsigned int cpus[] = { 1, 2, 8, 32, 64, 128, 512, 256 };
	static const unsigned int actives[] = {
		0, 20, 10, 50, 100, 250, 500, 750, 1000, 900
	};
	unsigned int i, j, step = 2;
	unsigned long seed = 1;
	int opt;

	while ((opt = getopt(argc, argv, "avs:")) != -1) {
		if (opt == 'v')
			verbose = true;
		else if (opt == 'a')
			step = 1;
		else if (opt == 's')
			seed = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	sim.rnd = seed ? : 1;

	sim.clock_res = 1;
	doing = "probe";
	test_probe(200, 0);
	test_probe(200, 25);
	test_probe(200, 100);
	test_probe(200, 1200);
	doing = "ratchet";
	test_ratchet(60, false);
	test_ratchet(60, true);
	test_ratchet(150000, false);
	test_ratchet(150000, true);
	doing = "speeds";
	test_speeds();
	doing = "few and all";
	test_few_and_all(64, 350, 40);
	test_few_and_all(64, 1000, 20);
	test_few_and_all(512, 350, 80);
	doing = "mix";
	for (i = 0; i < ARRAY_SIZE(cpus); i += step) {
		for (j = 0; j < ARRAY_SIZE(actives); j += step) {
			test_mix(cpus[i], actives[j], false, 0);
			test_mix(cpus[i], actives[j], true, 0);
			test_mix(cpus[i], actives[j], false, 4);
		}
	}
	printf("limit_sim: %u cases, %u failed\n", cases, failed);
	return failed != 0;
}
