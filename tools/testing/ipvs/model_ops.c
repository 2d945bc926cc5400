// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: the steps, what happens to a namespace */

#include <linux/cpuhotplug.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "model.h"

static u32 pick(u32 n)
{
	return model.pick(n);
}

/* More often few than many: less than 2^@bits */
static u32 pick_few(u32 bits)
{
	return pick(1U << pick(bits + 1));
}

static void list_add_obj(struct obj **list, unsigned int *n, struct obj *obj)
{
	obj->index = *n;
	list[(*n)++] = obj;
}

static void list_del_obj(struct obj **list, unsigned int *n, struct obj *obj)
{
	struct obj *last = list[--*n];

	list[obj->index] = last;
	last->index = obj->index;
}

static void start(struct obj *obj)
{
	int ret;

	/* Before it is: other tasks run meanwhile and may place it */
	list_add_obj(model.started, &model.nstarted, obj);
	obj->doing = MODEL_START;
	ret = ip_vs_start_estimator(&model.ipvs, &obj->stats);
	obj->doing = MODEL_NOTHING;
	if (ret)
		sim_fail("error %d", ret);
}

void obj_stop(struct obj *obj)
{
	ip_vs_stop_estimator(&model.ipvs, &obj->stats);
	list_del_obj(model.started, &model.nstarted, obj);
}

void op_start(u32 n)
{
	while (n-- && model.nstarted + model.nstopped < model.objs_max) {
		struct obj *obj = obj_new();

		if (!obj)
			break;
		start(obj);
	}
}

void op_revive(u32 n)
{
	struct obj *obj;

	while (n-- && model.nstopped) {
		obj = model.stopped[pick(model.nstopped)];
		list_del_obj(model.stopped, &model.nstopped, obj);
		start(obj);
	}
}

/* The first one is the namespace's total, which stays */
void op_stop(u32 n, bool keep)
{
	struct obj *obj;

	while (n-- && model.nstarted > 1) {
		obj = model.started[1 + pick(model.nstarted - 1)];
		obj_stop(obj);
		if (keep)
			list_add_obj(model.stopped, &model.nstopped, obj);
		else
			obj_free(obj);
	}
}

void op_free(u32 n)
{
	struct obj *obj;

	while (n-- && model.nstopped) {
		obj = model.stopped[pick(model.nstopped)];
		list_del_obj(model.stopped, &model.nstopped, obj);
		obj_free(obj);
	}
}

static struct obj *some_obj(void)
{
	if (model.nstopped && !pick(4))
		return model.stopped[pick(model.nstopped)];
	return model.started[pick(model.nstarted)];
}

/* Traffic of a service that lasts, now on these CPUs and then on others */
static void op_busy(u32 n)
{
	struct obj *busy = model.started[model.busy % model.nstarted];
	struct obj *const objs[] = { busy, busy, model.started[0] };

	if (!pick(32)) {
		model.busy_cpu = sim_rnd(sim.nr_cpus);
		model.busy_cpus = 1 + pick_few(10);
	}
	if (!pick(128))
		model.busy = pick(model.nstarted);
	while (n--)
		obj_count(objs, (model.busy_cpu + sim_rnd(model.busy_cpus + 1)) %
			  sim.nr_cpus, sim_rnd(IP_VS_NCOUNTS), sim_rnd(65536));
}

static void op_traffic(void)
{
	struct obj *const objs[] = { some_obj(), some_obj(), some_obj() };
	u32 n = 1 + pick(8);

	if (!pick(64)) {
		obj_jump(objs[0], pick(IP_VS_NCOUNTS),
			 (1ULL << pick(64)) + pick(256));
		return;
	}
	if (pick(2)) {
		op_busy(n);
		return;
	}
	while (n--)
		obj_count(objs, sim_rnd(sim.nr_cpus), sim_rnd(IP_VS_NCOUNTS),
			  sim_rnd(65536));
}

/* A packet is held up, or one that was goes on */
static void op_held(void)
{
	struct held *held = &model.held[pick(MODEL_HELD)];

	if (held->obj)
		obj_let_go(held);
	else
		obj_hold(held, some_obj(), pick(IP_VS_NCOUNTS));
}

static void op_time(void)
{
	switch (pick(64)) {
	case 0:
		sim_pass(sim_rnd(20 * HZ));
		break;
	case 1:
		/* Where jiffies wrap, nobody is late for so long */
		if (!pick(64))
			sim_pass(BITS_PER_LONG == 64 ?
				 (u64)sim_rnd(U32_MAX) << 2 :
				 sim_rnd(U32_MAX >> 6));
		break;
	default:
		sim_pass(pick(2 * IP_VS_EST_TICK));
		break;
	}
}

static void op_grace_period(void)
{
	switch (pick(3)) {
	case 0:
		sim_gp_begin();
		break;
	case 1:
		sim_gp_end();
		break;
	default:
		sim_gp_begin();
		sim_gp_end();
		break;
	}
}

/* As a write to est_cpulist does; the other CPUs are of another speed */
static void op_cpulist(void)
{
	struct ip_vs_est_net *est = model_est();
	u32 n = pick(16) ? 1 + pick(min(sim.nr_cpus, 8U)) : 0;
	struct cpumask cpus;

	sim.lock_ns = 10 << (pick(4) ? 10 + pick(5) : pick(15));
	spin_lock(&est->lock);
	est->calibrate = true;
	bitmap_zero(cpus.bits, SIM_CPUS);
	while (n--)
		__set_bit(sim_rnd(sim.nr_cpus), cpus.bits);
	ip_vs_est_set_cpulist(est, &cpus);
	ip_vs_est_set_limits(est);
	ip_vs_est_set_active(est);
	ip_vs_est_wake(est->slot[0]);
	spin_unlock(&est->lock);
}

static void op_hotplug(void)
{
	unsigned int cpu = sim_rnd(sim.nr_cpus);

	if (!test_bit(cpu, sim_online.bits))
		__set_bit(cpu, sim_online.bits);
	else if (bitmap_weight(sim_online.bits, SIM_CPUS) > 1)
		__clear_bit(cpu, sim_online.bits);
	sim_cpu_event(cpu, test_bit(cpu, sim_online.bits));
}

/* One context is the limit for an owner without privilege.  No namespace
 * changes hands; but so the limit falls below what a few thousand need.
 */
static void op_owner(void)
{
	struct ip_vs_est_net *est = model_est();
	bool root = model.net.user_ns == &init_user_ns;

	spin_lock(&est->lock);
	model.net.user_ns = root ? &model.user_ns : &init_user_ns;
	ip_vs_est_set_limits(est);
	spin_unlock(&est->lock);
}

/* As a write to run_estimation does */
void op_run(int run)
{
	struct ip_vs_est_net *est = model_est();

	spin_lock(&est->lock);
	est->run = run;
	ip_vs_est_set_active(est);
	spin_unlock(&est->lock);
}

/* As that or a write to est_nice does */
static void op_sysctl(void)
{
	struct ip_vs_est_net *est = model_est();
	bool run = pick(2);
	int val = pick(4);

	if (run) {
		op_run(val);
		return;
	}
	spin_lock(&est->lock);
	est->nice = val;
	ip_vs_est_queue_reload(est, 0);
	spin_unlock(&est->lock);
}

/* As a kthread that asks for another limit */
static void op_measured(void)
{
	struct ip_vs_est_net *est = model_est();
	u32 want = 1 + (pick(4) ? pick(3) : pick_few(6));

	/* Where the clock is too coarse, nobody asks */
	if (sim.clock_res > IP_VS_EST_CLOCK_RES)
		return;
	spin_lock(&est->lock);
	if (est->chain_max && want != est->chain_max) {
		est->measured = want;
		ip_vs_est_wake(est->slot[0]);
	}
	spin_unlock(&est->lock);
}

/* All but few */
void op_stop_most(void)
{
	u32 left = pick_few(10);

	if (left < model.nstarted)
		op_stop(model.nstarted - left, pick(2));
}

static void op_rare(void)
{
	switch (pick(16)) {
	case 0:
		op_start(pick(model.objs_max));
		break;
	case 1:
		op_stop(pick_few(12), pick(2));
		break;
	case 2:
		op_revive(pick_few(8));
		break;
	case 3:
		op_free(pick_few(8));
		break;
	case 4 ... 5:
		op_trouble();
		break;
	case 6:
		op_cpulist();
		break;
	case 7:
		op_hotplug();
		break;
	case 8:
		op_sysctl();
		break;
	case 9 ... 10:
		op_measured();
		break;
	case 11 ... 12:
		op_owner();
		break;
	case 13:
		sim_run_all();
		break;
	default:
		/* The one that has room, or has not, is the rare case */
		op_start(pick_few(5));
		break;
	}
}

/* One step, and what must be true after it */
void model_op(void)
{
	u32 n;

	switch (pick(32)) {
	case 0 ... 2:
		op_start(1);
		break;
	case 3 ... 4:
		op_revive(1);
		break;
	case 5 ... 6:
		op_stop(1, true);
		break;
	case 7:
		op_stop(1, false);
		break;
	case 8:
		op_free(1);
		break;
	case 9 ... 12:
		op_traffic();
		break;
	case 13 ... 14:
		op_held();
		break;
	case 15 ... 17:
		obj_read(some_obj());
		break;
	case 18 ... 20:
		op_time();
		break;
	case 21 ... 27:
		for (n = 1 + pick_few(4); n && sim_run(); n--)
			;
		break;
	case 28 ... 29:
		op_grace_period();
		break;
	case 30:
		obj_zero(some_obj());
		break;
	default:
		if (!pick(8))
			op_rare();
		break;
	}
	model_check();
	model.step++;
}
