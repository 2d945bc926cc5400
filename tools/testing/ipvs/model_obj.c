// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: objects, and what their counters and rates should be
 *
 * Each time that an object's lock is given back, what has changed under it is
 * compared with what should have: the test knows what itself is doing, and
 * all else is a walker's pass.
 */

#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "model.h"

static bool obj_as_it_was(struct obj *obj)
{
	const struct ip_vs_estimator *est = &obj->stats.est;

	return est->gen == obj->gen && est->quiet == obj->quiet &&
	       est->stamp == obj->stamp &&
	       !memcmp(est->base.v, obj->base, sizeof(obj->base)) &&
	       !memcmp(est->avg, obj->avg, sizeof(obj->avg));
}

/* Nothing was counted for @obj that its base does not hold, nor can a packet
 * be under way that leaves no trace
 */
bool obj_at_rest(const struct obj *obj)
{
	return obj->stats.settled && !atomic_long_read(&obj->stats.dirty);
}

/* Groups that have counted, one counter after the other */
static void obj_check_groups(const struct obj *obj)
{
	const struct ip_vs_stats *stats = &obj->stats;
	unsigned long groups[IP_VS_NCOUNTS] = {};
	u64 hot[IP_VS_NCOUNTS] = {}, n;
	unsigned long group;
	unsigned int cpu, c;

	for (cpu = 0; cpu < sim.nr_cpus; cpu++) {
		group = per_cpu(ip_vs_stats_group, cpu);
		for (c = 0; c < IP_VS_NCOUNTS; c++) {
			n = u64_stats_read(&per_cpu_ptr(stats->cpustats,
							cpu)->cnt[c]);
			groups[c] |= n ? group : 0;
			hot[c] += stats->hot & group ? n : 0;
		}
	}
	for (c = 0; c < IP_VS_NCOUNTS; c++) {
		if (groups[c] & ~stats->seen & ~atomic_long_read(&stats->dirty))
			sim_fail("a group has counted, and nobody knows of it");
		if (stats->hot != stats->seen)
			hot[c] += stats->cold->v[c];
		if (hot[c] != obj->total[c])
			sim_fail("counter %u: hot and cold are %llu, not %llu",
				 c, (unsigned long long)hot[c],
				 (unsigned long long)obj->total[c]);
	}
}

/* What an object says of itself between two steps */
void obj_check_quiet(const struct obj *obj)
{
	static const s64 zero[IP_VS_NCOUNTS];
	const struct ip_vs_stats *stats = &obj->stats;
	unsigned long dirty = atomic_long_read(&stats->dirty);
	const struct held *h;

	if (stats->hot & ~stats->seen)
		sim_fail("a group is hot and was never seen");
	if (obj_at_rest(obj)) {
		if (memcmp(stats->est.base.v, obj->total, sizeof(obj->total)))
			sim_fail("settled, but not all is in its base");
	} else if (!stats->settled && !(dirty & ~stats->hot)) {
		obj_check_groups(obj);
	}
	for (h = model.held; h < model.held + MODEL_HELD; h++) {
		if (h->obj == obj && h->marked &&
		    !((stats->hot | dirty) &
		      per_cpu(ip_vs_stats_group, h->cpu)))
			sim_fail("a packet is under way, and nobody will look");
	}
	if (obj->quiet && (!obj->stats.settled ||
			   memcmp(obj->avg, zero, sizeof(zero))))
		sim_fail("quiet, but there is something to do");
}

/* When the chain of @obj was walked; it is in one, or is just leaving it */
u64 obj_walked(const struct obj *obj)
{
	return sim.now - ((unsigned long)sim.now - *obj->walked);
}

/* The time that a sample begins with */
static u64 obj_since(const struct obj *obj)
{
	u64 since = obj->stamp;

	if (obj->quiet) {
		if (time_after64(obj_walked(obj), since))
			since = obj_walked(obj);
		/* Of an older generation it is of no account: jiffies of 32 bits
		 * may have gone round while estimation was off
		 */
		if (obj->first && obj->gen == model_est()->gen &&
		    time_after64(since, obj->first))
			sim_fail("a packet came %lu jiffies before its sample",
				 (unsigned long)(since - obj->first));
	}
	return since;
}

/* A walker takes it in, to read it with others, or has found that it need not
 * be sampled any more: somebody else has started it anew.
 */
static bool obj_later(struct obj *obj)
{
	const struct ip_vs_stats *stats = &obj->stats;
	unsigned int cpu;

	if (!ip_vs_stats_wide || stats->est.stamp != obj->stamp ||
	    stats->settled)
		return false;
	if (obj->taken && obj->gen != IP_VS_EST_GEN_STALE)
		return false;
	for (cpu = 0; cpu < sim.nr_cpus; cpu++)
		if (!(stats->hot & per_cpu(ip_vs_stats_group, cpu)))
			return false;
	obj->taken = !obj->taken;
	memcpy(obj->took, obj->total, sizeof(obj->took));
	obj->took_at = sim.now;
	return true;
}

/* A pass has looked at which groups are wanted */
static void obj_note_groups(struct obj *obj)
{
	const struct ip_vs_stats *stats = &obj->stats;

	if (stats->settled)
		model_seen.settled += !obj->settled;
	else if (obj->hot & ~stats->hot)
		model_seen.cooled++;
	else if (!obj->settled && (stats->hot & ~obj->hot & obj->seen))
		model_seen.heated++;
	model_seen.thawed += obj->settled && stats->hot != stats->seen &&
			     !stats->settled;
	obj->settled = stats->settled;
	obj->hot = stats->hot;
	obj->seen = stats->seen;
}

/* Others than the test only pass over an estimator, or move it.  A pass may
 * have read the generation before it changed; then it sees no change of it, or
 * an old one.
 */
static void obj_passed(struct obj *obj)
{
	static const s64 zero[IP_VS_NCOUNTS];
	const struct ip_vs_estimator *est = &obj->stats.est;
	u64 age;
	bool calm;

	/* The walker that took it in before finds that, and no other walker comes
	 * before that one has left the chain
	 */
	if (obj->anew && est->gen == obj->gen) {
		obj->anew = false;
		return;
	}
	if (est->gen != obj->gen) {
		if (est->gen < IP_VS_EST_GEN_FIRST ||
		    est->gen > model_est()->gen)
			sim_fail("sampled in generation %u", est->gen);
		obj->gen = est->gen;
		obj_rebase(obj);
		model_seen.rebased++;
	} else {
		model_seen.woken += !!obj->quiet;
		obj->stamp = obj_since(obj);
		obj->quiet = 0;
		if ((s64)(sim.now - obj->stamp) < HZ)
			return;
		if (obj_later(obj))
			return;
		/* One of a batch has the time at which it was summed */
		age = sim.now - est->stamp;
		if (age > (obj->taken ? sim.now - obj->took_at : 0))
			sim_fail("a sample was due and not taken");
		model_seen.samples++;
		obj_check_sample(obj);
	}
	obj_note_groups(obj);
	calm = obj->stats.settled && !memcmp(obj->avg, zero, sizeof(zero));
	obj->quiet = calm ? obj->gen : 0;
}

/* est->lock is held: it leaves a chain, or enters one */
static void obj_moved(struct obj *obj)
{
	if (obj->leaving)
		obj->stamp = obj_since(obj);
	obj->leaving = false;
	obj->quiet = 0;
}

static void obj_unlocked(spinlock_t *lock)
{
	struct obj *obj = container_of(lock, struct obj, stats.lock);
	enum model_doing doing = obj->doing;

	if (current != &sim_main)
		doing = MODEL_NOTHING;
	if (doing == MODEL_NOTHING && sim.locks > 1)
		obj_moved(obj);
	else if (doing == MODEL_NOTHING)
		obj_passed(obj);
	if (doing == MODEL_ZERO) {
		obj_rebase(obj);
		memcpy(obj->zero, obj->total, sizeof(obj->zero));
	}
	if (doing == MODEL_START && obj->gen == IP_VS_EST_GEN_NEW) {
		obj->gen = model_est()->gen;
		obj->stamp = sim.now;
	} else if (doing == MODEL_START) {
		obj->gen = IP_VS_EST_GEN_STALE;
	}
	if (doing == MODEL_START)
		obj->quiet = 0;
	if (!obj_as_it_was(obj))
		sim_fail("doing %u changes gen %u, stamp %llu, or base and average",
			 doing, obj->stats.est.gen,
			 (unsigned long long)obj->stats.est.stamp);
}

struct obj *obj_new(void)
{
	struct obj *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (!obj)
		return NULL;
	if (ip_vs_stats_init(&obj->stats, model_est())) {
		kfree(obj);
		return NULL;
	}
	obj->stats.lock.unlocked = obj_unlocked;
	return obj;
}

static void obj_rcu_free(struct rcu_head *head)
{
	struct obj *obj = container_of(head, struct obj, rcu);

	ip_vs_stats_release(&obj->stats);
	kfree(obj);
}

void obj_free(struct obj *obj)
{
	if (obj->linked || !list_empty(&obj->stats.pending))
		sim_fail("stopped, but still in a list");
	model_check_left(obj);
	call_rcu(&obj->rcu, obj_rcu_free);
}

static void obj_counted(struct obj *obj, enum ip_vs_count c, u64 n)
{
	obj->total[c] += n;
	obj->first = obj->first ? : sim.now;
}

/* Any three objects do for a server, a service and the total: they are counted
 * for as often as they are named.
 */
void obj_count(struct obj *const objs[3], unsigned int cpu, enum ip_vs_count c,
	       u32 len)
{
	struct ip_vs_stats *dest = &objs[0]->stats, *svc = &objs[1]->stats;
	struct ip_vs_stats *total = &objs[2]->stats;
	enum ip_vs_count packets, bytes = IP_VS_NCOUNTS;
	unsigned int i;

	sim.cpu = cpu;
	switch (c) {
	case IP_VS_CONNS:
		ip_vs_stats_conn(dest, svc, total);
		packets = IP_VS_CONNS;
		break;
	case IP_VS_INPKTS:
	case IP_VS_INBYTES:
		ip_vs_stats_in(dest, svc, total, len);
		packets = IP_VS_INPKTS;
		bytes = IP_VS_INBYTES;
		break;
	default:
		ip_vs_stats_out(dest, svc, total, len);
		packets = IP_VS_OUTPKTS;
		bytes = IP_VS_OUTBYTES;
		break;
	}
	for (i = 0; i < 3; i++) {
		obj_counted(objs[i], packets, 1);
		if (bytes != IP_VS_NCOUNTS)
			obj_counted(objs[i], bytes, len);
	}
}

/* As if @n were counted at once */
void obj_jump(struct obj *obj, enum ip_vs_count c, u64 n)
{
	unsigned int cpu = sim_rnd(sim.nr_cpus);

	u64_stats_add(&per_cpu_ptr(obj->stats.cpustats, cpu)->cnt[c], n);
	atomic_long_or(per_cpu(ip_vs_stats_group, cpu), &obj->stats.dirty);
	obj_counted(obj, c, n);
}

/* A packet is held up while it is counted, inside its RCU read side: it has
 * looked at its bit, or has set it, and what it adds is not seen yet.  No
 * processor does both at once, nor need it do them in order.
 */
void obj_hold(struct held *held, struct obj *obj, enum ip_vs_count c)
{
	unsigned int cpu = sim_rnd(sim.nr_cpus);
	unsigned long group = per_cpu(ip_vs_stats_group, cpu);

	*held = (struct held){
		.obj = obj,
		.cpu = cpu,
		.c = c,
		.marked = atomic_long_read(&obj->stats.dirty) & group,
		.gp = sim_reader_enter(),
	};
	if (!held->marked && sim_rnd(2)) {
		atomic_long_or(group, &obj->stats.dirty);
		held->marked = true;
	}
	model_seen.held++;
}

/* It goes on and is through */
void obj_let_go(struct held *held)
{
	struct obj *obj = held->obj;
	unsigned long group = per_cpu(ip_vs_stats_group, held->cpu);

	u64_stats_add(&per_cpu_ptr(obj->stats.cpustats,
				   held->cpu)->cnt[held->c], 1);
	if (!held->marked)
		atomic_long_or(group, &obj->stats.dirty);
	obj_counted(obj, held->c, 1);
	sim_reader_leave(held->gp);
	held->obj = NULL;
}

void obj_read(struct obj *obj)
{
	struct ip_vs_kstats k;
	u64 want[2 * IP_VS_NCOUNTS];
	const u64 *got = &k.conns;
	u64 begun = sim.now;
	unsigned int c;

	obj->doing = MODEL_READ;
	/* What another task does after the lock would be read as well */
	sim.locks++;
	ip_vs_copy_stats(&k, &obj->stats);
	sim.locks--;
	obj->doing = MODEL_NOTHING;

	for (c = 0; c < IP_VS_NCOUNTS; c++) {
		want[c] = obj->total[c] - obj->zero[c];
		want[IP_VS_NCOUNTS + c] = obj_shown_rate(obj, c, sim.now);
		/* It may have become too old while it was read */
		if (got[IP_VS_NCOUNTS + c])
			want[IP_VS_NCOUNTS + c] = obj_shown_rate(obj, c, begun);
	}
	for (c = 0; c < 2 * IP_VS_NCOUNTS; c++) {
		if (got[c] != want[c])
			sim_fail("%s %u reads %llu, not %llu",
				 c < IP_VS_NCOUNTS ? "counter" : "rate",
				 c % IP_VS_NCOUNTS, (unsigned long long)got[c],
				 (unsigned long long)want[c]);
	}
}

void obj_zero(struct obj *obj)
{
	obj->doing = MODEL_ZERO;
	ip_vs_zero_stats(&obj->stats);
	obj->doing = MODEL_NOTHING;
}
