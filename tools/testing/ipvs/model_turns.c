// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: what a kthread gets done in its turns, however long they take
 *
 * A task that is short of CPU, or whose walks take longer than a row has time,
 * may be as late as it likes; but its time must not go into one thing only.
 * So what is owed is counted in the walks of rows that the task has ended:
 *
 *  - Between two walks, kthread 0 does a part of what waits for it: it takes
 *    over a correction, or repacks, or places what may be placed.  In so many
 *    walks all of it is done.
 *  - It does not place for longer than a tick while a row is due.
 *  - No row is left out: each is walked before any other is for a second time.
 *  - None is walked more than 400 ms ahead of its time, nor again before a period
 *    from there; and what was missed is not caught up with.
 *  - A task that is always late sleeps now and then, so that RCU tasks do not
 *    wait for it for ever.
 */

#include <linux/rcupdate.h>

#include "model.h"

/* Walks in which what is owed may stand still: one that was under way when it
 * came, one after the turn in which memory was all that was missing, and one
 * more, as it is not looked at each time that it changes
 */
#define MODEL_PATIENCE	3

/* So much ahead of its time a row may be walked, jiffies */
#define MODEL_AHEAD	(10 * IP_VS_EST_TICK)

static bool is_kthread_0(void)
{
	return current != &sim_main && current->data == model_est()->slot[0];
}

/* What has become of all that kthread 0 may have to do */
static void note_progress(const struct ip_vs_est_net *est)
{
	struct model_turn *t = &model.turn;
	unsigned int place = est->repack ? 1 + est->repack_ctx * 64 +
				   est->repack_row : 0;

	if (place != t->repack || est->room_from != t->room_from ||
	    sim.failed != t->failed ||
	    (t->measured && !est->measured) ||
	    (t->calibrate && !est->calibrate) ||
	    (model.batch && is_kthread_0()))
		t->owed = 0;
	t->repack = place;
	t->room_from = est->room_from;
	t->failed = sim.failed;
	t->measured = est->measured;
	t->calibrate = est->calibrate;
}

/* There is something that kthread 0 need not wait for */
static const char *owes(const struct ip_vs_est_net *est)
{
	const struct ip_vs_stats *first;

	if (est->calibrate)
		return "a calibration";
	if (!est->chain_max)
		return NULL;
	if (est->measured)
		return "a correction";
	if (est->repack)
		return "repacking";
	first = list_first_entry_or_null(&est->pending, struct ip_vs_stats,
					 pending);
	if (!first || est->full || time_before(jiffies, est->place_at) ||
	    (first->est.unlinked &&
	     !poll_state_synchronize_rcu(first->est.cookie)))
		return NULL;
	return "placing";
}

static bool row_is_due(const struct ip_vs_est_ctx *ctx)
{
	unsigned int row = ctx->cursor, steps;

	for (steps = 0; steps < IP_VS_EST_ROWS && !ctx->load[row]; steps++)
		row = (row + 1) % IP_VS_EST_ROWS;
	return steps < IP_VS_EST_ROWS &&
	       time_after_eq(jiffies, ctx->cursor_time + steps * IP_VS_EST_TICK);
}

/* Kthread 0 gives back est->lock.  The first batch that it moves while a row is
 * due begins a time in which it may go on.
 */
static void check_batch(const struct ip_vs_est_net *est)
{
	struct model_turn *t = &model.turn;

	if (!row_is_due(est->slot[0])) {
		t->placing = NULL;
	} else if (!model.batch) {
		return;
	} else if (t->placing != current || t->switches != current->nvcsw) {
		t->placing = current;
		t->switches = current->nvcsw;
		t->since = sim.now;
		t->late = 0;
	} else if (sim.now - t->since > IP_VS_EST_TICK &&
		   ++t->late > MODEL_PATIENCE) {
		sim_fail("kthread 0 places for %lu jiffies while a row is due",
			 (unsigned long)(sim.now - t->since));
	}
}

/* est->lock is about to be given back */
void model_turn_unlocked(void)
{
	note_progress(model_est());
	if (is_kthread_0())
		check_batch(model_est());
}

static struct model_rows *rows_of(const struct ip_vs_est_ctx *ctx)
{
	struct model_rows *rows = &model.rows[ctx->id % MODEL_CTXS];

	if (rows->ctx != ctx)
		*rows = (struct model_rows){ .ctx = ctx };
	return rows;
}

/* est->lock is held: a row is there from now on */
void model_row_opened(const struct ip_vs_est_ctx *ctx, unsigned int row)
{
	struct model_rows *rows = rows_of(ctx);

	rows->walked[row] = rows->walks;
	rows->due[row] = 0;
	rows->begun[row][0] = 0;
	rows->begun[row][1] = 0;
	rows->late[row] = 0;
}

/* The walk that has just ended was due then; the task has not gone on yet */
static u64 row_due(const struct ip_vs_est_ctx *ctx, unsigned int row)
{
	unsigned int steps = (row + IP_VS_EST_ROWS - ctx->cursor) %
			     IP_VS_EST_ROWS;
	unsigned long due = ctx->cursor_time + steps * IP_VS_EST_TICK;

	return sim.now + (long)(due - (unsigned long)sim.now);
}

/* A walk that was late began when it is said to have; another one not before it
 * might; if it had no CPU after it had looked at the time, when it should have.
 * Of two that follow each other, the second may be one that is late by a period; of
 * three, the last is a period from the first.
 */
static void check_row_time(const struct ip_vs_est_ctx *ctx,
			   struct model_rows *rows, unsigned int row,
			   unsigned long late)
{
	u64 due = row_due(ctx, row), *begun = rows->begun[row];

	/* A new task begins a new time */
	if (rows->task != current) {
		memset(rows->due, 0, sizeof(rows->due));
		memset(rows->begun, 0, sizeof(rows->begun));
		memset(rows->late, 0, sizeof(rows->late));
		rows->task = current;
	}
	if (time_after64(due, sim.now + MODEL_AHEAD))
		sim_fail("row %u is walked %lu jiffies ahead", row,
			 (unsigned long)(due - sim.now));
	if (rows->due[row] &&
	    time_after64(rows->due[row] + IP_VS_EST_PERIOD - MODEL_AHEAD,
			 sim.now))
		sim_fail("row %u is walked twice in a period", row);
	if (begun[0] && time_after64(begun[0] + IP_VS_EST_PERIOD - MODEL_AHEAD,
				     sim.now))
		sim_fail("row %u is walked three times in a period", row);
	rows->late[row] = late > IP_VS_EST_PERIOD ? rows->late[row] + 1 : 0;
	if (rows->late[row] > MODEL_PATIENCE)
		sim_fail("row %u catches up with what it has missed", row);
	rows->due[row] = due;
	begun[0] = begun[1];
	begun[1] = late ? due + min_t(unsigned long, late, IP_VS_EST_PERIOD) : due - MODEL_AHEAD;
}

static void check_rows(const struct ip_vs_est_ctx *ctx)
{
	const struct model_rows *rows = rows_of(ctx);
	unsigned int i;

	for (i = 0; i < IP_VS_EST_ROWS; i++) {
		if (ctx->load[i] &&
		    rows->walks - rows->walked[i] > IP_VS_EST_ROWS)
			sim_fail("row %u of context %u waits for ever", i,
				 ctx->id);
	}
}

static void check_owed(const struct ip_vs_est_net *est)
{
	struct model_turn *t = &model.turn;
	const char *what = owes(est);

	t->placing = NULL;
	if (!what)
		t->owed = 0;
	else if (++t->owed > MODEL_PATIENCE)
		sim_fail("%u walks of kthread 0, and it owes %s", t->owed,
			 what);
}

static void check_slept(unsigned int id)
{
	if (sim.now - current->slept > IP_VS_EST_PERIOD &&
	    ++current->walks > MODEL_PATIENCE)
		sim_fail("task %u has not slept for %lu jiffies", id,
			 (unsigned long)(sim.now - current->slept));
}

/* The walk of a row has ended, in the task that runs */
void model_row_walked(unsigned int row, unsigned long late)
{
	const struct ip_vs_est_net *est = model_est();
	const struct ip_vs_est_ctx *ctx = current->data;
	struct model_rows *rows;

	model_seen.walks++;
	model_seen.late += late > IP_VS_EST_TICK;
	/* One that is to be stopped has no rows any more */
	if (est->slot[ctx->id] != ctx)
		return;
	rows = rows_of(ctx);
	rows->walked[row] = ++rows->walks;
	check_row_time(ctx, rows, row, late);
	if (current->stop)
		return;
	check_slept(ctx->id);
	check_rows(ctx);
	if (!ctx->id)
		check_owed(est);
}
