// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: /proc/net/ip_vs_est
 *
 * A header, then a line for each context of the namespace.  What the columns
 * mean stands in Documentation/networking/ipvs-estimator.rst.
 */

#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"
#include "ip_vs_est_pass.h"

/**
 * struct ip_vs_est_line - what is shown of a context
 * @pid: of its task, as the reader's proc file system numbers it; 0: none, or
 *	none that the reader can see
 * @nice: est_nice, which its task has unless somebody has reniced it
 * @ests: estimators
 * @rows: rows that hold them
 * @chain_max: estimators in a chain, at most
 * @view: what the kthread has noted
 */
struct ip_vs_est_line {
	pid_t			pid;
	int			nice;
	u32			ests;
	unsigned int		rows;
	u32			chain_max;
	struct ip_vs_est_view	view;
};

/* Take over what a context is like now; @cpus are those of its task, or the
 * wish where there is none.  Returns false when there is no @id.
 */
static bool ip_vs_est_line_get(struct ip_vs_est_net *est, unsigned int id,
			       struct pid_namespace *ns,
			       struct ip_vs_est_line *line,
			       struct cpumask *cpus)
{
	const struct ip_vs_est_ctx *ctx;

	lockdep_assert_held(&est->lock);

	ctx = id < est->nslots ? est->slot[id] : NULL;
	if (!ctx)
		return false;
	line->nice = est->nice;
	line->ests = ctx->count;
	line->rows = bitmap_weight(ctx->used, IP_VS_EST_ROWS);
	line->chain_max = est->chain_max;
	cpumask_copy(cpus, est->cpulist);
	if (ctx->task) {
		ip_vs_est_task_cpus(ctx->task, cpus);
		line->pid = task_pid_nr_ns(ctx->task, ns);
		/* Pair with WRITE_ONCE() in ip_vs_est_note_row() and
		 * ip_vs_est_period_end(), each figure for itself
		 */
		line->view.last_us = READ_ONCE(ctx->view.last_us);
		line->view.worst_us = READ_ONCE(ctx->view.worst_us);
		/* Not of a kthread that gets no CPU, whose rates read 0, too */
		if (jiffies - READ_ONCE(ctx->view.ended) <= IP_VS_EST_STALE) {
			line->view.read = READ_ONCE(ctx->view.read);
			line->view.skipped = READ_ONCE(ctx->view.skipped);
		}
	}
	return true;
}

static void ip_vs_est_line_show(struct seq_file *seq, unsigned int id,
				const struct ip_vs_est_line *line,
				const struct cpumask *cpus)
{
	seq_printf(seq, "%3u %7d ", id, line->pid);
	if (cpumask_empty(cpus))
		seq_puts(seq, "-");
	else
		seq_printf(seq, "%*pbl", cpumask_pr_args(cpus));
	seq_printf(seq, " %4d %7u %4u %9u %7u %8u %7u %7u\n",
		   line->nice, line->ests, line->rows, line->chain_max,
		   line->view.last_us, line->view.worst_us,
		   line->view.read, line->view.skipped);
}

/* Contexts may come and go between two lines */
static int ip_vs_est_show(struct seq_file *seq, void *v)
{
	struct ip_vs_est_net *est = net_ipvs(seq_file_single_net(seq))->est;
	struct pid_namespace *ns = proc_pid_ns(file_inode(seq->file)->i_sb);
	unsigned int id, nslots = 1;
	cpumask_var_t cpus;

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	seq_puts(seq, "ctx     pid cpus nice    ests rows chain_max last_us worst_us    read skipped\n");
	for (id = 0; id < nslots; id++) {
		struct ip_vs_est_line line = { };
		bool there;

		spin_lock(&est->lock);
		nslots = est->nslots;
		there = ip_vs_est_line_get(est, id, ns, &line, cpus);
		spin_unlock(&est->lock);
		if (there)
			ip_vs_est_line_show(seq, id, &line, cpus);
	}
	free_cpumask_var(cpus);
	return 0;
}

/**
 * ip_vs_est_proc_status() - lines of /proc/net/ip_vs_status about estimation
 * @ipvs: the namespace
 * @seq: that file
 *
 * Contexts are the slots, and chain_max decides how many estimators one has
 * room for: none before calibration.
 *
 * Context: process context, takes est->lock.
 */
void ip_vs_est_proc_status(struct netns_ipvs *ipvs, struct seq_file *seq)
{
	struct ip_vs_est_net *est = ipvs->est;
	unsigned int nctx, ctx_max, room;
	u32 chain_max;

	spin_lock(&est->lock);
	nctx = est->nctx;
	ctx_max = est->ctx_max;
	chain_max = est->chain_max;
	room = ip_vs_est_ctx_room(est);
	spin_unlock(&est->lock);
	seq_printf(seq, "Stats thread slots:\t%u (max %u)\n", nctx, ctx_max);
	seq_printf(seq, "Stats chain max len:\t%u\n", chain_max);
	seq_printf(seq, "Stats thread ests:\t%u\n", room);
}

/**
 * ip_vs_est_proc_add() - make /proc/net/ip_vs_est of a namespace
 * @ipvs: the namespace, in which estimation is set up
 *
 * Readable for the namespace's root only: it shows how busy the machine is.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int __net_init ip_vs_est_proc_add(struct netns_ipvs *ipvs)
{
	if (!proc_create_net_single("ip_vs_est", 0440, ipvs->net->proc_net,
				    ip_vs_est_show, NULL))
		return -ENOMEM;
	return 0;
}

/**
 * ip_vs_est_proc_del() - remove it; waits for those who read it
 * @ipvs: the namespace
 *
 * Context: may sleep.
 */
void __net_exit ip_vs_est_proc_del(struct netns_ipvs *ipvs)
{
	remove_proc_entry("ip_vs_est", ipvs->net->proc_net);
}
