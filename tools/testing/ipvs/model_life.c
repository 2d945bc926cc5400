// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: the life of a namespace, from its set-up to its exit */

#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "model.h"

/* Ticks without trouble after which limits should not change any more */
#define MODEL_SETTLE	(200 * IP_VS_EST_ROWS)

struct model model;
struct model_seen model_seen;

/* There is no module, so none with parameters */
void ip_vs_est_param_init(void)
{
}

void ip_vs_est_defaults(struct ip_vs_est_net *est)
{
	est->run = 1;
	est->active = true;
}

static void let_all_go(void)
{
	struct held *h;

	for (h = model.held; h < model.held + MODEL_HELD; h++) {
		if (h->obj)
			obj_let_go(h);
	}
}

/* Let time pass, until in two periods no limit has changed; nobody but the
 * estimator wants grace periods.  Returns when these periods began.
 */
static u64 wait_calm(void)
{
	struct ip_vs_est_net *est = model_est();
	unsigned int ticks, calm = 0;
	u64 begin = sim.now;
	u32 chain_max = 0;

	for (ticks = 0; calm < 2 * IP_VS_EST_ROWS + 5; ticks++) {
		if (ticks > MODEL_SETTLE)
			sim_fail("no calm: limit %u, repack %d, active %d, %u started",
				 est->chain_max, est->repack, est->active,
				 est->started);
		sim_gp_begin_asked();
		sim_run_all();
		sim_gp_end();
		/* Without a service nobody repacks, nor need anybody */
		if ((est->repack && model_runs()) ||
		    est->chain_max != chain_max || ticks < IP_VS_EST_ROWS) {
			chain_max = est->chain_max;
			begin = sim.now;
			calm = 0;
		}
		calm++;
		sim_pass(IP_VS_EST_TICK);
	}
	return begin;
}

void op_yield(void)
{
	static const unsigned int yields[] = { 0, 2, 5, 20, 100, 1000 };

	sim.yield = yields[model.pick(ARRAY_SIZE(yields))];
}

/* Another machine: what walks take, and what the tasks get of a CPU.  A chain
 * is walked in nothing or in up to 32 ms, with up to 200 us more for each
 * estimator.
 */
static void op_speed(void)
{
	static const unsigned int slow[] = { 0, 0, 1, 1, 2, 12, 100 };

	sim.chain_ns = model.pick(2) ? 0 : 1000 << model.pick(16);
	sim.est_ns = model.pick(2) ? 0 : 100 << model.pick(12);
	sim.slow = slow[model.pick(ARRAY_SIZE(slow))];
	sim.slice = 1000000 << model.pick(5);
}

/* A task gets no CPU at all for up to 10 s */
static void op_starve(void)
{
	sim_starve(model.pick(256), sim_rnd(10 * HZ) * (1000000000ULL / HZ));
}

void op_trouble(void)
{
	switch (model.pick(6)) {
	case 0:
		sim.enomem = model.pick(3);
		break;
	case 1:
		sim.notask = model.pick(3);
		break;
	case 2 ... 3:
		op_speed();
		break;
	case 4:
		op_starve();
		break;
	default:
		op_yield();
		break;
	}
}

static void trouble_ends(void)
{
	let_all_go();
	sim.enomem = 0;
	sim.notask = 0;
	sim.yield = 0;
	sim.chain_ns = 0;
	sim.est_ns = 0;
	sim_starve_none();
}

/* Two periods in which nothing new comes */
static void pass_periods(void)
{
	unsigned int ticks;

	for (ticks = 0; ticks < 2 * IP_VS_EST_ROWS; ticks++) {
		sim_gp_begin_asked();
		sim_run_all();
		sim_gp_end();
		sim_pass(IP_VS_EST_TICK);
	}
}

/* A time without trouble, in which all that waits gets its turn, and another
 * one, in which no packet comes
 */
void model_settle(void)
{
	trouble_ends();
	model_check_settled(wait_calm());
	if (model.pick(2)) {
		op_stop_most();
		model_check_settled(wait_calm());
	}
	wait_calm();
	/* What found room only when limits had changed needs a third pass: one that
	 * finds what was counted, one that finds nothing new, one after that
	 */
	pass_periods();
	model_check_rest();
	op_yield();
}

/* So long that jiffies of 32 bits seem to have gone back.  Tasks that are there
 * run now and then.
 */
static void pass_months(void)
{
	u64 left = (1ULL << 31) + model.pick(1U << 30), step;

	for (; left; left -= step) {
		step = min_t(u64, left, 1 << 29);
		sim_pass(step);
		sim_run_all();
	}
}

/* A long time in which there may be no service, or no estimation; then it goes
 * on, also for what had no room before.
 */
void model_months(void)
{
	u32 what = model.pick(3);

	trouble_ends();
	if (what == 0)
		op_stop(model.nstarted, model.pick(2));
	else if (what == 1)
		op_run(false);
	pass_periods();
	if (what < 2 && sim_ntasks())
		sim_fail("%u tasks, and nothing to do", sim_ntasks());
	pass_months();
	if (model.pick(2))
		op_stop(model.pick(model.nstarted), model.pick(2));
	if (what == 1)
		op_run(true);
	op_start(1 + model.pick(16));
	if (model.nstarted == 1)
		op_revive(1);
	model_check_settled(wait_calm());
	op_yield();
	model_seen.months++;
}

void model_begin(u64 seed, unsigned int cpus, unsigned int objs, bool root,
		 u32 (*pick)(u32 n))
{
	memset(&model, 0, sizeof(model));
	sim_begin(seed, cpus);
	model.pick = pick;
	/* Some machines have no clock but jiffies */
	if (!sim_rnd(8))
		sim.clock_res = 1000000000 / HZ;
	model.objs_max = clamp(objs, 2U, min(MODEL_OBJS, MODEL_COUNTERS / cpus));
	model.net.user_ns = root ? &init_user_ns : &model.user_ns;
	model.ipvs.net = &model.net;
	if (ip_vs_est_init())
		sim_fail("set-up fails");
	/* Not only on the largest machines, which do not count so much */
	ip_vs_stats_wide = pick(2);
	ip_vs_stats_refresh = 1 << pick(6);
	sim.enomem = pick(2) ? 4 : 0;
	while (ip_vs_estimator_net_init(&model.ipvs))
		;
	sim.enomem = 0;
	model_est()->lock.unlocked = model_unlocked;
	op_start(1);
	op_yield();
	if (pick(2))
		op_start(pick(model.objs_max));
}

void model_end(void)
{
	struct ip_vs_est_net *est = model_est();
	struct obj *total = model.started[0];

	let_all_go();
	model_seen.corrections += est->corrections;
	model_seen.starved += sim.starved;
	if (est->corrections && sim.clock_res > IP_VS_EST_CLOCK_RES)
		sim_fail("limits are corrected by a clock that cannot tell");
	op_stop(model.nstarted, false);
	op_free(model.nstopped);
	obj_stop(total);
	obj_free(total);
	model_check_all();
	if (est->started || est->nctx != 1 || est->slot[0]->count)
		sim_fail("all are stopped, but %u are left", est->started);
	ip_vs_estimator_net_cleanup(&model.ipvs);
	ip_vs_est_cleanup();
	sim_end();
}
