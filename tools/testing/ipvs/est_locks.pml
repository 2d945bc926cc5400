// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation in kthreads: who waits for whom, as a model for spin
 *
 * Names are those of ip_vs_est*.c.  scripts/checks/model searches all states.
 *
 * A section under est->lock is one step: what others do meanwhile without it
 * could as well come before or after.  What waits or takes no lock is a step of
 * its own: set_current_state(), each part of kthread_stop(), CPU hotplug.
 *
 * Slot 0 has room for the total's estimator, slot 1 for ROOM others.  A row is
 * walked once, then its task sleeps without a timeout: a missing wake-up shows.
 * With -DLATE a row is always due, and no task with one ever sleeps.
 * Events come EVENTS times, in any order and at any moment, as may the exit of
 * the namespace.  -DBUG=... puts a mistake in that spin must find.
 */
#define STOP_UNDER_LOCK		1	/* kthread_stop() with est->lock held */
#define KTHREAD_MUTEX		2	/* kthread 0 takes a mutex of its stopper */
#define LOOK_BEFORE_STATE	3	/* looks for work, then sets its state */
#define STOP_UNCHECKED		4	/* sets its state, then looks for work only */
#define TASK_KEPT		5	/* ctx->task is there after the stop */
#define WAKE_UNLOCKED		6	/* wakes after est->lock was dropped */
#define NO_WAKE			7	/* _add_pending() wakes nobody */
#define NO_ROW_WAKE		8	/* ip_vs_est_place() wakes nobody */
#define DETACH_UNQUEUED		9	/* a context is left, the work not queued */
#define NO_CANCEL		10	/* exit leaves the work alone */
#define WALK_WHILE_DUE		11	/* walks rows as long as one is due */
#ifndef BUG
#define BUG	0
#endif
#ifndef LATE
#define LATE	(BUG == WALK_WHILE_DUE)
#endif
#ifndef EVENTS
#define EVENTS	3
#endif
#ifndef NCTX
#define NCTX	2	/* contexts: slot 0's, one or two that come and go */
#define ROOM	2
#endif

#define OFF	0	/* an estimator is nowhere, */
#define PEND	1	/* on the pending list, */
#define IN	2	/* or in context where - IN */

#define NONE	0	/* a task is not there, */
#define LIVE	1	/* was created, */
#define ENDED	2	/* has returned and is not yet freed */

byte rtnl, ip_vs_mutex, lock;	/* who holds it: pid + 1, or 0 */

/* struct ip_vs_est_net; on: active; no_room: full; due: place_at is over */
byte where[3], started, slot1, cpus = 2, ctx_max = 2;
bool on = true, exiting, no_room, due, repack, measured, calibrate = true;
bool chain_max, work_pending, work_running;

/* struct ip_vs_est_ctx, struct task_struct; row: there is one to walk */
bool used[NCTX], detached[NCTX], draining[NCTX], row[NCTX], task[NCTX];
bool asleep[NCTX], should_stop[NCTX];
byte life[NCTX];

byte ctx, worker, leaver, users, events = EVENTS;	/* the model's own */
bool stopping, leaving, gone, late;

#define SHOULD_RUN	(on && started > 1 && !exiting)
#define NCTX_USED	(1 + (slot1 != 0))
#define SLOT(id)	(id -> slot1 : 0)
#define TASK(id)	(id == 0 && task[0] || id == 1 && slot1 && task[slot1])
#define MISSING(id)	(id == 0 && !task[0] || id == 1 && slot1 && !task[slot1])
#define COUNT(c)	((where[0] == IN + c) + (where[1] == IN + c) + (where[2] == IN + c))
#define PENDING		(where[0] == PEND || where[1] == PEND || where[2] == PEND)
#define DETACHED	(detached[1] || detached[NCTX - 1])
#define MEMORY		(!used[1] || !used[NCTX - 1])
#define MUST_PLACE	(SHOULD_RUN && PENDING && !no_room)
#define MUST_WALK	(SHOULD_RUN && (row[0] || row[1] || row[NCTX - 1]))
#define RIGHT(c, there)	((life[c] == LIVE) == (SHOULD_RUN && (there)))
#define TASKS_RIGHT	(RIGHT(0, 1) && RIGHT(1, slot1 == 1) && \
			 RIGHT(NCTX - 1, slot1 == NCTX - 1) && !DETACHED)

ltl stop_answered	{ []<> !stopping }
ltl placed		{ []<> !MUST_PLACE }
ltl walked		{ []<> !MUST_WALK }
ltl tasks_as_wished	{ []<> (gone || TASKS_RIGHT) }
ltl exit_ends		{ [] (leaving -> <> gone) }

#define IF(cond, ...)	if :: cond -> __VA_ARGS__ :: else fi
#define LOCK(l)		atomic { l == 0 -> l = _pid + 1 }
#define UNLOCK(l)	assert(l == _pid + 1); l = 0
#define LOCKED(cond, ...) \
	atomic { lock == 0 && (cond) -> lock = _pid + 1; __VA_ARGS__; UNLOCK(lock) }
#define WAKE(c)		IF(task[c], assert(life[c] != NONE); asleep[c] = false)
#define QUEUE_RELOAD	IF(!exiting, assert(!gone); work_pending = true)

inline pend(e)		/* ip_vs_est_add_pending() */
{
	IF(!PENDING, due = false; IF(BUG != NO_WAKE && BUG != WAKE_UNLOCKED, WAKE(0)));
	where[e] = PEND
}

inline unlink(e)	/* ip_vs_est_unlink(), ip_vs_est_ctx_detach() */
{
	if
	:: where[e] >= IN ->
		ctx = where[e] - IN; where[e] = OFF;
		IF(COUNT(ctx) == 0, row[ctx] = false;
			IF(ctx, slot1 = 0; detached[ctx] = true;
				IF(BUG != DETACH_UNQUEUED, QUEUE_RELOAD)));
		ctx = 0;
		IF(no_room, no_room = false; WAKE(0))
	:: else -> where[e] = OFF; due = due && PENDING
	fi
}

/* ip_vs_start_estimator(), ip_vs_stop_estimator() */
inline start_estimator(e) { IF(started == 1, QUEUE_RELOAD); started++; pend(e) }
inline stop_estimator(e) { unlink(e); started--; IF(started == 1, QUEUE_RELOAD) }

inline repack_all()	/* ip_vs_est_repack() */
{
	IF(chain_max, draining[slot1] = slot1 && (started < 2 || ctx_max < 2);
		repack = true; no_room = false; WAKE(0))
}

inline set_limits()	/* ip_vs_est_set_limits() */
{
	ctx_max = cpus;
	IF(NCTX_USED > ctx_max, repack_all());
	IF(no_room && NCTX_USED < ctx_max, no_room = false; WAKE(0))
}

inline kthread_stop(c)	/* asks; wakes; waits and frees the task */
{
	atomic {
		assert(_pid == worker || _pid == leaver);
		assert(lock != _pid + 1);
		assert(life[c] != NONE && !should_stop[c]);
		stopping = true; should_stop[c] = true
	}
	asleep[c] = false;
	atomic { life[c] == ENDED -> life[c] = NONE; should_stop[c] = false; stopping = false }
}

inline free_detached()	/* ip_vs_est_free_detached() */
{
	do
	:: LOCKED(DETACHED, c = (detached[1] -> 1 : NCTX - 1); detached[c] = false;
			has = task[c]; task[c] = false);
		IF(has, kthread_stop(c));
		atomic { used[c] = false; draining[c] = false; has = false; c = 0 }
	:: atomic { !DETACHED -> break }
	od
}

inline stop_tasks()	/* ip_vs_est_stop_tasks() */
{
	do
	:: LOCKED(!SHOULD_RUN && id < 2 && !TASK(id), id++)
	:: LOCKED(!SHOULD_RUN && id < 2 && TASK(id), c = SLOT(id); task[c] = (BUG == TASK_KEPT));
#if BUG == STOP_UNDER_LOCK
		LOCK(lock); kthread_stop(c); UNLOCK(lock);
#else
		kthread_stop(c);
#endif
		atomic { c = 0; id++ }
	:: atomic { SHOULD_RUN || id == 2 -> id = 0; break }
	od
}

inline place()		/* ip_vs_est_place(), _ctx_attach(), _prepare() */
{
	e = (where[0] == PEND -> 0 : (where[1] == PEND -> 1 : 2));
	if
	:: COUNT(0) == 0 -> where[e] = IN; row[0] = true; WAKE(0)
	:: else -> if
		:: slot1 && !draining[slot1] && COUNT(slot1) < ROOM ->
			where[e] = IN + slot1; row[slot1] = true;
			IF(BUG != NO_ROW_WAKE, WAKE(slot1))
		:: else -> if
			:: NCTX_USED >= ctx_max -> no_room = true
			:: NCTX_USED < ctx_max && !MEMORY -> due = false
			:: NCTX_USED < ctx_max && MEMORY ->
				slot1 = (used[1] -> NCTX - 1 : 1); used[slot1] = true;
				where[e] = IN + slot1; row[slot1] = true; QUEUE_RELOAD
			fi
		fi
	fi;
	e = 0; due = due && PENDING
}

inline repack_step()	/* ip_vs_est_repack_step() */
{
	IF(slot1 && draining[slot1],
		e = (where[1] == IN + slot1 -> 1 : 2); assert(where[e] == IN + slot1);
		unlink(e); pend(e); e = 0);
	repack = slot1 && draining[slot1]
}

/* And _calibrate() without its pauses, _correct(), _place_batch() */
inline distribute()	/* ip_vs_est_distribute() */
{
	if
	:: LOCKED(calibrate, calibrate = false);
		if
		:: LOCKED(should_stop[0], calibrate = true)
		:: LOCKED(!should_stop[0], chain_max = true)
		fi
	:: !calibrate
	fi;
	if
	:: LOCKED(chain_max, IF(measured, measured = false; repack_all()));
		do
		:: LOCKED(!should_stop[0] && repack, repack_step())
		:: atomic { should_stop[0] || !repack -> break }
		od;
		LOCKED(true, IF(!should_stop[0] && PENDING && !no_room && due, place()))
	:: !chain_max
	fi
}

inline look(c)	/* ip_vs_est_idle_time(): idle 0: no, 1: for ever, 2: until due */
{
	LOCKED(true, idle = !row[c];
		IF(c == 0 && PENDING && !no_room, idle = (due || !idle -> 0 : 2));
		IF(c == 0 && (calibrate || measured || repack), idle = 0))
}

#if BUG == WALK_WHILE_DUE
#define WALKED	skip
#else
#define WALKED	break	/* one row a turn */
#endif

proctype kthread(byte c)	/* ip_vs_est_kthread(), _walk_next(), _period() */
{
	byte e, idle;

end:	do
	:: life[c] == LIVE && !asleep[c] ->
		do
		:: atomic { should_stop[c] -> life[c] = ENDED; break }
		:: !should_stop[c] ->
#if BUG == KTHREAD_MUTEX
			IF(c == 0, LOCK(ip_vs_mutex); distribute(); UNLOCK(ip_vs_mutex));
#else
			IF(c == 0, distribute());
#endif
			do	/* a walk may show that limits are wrong */
			:: LOCKED(!should_stop[c] && row[c], row[c] = LATE); WALKED
			:: LOCKED(!should_stop[c] && row[c] && events,
					events--; row[c] = LATE; measured = true; WAKE(0)); WALKED
			:: atomic { should_stop[c] || !row[c] -> break }
			od;
#if BUG == LOOK_BEFORE_STATE
			look(c); asleep[c] = true;
#else
			asleep[c] = true; look(c);
#endif
			if	/* schedule_timeout() */
			:: idle && (!should_stop[c] || BUG == STOP_UNCHECKED) ->
end_asleep:			atomic { !asleep[c] || idle == 2 && due -> asleep[c] = false; idle = 0 }
			:: atomic { !idle || should_stop[c] && BUG != STOP_UNCHECKED -> asleep[c] = false; idle = 0 }
			fi
		od
	od
}

proctype reload_work()	/* ip_vs_est_reload(), without nice and affinity */
{
	byte c, id;
	bool has;

end:	do
	:: LOCKED(work_pending, assert(!gone); work_pending = false; work_running = true;
			set_limits());
		free_detached();
		stop_tasks();
		do	/* ip_vs_est_start_tasks(), _start_task() */
		:: LOCKED(SHOULD_RUN && id < 2 && !MISSING(id), id++)
		:: LOCKED(SHOULD_RUN && id < 2 && MISSING(id), c = SLOT(id));
			if
			:: LOCKED(events, events--; QUEUE_RELOAD); break
			:: atomic {
					assert(used[c] && life[c] == NONE && _pid == worker);
					asleep[c] = true; life[c] = LIVE
				}
				LOCKED(true, task[c] = true; WAKE(c); c = 0; id++)
			fi
		:: atomic { !SHOULD_RUN || id == 2 -> break }
		od;
		atomic { id = 0; c = 0; work_running = false }
	od
}

proctype control()	/* do_ip_vs_set_ctl(), ip_vs_genl_set_cmd() */
{
	byte e;

end:	do
	:: atomic {
			events && !leaving && ip_vs_mutex == 0 -> events--; users++;
			ip_vs_mutex = _pid + 1;
			if
			:: e = 1
			:: where[1] != OFF -> e = 2	/* the two are alike */
			fi
		}
		if
		:: LOCKED(where[e] == OFF, start_estimator(e); late = task[0] && BUG == WAKE_UNLOCKED)
		:: LOCKED(where[e] != OFF, stop_estimator(e))
		fi;
		atomic {
			IF(late, assert(life[0] != NONE); asleep[0] = false; late = false);
			UNLOCK(ip_vs_mutex); e = 0; users--
		}
	od
}

proctype device()	/* ip_vs_dst_event(), a netdevice notifier */
{
end:	do
	:: atomic { events && rtnl == 0 -> events--; rtnl = _pid + 1 }
		LOCK(ip_vs_mutex);
		atomic { UNLOCK(ip_vs_mutex); UNLOCK(rtnl) }
	od
}

proctype sysctl()	/* ip_vs_est_sysctl_run(), _cpulist(), ip_vs_est_cpu_online(), _dead() */
{
	byte c;

end:	do
	:: atomic { events && !leaving -> events--; users++ }
#if BUG == KTHREAD_MUTEX
		LOCK(ip_vs_mutex); IF(task[0], kthread_stop(0)); UNLOCK(ip_vs_mutex);
#endif
		if
		:: LOCKED(true, on = !on; QUEUE_RELOAD; users--)
		:: LOCKED(true, cpus = 3 - cpus; calibrate = true; set_limits(); QUEUE_RELOAD; WAKE(0); users--)
		:: cpus = 3 - cpus; LOCKED(true, QUEUE_RELOAD; users--)
		fi
	od
}

proctype net_exit()	/* ip_vs_estimator_net_cleanup() and before it; or nothing */
{
	byte c, id;
	bool has;

	if
	:: true -> atomic {
			timeout;	/* nobody can move any more */
			assert(!work_pending && !work_running && !stopping);
			assert(!lock && !ip_vs_mutex && !rtnl);
			assert(!MUST_PLACE && !MUST_WALK && TASKS_RIGHT);
			assert(!no_room || NCTX_USED >= ctx_max);
			assert(!SHOULD_RUN || !(calibrate || measured || repack))
		}
	:: atomic { users == 0 -> leaving = true; c = 2 }
		LOCK(ip_vs_mutex);
		do	/* the services and then the total */
		:: LOCKED(where[c] != OFF, stop_estimator(c))
		:: atomic { where[c] == OFF && c -> c-- }
		:: atomic { where[c] == OFF && !c -> break }
		od;
		UNLOCK(ip_vs_mutex);
		LOCKED(true, exiting = true);
#if BUG != NO_CANCEL
		work_pending = false; !work_running;	/* cancel_delayed_work_sync() */
#endif
		stop_tasks();		/* ip_vs_est_stop_all() */
		free_detached();
		atomic {
			assert(!work_pending && !work_running);
			assert(!life[0] && !life[1] && !life[NCTX - 1] && !lock);
			assert(!used[1] && !used[NCTX - 1]);
			gone = true
		}
	fi
}

proctype clock()	/* jiffies; a retry that finds no memory again is left out */
{
end:	do
	:: atomic { !due && PENDING && (slot1 || MEMORY) -> due = true }
	od
}

init	/* ip_vs_estimator_net_init(), and the total's estimator */
{
	atomic {
		used[0] = true; where[0] = PEND; started = 1;
		run kthread(0); run kthread(1);
#if NCTX > 2
		run kthread(2);
#endif
		worker = run reload_work();
		run control(); run device(); run sysctl();
		leaver = run net_exit();
		run clock()
	}
}
