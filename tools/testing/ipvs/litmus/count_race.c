// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets, passes and readers at the same time, with real threads
 *
 * Each packet thread plays some CPUs, now these and then others, and counts for a
 * server, a service and a total.  Now and then one does in another order what the
 * packet path does, as a processor may, and dawdles in between: it looks at the
 * bits first and counts later, or counts first and looks later.  Passes follow
 * each other without a pause, and look often at which groups are wanted.  Shown:
 *
 *  - a reader that knows of packets which are through sees all of them;
 *  - no counter ever goes back, whatever is zeroed meanwhile;
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
/* A server, a service and a total */
#define OBJECTS		3
/* Packets of a thread between two stops of the traffic */
#define ROUND		1000
/* Such stops in the life of the objects: most can go wrong when they are new */
#define ROUNDS		2
/* Packets of a thread on the same CPUs, at most */
#define STAY		64
#define LEN		100

const char *const litmus_name = "count_race";
static struct ip_vs_stats *objs[OBJECTS];
static unsigned int threads_now;	/* not more than there are CPUs */
static unsigned long done[THREADS];	/* packets that are through */
static pthread_barrier_t barrier;
static bool stop;
static unsigned long reads;

static void dawdle(u64 *state)
{
	u32 n = litmus_rnd(state, 64);

	if (!n)
		sched_yield();
	while (n--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void count_one(struct ip_vs_stats *stats)
{
	struct ip_vs_cpu_stats *s = this_cpu_ptr(stats->cpustats);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->cnt[IP_VS_INPKTS]);
	u64_stats_add(&s->cnt[IP_VS_INBYTES], LEN);
	u64_stats_update_end(&s->syncp);
}

static void mark_one(struct ip_vs_stats *stats, unsigned long group)
{
	if (!(atomic_long_read(&stats->dirty) & group))
		atomic_long_or(group, &stats->dirty);
}

/* Object by object, in any order, and not at once */
static void packet_slowly(u64 *state, unsigned long group, bool mark_first)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		if (mark_first)
			mark_one(objs[i], group);
		else
			count_one(objs[i]);
		dawdle(state);
	}
	for (i = 0; i < OBJECTS; i++) {
		if (mark_first)
			count_one(objs[i]);
		else
			mark_one(objs[i], group);
		dawdle(state);
	}
}

static void packet(u64 *state)
{
	unsigned long group;

	rcu_read_lock();
	group = ip_vs_stats_begin();
	switch (litmus_rnd(state, 4)) {
	case 0:
		packet_slowly(state, group, true);
		break;
	case 1:
		packet_slowly(state, group, false);
		break;
	default:
		ip_vs_stats_in(objs[0], objs[1], objs[2], LEN);
		break;
	}
	ip_vs_stats_end();
	rcu_read_unlock();
}

/* The CPUs of a thread are those with the same rest; 1 to 4 of them at a time */
static void *traffic(void *arg)
{
	unsigned int id = (long)arg, i, left = 0, first = 0, some = 1, mine;
	u64 state = id + 1;

	litmus_reader = id;
	mine = (nr_cpu_ids - id + threads_now - 1) / threads_now;
	for (;;) {
		pthread_barrier_wait(&barrier);
		if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
			return NULL;
		for (i = 0; i < ROUND; i++) {
			if (!left--) {
				left = litmus_rnd(&state, STAY);
				first = litmus_rnd(&state, mine);
				some = 1 + litmus_rnd(&state, 4);
			}
			litmus_cpu = id + threads_now *
				((first + litmus_rnd(&state, some)) % mine);
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

/* Since the object is there: who zeroes is the one who reads */
static u64 read_packets(struct ip_vs_stats *stats)
{
	struct ip_vs_kstats k;

	ip_vs_copy_stats(&k, stats);
	return k.inpkts + stats->zero.v[IP_VS_INPKTS];
}

static void *reader(void *arg)
{
	u64 least, now, last[OBJECTS] = {}, state = 4711;
	unsigned int i;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		i = litmus_rnd(&state, OBJECTS);
		least = through();
		if (!litmus_rnd(&state, 16)) {
			ip_vs_zero_stats(objs[i]);
			litmus_seen.zeroed++;
		}
		now = read_packets(objs[i]);
		if (now < least)
			sim_fail("%llu packets are through, %llu are read",
				 (unsigned long long)least,
				 (unsigned long long)now);
		if (now < last[i])
			sim_fail("%llu packets were read, now %llu",
				 (unsigned long long)last[i],
				 (unsigned long long)now);
		last[i] = now;
		if (!(++reads % 64))
			sched_yield();
	}
	return NULL;
}

static void *passer(void *arg)
{
	struct ip_vs_est_walk walk = { .gen = IP_VS_EST_GEN_FIRST };
	struct ip_vs_est_batch batch = {};
	struct ip_vs_stats *stats;
	struct litmus_was was;
	bool taken;
	unsigned long n;
	u32 idle = 0;

	litmus_reader = THREADS;
	for (n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
		stats = objs[n % OBJECTS];
		was = litmus_before(stats);
		walk.walked = jiffies;
		__atomic_store_n(&jiffies, jiffies + IP_VS_EST_PERIOD,
				 __ATOMIC_RELAXED);
		rcu_read_lock();
		/* At once, and as one of a batch */
		ip_vs_est_pass(stats, &walk, n % 2 ? &batch : NULL);
		taken = batch.n;
		if (taken)
			ip_vs_est_pass_batch(&batch, &walk);
		rcu_read_unlock();
		litmus_after(stats, &was, taken);
		/* Nothing to do: packets should have the processor */
		if (walk.results[IP_VS_EST_IDLE] != idle)
			sched_yield();
		idle = walk.results[IP_VS_EST_IDLE];
	}
	return NULL;
}

static void *grace_periods(void *arg)
{
	litmus_grace_periods(&stop);
	return NULL;
}

static bool is_settled(struct ip_vs_stats *stats)
{
	bool ret;

	pthread_mutex_lock(&stats->lock.mutex);
	ret = stats->settled && !atomic_long_read(&stats->dirty);
	pthread_mutex_unlock(&stats->lock.mutex);
	return ret;
}

/* Read as users do; the reader may zero it at any moment */
static void expect_exact(const char *when, struct ip_vs_stats *stats, u64 sent)
{
	struct ip_vs_counts now;

	pthread_mutex_lock(&stats->lock.mutex);
	ip_vs_stats_now(stats, &now);
	pthread_mutex_unlock(&stats->lock.mutex);
	if (now.v[IP_VS_INPKTS] != sent || now.v[IP_VS_INBYTES] != sent * LEN)
		sim_fail("%s: %llu packets were sent, %llu are read", when,
			 (unsigned long long)sent,
			 (unsigned long long)now.v[IP_VS_INPKTS]);
}

/* Between two rounds of traffic */
static void look(u64 sent)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		expect_exact("at once", objs[i], sent);
	for (i = 0; i < OBJECTS; i++) {
		while (!is_settled(objs[i]))
			sched_yield();
		expect_exact("settled", objs[i], sent);
	}
}

static void set_up(unsigned int cpus, unsigned int n)
{
	unsigned int i;

	threads_now = min_t(unsigned int, cpus, THREADS);
	memset(done, 0, sizeof(done));
	stop = false;
	litmus_machine(cpus, n / 2 % 2, 1 << n % 6);
	litmus_enomem = n % 5 == 4;
	for (i = 0; i < OBJECTS; i++) {
		objs[i] = ip_vs_stats_create(&litmus_net, GFP_KERNEL);
		ip_vs_est_begin(objs[i]);
	}
}

static void run(unsigned int cpus, unsigned int n)
{
	void *(*const others[])(void *) = { reader, passer, grace_periods };
	pthread_t packets[THREADS], threads[ARRAY_SIZE(others)];
	unsigned int i;

	set_up(cpus, n);
	pthread_barrier_init(&barrier, NULL, threads_now + 1);
	for (i = 0; i < threads_now; i++)
		pthread_create(&packets[i], NULL, traffic, (void *)(long)i);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		pthread_create(&threads[i], NULL, others[i], NULL);

	for (i = 1; i <= ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		look((u64)i * threads_now * ROUND);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < threads_now; i++)
		pthread_join(packets[i], NULL);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (i = 0; i < OBJECTS; i++)
		ip_vs_stats_destroy(objs[i]);
}

int main(int argc, char **argv)
{
	static const unsigned int cpus[] = { 1, 2, 8, 64, 65, 128, 256, 512 };
	unsigned int runs = argc > 1 ? strtoul(argv[1], NULL, 0) : 100, i;

	for (i = 0; i < runs; i++)
		run(cpus[i % ARRAY_SIZE(cpus)], i / ARRAY_SIZE(cpus));
	printf("count_race: %lu reads\n", reads);
	litmus_report();
	return 0;
}
