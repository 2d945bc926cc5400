// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets, passes and readers at the same time, with real threads
 *
 * Each packet thread plays some CPUs.  Now and then one does in another order
 * what the packet path does, as a processor may, and dawdles in between: it
 * looks at its bit first and counts later.  Passes follow each other without
 * a pause.  Shown:
 *
 *  - a reader that knows of packets which are through sees all of them;
 *  - no counter ever goes back;
 *  - when traffic stops, counters are exact at once, and stay so while passes
 *    settle the object and after they have.
 */

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <net/ip_vs.h>
#include "../../../../net/netfilter/ipvs/ip_vs_est_impl.h"
#include "litmus.h"

#define THREADS		4
/* Packets of a thread between two stops of the traffic */
#define ROUND		1000
/* Such stops in the life of an object: most can go wrong when it is new */
#define ROUNDS		2
#define LEN		100

struct sim sim;
unsigned long jiffies = 1000 * HZ;
struct cpumask sim_possible;
struct cpumask sim_online;
__thread unsigned int litmus_cpu;
static struct ip_vs_stats *stats;
static struct ip_vs_est_net est_net = {
	.gen = IP_VS_EST_GEN_FIRST,
	.active = true,
};

static unsigned long done[THREADS];	/* packets that are through */
static pthread_barrier_t barrier;
static bool stop;
static unsigned long passes, together, settled, reads;

void sim_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("count_race: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void sim_might_sleep(void) { }
void sim_preempt(void) { }

void *sim_alloc(size_t n, size_t size, gfp_t gfp)
{
	size = ALIGN(n * size, SIM_CACHE_LINE);
	return memset(aligned_alloc(SIM_CACHE_LINE, size), 0, size);
}

void sim_free(void *p)
{
	free(p);
}

/* Without a library's, which would lock */
static u32 rnd(u64 *state, u32 n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((*state >> 32) * n) >> 32;
}

static void dawdle(u64 *state)
{
	u32 n = rnd(state, 64);

	if (!n)
		sched_yield();
	while (n--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void packet(u64 *state)
{
	struct ip_vs_cpu_stats *s;
	unsigned long group;

	rcu_read_lock();
	group = ip_vs_stats_begin();
	if (rnd(state, 2)) {
		ip_vs_stats_in(stats, LEN, group);
	} else {
		ip_vs_stats_mark(stats, group);
		dawdle(state);
		s = this_cpu_ptr(stats->cpustats);
		u64_stats_inc(&s->cnt[IP_VS_INPKTS]);
		u64_stats_add(&s->cnt[IP_VS_INBYTES], LEN);
	}
	ip_vs_stats_end();
	rcu_read_unlock();
}

static void *traffic(void *arg)
{
	unsigned int id = (long)arg, i;
	u64 state = id + 1;

	litmus_reader = id;
	for (;;) {
		pthread_barrier_wait(&barrier);
		if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
			return NULL;
		for (i = 0; i < ROUND; i++) {
			litmus_cpu = id + THREADS *
				rnd(&state, nr_cpu_ids / THREADS);
			packet(&state);
			__atomic_store_n(&done[id], done[id] + 1,
					 __ATOMIC_RELEASE);
		}
		pthread_barrier_wait(&barrier);
	}
}

static u64 through(void)
{
	unsigned int i;
	u64 n = 0;

	for (i = 0; i < THREADS; i++)
		n += __atomic_load_n(&done[i], __ATOMIC_ACQUIRE);
	return n;
}

static u64 read_packets(void)
{
	struct ip_vs_kstats k;

	ip_vs_copy_stats(&k, stats);
	return k.inpkts;
}

static void *reader(void *arg)
{
	u64 least, now, last = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		least = through();
		now = read_packets();
		if (now < least)
			sim_fail("%llu packets are through, %llu are read",
				 (unsigned long long)least,
				 (unsigned long long)now);
		if (now < last)
			sim_fail("%llu packets were read, now %llu",
				 (unsigned long long)last,
				 (unsigned long long)now);
		last = now;
		reads++;
	}
	return NULL;
}

static void *passer(void *arg)
{
	struct ip_vs_est_walk walk = { .gen = IP_VS_EST_GEN_FIRST };
	struct ip_vs_est_batch batch = {};

	litmus_reader = THREADS;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		walk.walked = jiffies;
		__atomic_store_n(&jiffies, jiffies + IP_VS_EST_PERIOD,
				 __ATOMIC_RELAXED);
		rcu_read_lock();
		/* At once, and as one of a batch */
		ip_vs_est_pass(stats, &walk, passes % 2 ? &batch : NULL);
		together += batch.n;
		if (batch.n)
			ip_vs_est_pass_batch(&batch, &walk);
		rcu_read_unlock();
		passes++;
	}
	return NULL;
}

static void *grace_periods(void *arg)
{
	litmus_grace_periods(&stop);
	return NULL;
}

static bool is_settled(void)
{
	bool ret;

	pthread_mutex_lock(&stats->lock.mutex);
	ret = stats->settled && !atomic_long_read(&stats->dirty);
	pthread_mutex_unlock(&stats->lock.mutex);
	return ret;
}

static void expect_exact(const char *when, u64 sent)
{
	struct ip_vs_kstats k;

	ip_vs_copy_stats(&k, stats);
	if (k.inpkts != sent || k.inbytes != sent * LEN)
		sim_fail("%s: %llu packets were sent, %llu are read", when,
			 (unsigned long long)sent,
			 (unsigned long long)k.inpkts);
}

/* Between two rounds of traffic */
static void look(u64 sent)
{
	expect_exact("at once", sent);
	while (!is_settled())
		sched_yield();
	settled++;
	expect_exact("settled", sent);
}

static void run(unsigned int cpus)
{
	void *(*const others[])(void *) = { reader, passer, grace_periods };
	pthread_t threads[THREADS + ARRAY_SIZE(others)];
	unsigned int i;

	sim.nr_cpus = cpus;
	/* The run before this one may have had more */
	bitmap_zero(sim_possible.bits, SIM_CPUS);
	for (i = 0; i < cpus; i++)
		__set_bit(i, sim_possible.bits);
	memset(done, 0, sizeof(done));
	stop = false;
	ip_vs_stats_setup();
	stats = ip_vs_stats_create(&est_net);
	ip_vs_est_begin(stats);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, traffic, (void *)(long)i);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		pthread_create(&threads[THREADS + i], NULL, others[i], NULL);

	for (i = 1; i <= ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		look((u64)i * THREADS * ROUND);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ip_vs_stats_destroy(stats);
}

int main(int argc, char **argv)
{
	static const unsigned int cpus[] = { 8, 64, 65, 128, 256, 512 };
	unsigned int objects = argc > 1 ? strtoul(argv[1], NULL, 0) : 100, i;

	for (i = 0; i < objects; i++)
		run(cpus[i % ARRAY_SIZE(cpus)]);
	if (!together)
		sim_fail("no pass was one of a batch");
	printf("count_race: ok: %u packets, %lu reads, settled %lu times\n",
	       objects * ROUNDS * THREADS * ROUND, reads, settled);
	printf("count_race: %lu passes, %lu of them in batches\n", passes,
	       together);
	return 0;
}
