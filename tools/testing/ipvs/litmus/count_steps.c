// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets, passes and readers step by step, in one thread
 *
 * A packet looks at its bit, sets it, counts packets, counts bytes: steps in
 * this order or in another, and held up anywhere.  Packets go on, and grace
 * periods begin and end, also in the middle of a pass: where it asks RCU, and
 * before a batch is read.  A grace period ends when those who were inside a
 * read-side section when it began have left it.
 *
 *	count_steps [SEED [STEPS]]
 *
 * Shown: what is read is never less than what is through, nor more than what
 * was counted, and never falls.  Objects settle and groups cool by the grace
 * periods that passes ask for; steady traffic neither writes dirty nor asks.
 */

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <net/ip_vs.h>
#include "../../../../net/netfilter/ipvs/ip_vs_est_impl.h"
#include "litmus.h"

#define PACKETS		6
#define LEN		100
/* Steps in the life of an object */
#define LIFE		3000
/* Samples of steady traffic: more than from one look at the groups to the next */
#define STEADY		80

const char *const litmus_name = "count_steps";

static struct ip_vs_stats *stats;
static struct ip_vs_stats *others[2];	/* a service and a total */
static u64 state;

/**
 * struct packet - one that is under way
 * @inside: it is
 * @looked: it has looked at its bit
 * @marked: its bit was or is set
 * @counted: and so many of its two counters
 * @cpu: where it is
 * @gp: grace periods that had begun when its section did
 */
static struct packet {
	bool inside;
	bool looked;
	bool marked;
	unsigned int counted;
	unsigned int cpu;
	unsigned long gp;
} packets[PACKETS];

static u64 through, counted, last_read;
static unsigned long gp_begun, gp_ended, gp_asked;
static bool passing;
static unsigned long pass_gp;

static unsigned long inside_rcu;

static u32 rnd(u32 n)
{
	return litmus_rnd(&state, n);
}

static void gp_begin(void)
{
	if (gp_begun == gp_ended)
		gp_begun++;
}

static void gp_end(void)
{
	unsigned int i;

	if (gp_begun == gp_ended || (passing && pass_gp < gp_begun))
		return;
	for (i = 0; i < PACKETS; i++)
		if (packets[i].inside && packets[i].gp < gp_begun)
			return;
	gp_ended = gp_begun;
}

static void events(void);

void rcu_read_lock(void)
{
	passing = true;
	pass_gp = gp_begun;
}

void rcu_read_unlock(void)
{
	passing = false;
}

unsigned long get_state_synchronize_rcu(void)
{
	unsigned long cookie = gp_begun + 1;

	events();
	return cookie;
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	events();
	return (long)(gp_ended - cookie) >= 0;
}

static void packet_begin(struct packet *p)
{
	*p = (struct packet){
		.inside = true,
		.cpu = rnd(rnd(2) ? nr_cpu_ids : min(nr_cpu_ids, 4U)),
		.gp = gp_begun,
	};
}

static void packet_mark(struct packet *p)
{
	unsigned long group = per_cpu(ip_vs_stats_group, p->cpu);

	if (p->looked)
		atomic_long_or(group, &stats->dirty);
	p->marked = p->looked || atomic_long_read(&stats->dirty) & group;
	p->looked = true;
}

static void packet_count(struct packet *p)
{
	struct ip_vs_cpu_stats *s = per_cpu_ptr(stats->cpustats, p->cpu);

	if (p->counted++)
		u64_stats_add(&s->cnt[IP_VS_INBYTES], LEN);
	else
		u64_stats_inc(&s->cnt[IP_VS_INPKTS]);
	counted += p->counted == 1;
}

static void packet_step(struct packet *p)
{
	if (!p->inside)
		packet_begin(p);
	else if (!p->marked && (p->counted == 2 || rnd(2)))
		packet_mark(p);
	else if (p->counted < 2)
		packet_count(p);
	if (p->inside && p->marked && p->counted == 2 && rnd(2)) {
		p->inside = false;
		through++;
	}
}

/* Some packet; the first is held up for long once it has looked at its bit */
static struct packet *some_packet(void)
{
	unsigned int i = rnd(PACKETS);

	if (!i && packets[0].looked && rnd(32))
		i = 1 + rnd(PACKETS - 1);
	return &packets[i];
}

/* As the packet path does it */
static void packet_at_once(unsigned int cpu)
{
	litmus_cpu = cpu;
	ip_vs_stats_in(stats, others[0], others[1], LEN);
	counted++;
	through++;
}

static void packets_leave(void)
{
	unsigned int i;

	for (i = 0; i < PACKETS; i++)
		while (packets[i].inside)
			packet_step(&packets[i]);
}

/* What others do meanwhile; not when there is no traffic */
static bool quiet;

static void events(void)
{
	unsigned int n = quiet ? 0 : rnd(6);
	struct packet *p;

	while (n--) {
		inside_rcu++;
		p = some_packet();
		switch (rnd(6)) {
		case 0:
			gp_begin();
			break;
		case 1:
			gp_end();
			break;
		case 2:
			while (p->inside)
				packet_step(p);
			break;
		default:
			packet_step(p);
			break;
		}
	}
}

static void look(void)
{
	struct ip_vs_kstats k;
	u64 now;

	/* A task that is not stopped yet may go on with samples meanwhile */
	litmus_net.active = rnd(4);
	ip_vs_copy_stats(&k, stats);
	if (!litmus_net.active && (k.cps || k.inpps || k.outpps || k.inbps || k.outbps))
		sim_fail("a rate is read, and estimation is off");
	now = k.inpkts + stats->zero.v[IP_VS_INPKTS];
	if (now < through || now > counted || now < last_read)
		sim_fail("%llu packets are read; %llu are through, %llu counted, %llu were read",
			 (unsigned long long)now, (unsigned long long)through,
			 (unsigned long long)counted,
			 (unsigned long long)last_read);
	last_read = now;
	if (k.inbytes + stats->zero.v[IP_VS_INBYTES] < through * LEN)
		sim_fail("bytes of packets that are through are not read");
}

/* A pass, or one in a batch; asks for a grace period as a kthread does */
static bool pass(bool in_batch)
{
	struct litmus_was was = litmus_before(stats);
	struct ip_vs_est_walk walk = {
		.gen = IP_VS_EST_GEN_FIRST,
		.walked = jiffies,
	};
	struct ip_vs_est_batch batch = {};
	bool taken;

	jiffies += rnd(8) ? IP_VS_EST_PERIOD : rnd(HZ);
	rcu_read_lock();
	ip_vs_est_pass(stats, &walk, in_batch ? &batch : NULL);
	taken = batch.n;
	if (taken) {
		events();
		if (!quiet && !rnd(4))
			ip_vs_zero_stats(stats);
		ip_vs_est_pass_batch(&batch, &walk);
	}
	rcu_read_unlock();
	if (walk.unsettled)
		gp_asked = gp_begun + 1;
	litmus_after(stats, &was, taken);
	look();
	return walk.unsettled;
}

/* Nobody else wants grace periods */
static void gp_asked_for(void)
{
	if ((long)(gp_asked - gp_begun) > 0)
		gp_begin();
	gp_end();
}

static void step(void)
{
	switch (rnd(8)) {
	case 0:
		look();
		break;
	case 1:
		if (!rnd(8)) {
			ip_vs_zero_stats(stats);
			litmus_seen.zeroed++;
		}
		break;
	case 2:
		gp_begin();
		break;
	case 3:
		gp_end();
		break;
	case 4:
		pass(rnd(2));
		break;
	case 5:
		packet_at_once(rnd(nr_cpu_ids));
		break;
	default:
		packet_step(some_packet());
		break;
	}
}

/* A packet for each sample, on one CPU: what passes make of that */
static void one_cpu(void)
{
	unsigned long group;
	unsigned int i, cpu = rnd(nr_cpu_ids), cleared = 0, asked = 0;
	bool asks;

	quiet = true;
	packets_leave();
	gp_end();
	group = per_cpu(ip_vs_stats_group, cpu);
	for (i = 0; i < STEADY; i++) {
		packet_at_once(cpu);
		asks = pass(false);
		gp_asked_for();
		/* The first ones may be those after a silence, or too early */
		if (i < 12)
			continue;
		cleared += !(atomic_long_read(&stats->dirty) & group);
		asked += asks;
	}
	if (asked > cleared + 1)
		sim_fail("steady traffic asks for %u grace periods", asked);
	if (cleared > (ip_vs_stats_wide ? STEADY / ip_vs_stats_refresh + 1 : 0))
		sim_fail("dirty was cleared %u times under steady traffic",
			 cleared);
	if (ip_vs_stats_wide && !litmus_enomem && stats->hot != group)
		sim_fail("one CPU counts, and others are read");
	quiet = false;
}

/* Traffic stops: two samples see it, one settles; others may be too early */
static bool at_rest(void)
{
	return stats->settled && !atomic_long_read(&stats->dirty);
}

static void silence(void)
{
	unsigned int i;

	quiet = true;
	packets_leave();
	if (counted != through)
		sim_fail("a packet is left");
	for (i = 0; i < 16 && !at_rest(); i++) {
		pass(rnd(2));
		gp_asked_for();
	}
	if (!at_rest())
		sim_fail("nothing is counted, and it does not settle");
	look();
	if (last_read != through)
		sim_fail("settled at %llu instead of %llu",
			 (unsigned long long)last_read,
			 (unsigned long long)through);
	if (pass(false))
		sim_fail("settled, and asks for a grace period");
	quiet = false;
}

static void live(unsigned int cpus)
{
	unsigned int i;

	litmus_machine(cpus, rnd(2), 1 << rnd(6));
	litmus_enomem = !rnd(4);
	through = 0;
	counted = 0;
	last_read = 0;
	stats = ip_vs_stats_create(&litmus_net, GFP_KERNEL);
	for (i = 0; i < 2; i++)
		others[i] = ip_vs_stats_create(&litmus_net, GFP_KERNEL);
	ip_vs_est_begin(stats);
	for (i = 1; i <= LIFE; i++) {
		step();
		if (i % 1000 == 0)
			silence();
		else if (i % 500 == 0)
			one_cpu();
	}
	silence();
	ip_vs_stats_destroy(stats);
	for (i = 0; i < 2; i++)
		ip_vs_stats_destroy(others[i]);
}

int main(int argc, char **argv)
{
	static const unsigned int cpus[] = { 1, 2, 5, 33, 64, 65, 256, 512 };
	unsigned int steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 3000000, i;

	state = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	for (i = 0; i < steps / LIFE; i++)
		live(cpus[rnd(ARRAY_SIZE(cpus))]);
	printf("count_steps: %lu events inside RCU calls\n", inside_rcu);
	if (!inside_rcu)
		sim_fail("nothing happened inside RCU calls");
	litmus_report();
	return 0;
}
