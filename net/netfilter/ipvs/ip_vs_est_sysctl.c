// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the sysctls est_cpulist, est_nice and run_estimation
 *
 * A value that is refused leaves the old one in place.  One that is accepted
 * is in force when the write returns, and est_reload_work carries it to the
 * tasks; the writer does not wait for them.  Which values are valid is checked
 * in ip_vs_est_param.c.
 */

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

static int ip_vs_est_cpulist_show(struct ip_vs_est_net *est, void *buffer,
				  size_t *lenp, loff_t *ppos)
{
	struct ctl_table table = { };
	cpumask_var_t cpus;
	char *text;
	int ret;

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	spin_lock(&est->lock);
	cpumask_copy(cpus, est->cpulist);
	spin_unlock(&est->lock);

	text = kasprintf(GFP_KERNEL, "%*pbl", cpumask_pr_args(cpus));
	free_cpumask_var(cpus);
	if (!text)
		return -ENOMEM;
	table.data = text;
	table.maxlen = strlen(text) + 1;
	ret = proc_dostring(&table, 0, buffer, lenp, ppos);
	kfree(text);
	return ret;
}

static int ip_vs_est_cpulist_store(struct ip_vs_est_net *est,
				   const void *buffer, size_t len)
{
	cpumask_var_t cpus;
	char *text;
	int ret;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	text = kmemdup_nul(buffer, len, GFP_KERNEL);
	if (!text) {
		free_cpumask_var(cpus);
		return -ENOMEM;
	}

	ret = ip_vs_est_cpulist_get(text, true, cpus);
	if (!ret) {
		spin_lock(&est->lock);
		ip_vs_est_set_cpulist(est, cpus);
		ip_vs_est_set_limits(est);
		ip_vs_est_set_active(est);
		spin_unlock(&est->lock);
	}
	kfree(text);
	free_cpumask_var(cpus);
	return ret;
}

/**
 * ip_vs_est_sysctl_cpulist() - net.ipv4.vs.est_cpulist
 * @ipvs: the namespace
 * @write: 1 to write, 0 to read
 * @buffer: kernel memory
 * @lenp: bytes in @buffer
 * @ppos: position in the file
 *
 * A list of CPUs that the kthreads may use; empty: no estimation.
 *
 * Context: process context, takes est->lock.
 * Return: 0; -EINVAL for what is no list, for a CPU that the machine does not
 * have, when no CPU that the writer may use is online, and for a write that
 * does not begin at 0; -ERANGE and -EOVERFLOW from the parser; -ENOMEM.
 */
int ip_vs_est_sysctl_cpulist(struct netns_ipvs *ipvs, int write, void *buffer,
			     size_t *lenp, loff_t *ppos)
{
	int ret;

	if (!write)
		return ip_vs_est_cpulist_show(ipvs->est, buffer, lenp, ppos);
	/* A write of nothing is no list, an empty line is one */
	if (!*lenp)
		return 0;
	if (*ppos)
		return -EINVAL;
	ret = ip_vs_est_cpulist_store(ipvs->est, buffer, *lenp);
	if (!ret)
		*ppos += *lenp;
	return ret;
}

/* Read or write one int; true if there is a new value in @val */
static bool ip_vs_est_sysctl_int(int *val, int min, int max, int write,
				 void *buffer, size_t *lenp, loff_t *ppos,
				 int *ret)
{
	struct ctl_table table = {
		.data	= val,
		.maxlen	= sizeof(*val),
		.extra1	= &min,
		.extra2	= &max,
	};
	loff_t pos = *ppos;
	size_t len = *lenp;
	int old = *val;

	*ret = proc_dointvec_minmax(&table, write, buffer, lenp, ppos);
	/* The handler ignores, with success, what does not begin at 0, unless
	 * kernel.sysctl_writes_strict is off, and a write of nothing
	 */
	return write && !*ret && len && (!pos || *val != old);
}

/**
 * ip_vs_est_sysctl_nice() - net.ipv4.vs.est_nice
 * @ipvs: the namespace
 * @write: 1 to write, 0 to read
 * @buffer: kernel memory
 * @lenp: bytes in @buffer
 * @ppos: position in the file
 *
 * Context: process context, takes est->lock.
 * Return: 0; -EINVAL for what is no number from -20 to 19; -EOPNOTSUPP for one
 * above 0 on PREEMPT_RT.
 */
int ip_vs_est_sysctl_nice(struct netns_ipvs *ipvs, int write, void *buffer,
			  size_t *lenp, loff_t *ppos)
{
	struct ip_vs_est_net *est = ipvs->est;
	int ret, val = READ_ONCE(est->nice);

	if (ip_vs_est_sysctl_int(&val, MIN_NICE, MAX_NICE, write, buffer, lenp,
				 ppos, &ret)) {
		ret = ip_vs_est_nice_check(val);
		if (ret)
			return ret;
		spin_lock(&est->lock);
		/* Pairs with READ_ONCE() at the top of this function */
		WRITE_ONCE(est->nice, val);
		ip_vs_est_queue_reload(est, 0);
		spin_unlock(&est->lock);
	}
	return ret;
}

/**
 * ip_vs_est_sysctl_run() - net.ipv4.vs.run_estimation
 * @ipvs: the namespace
 * @write: 1 to write, 0 to read
 * @buffer: kernel memory
 * @lenp: bytes in @buffer
 * @ppos: position in the file
 *
 * 0 switches estimation off, any other number on.
 *
 * Context: process context, takes est->lock.
 * Return: 0; -EINVAL for what is no number.
 */
int ip_vs_est_sysctl_run(struct netns_ipvs *ipvs, int write, void *buffer,
			 size_t *lenp, loff_t *ppos)
{
	struct ip_vs_est_net *est = ipvs->est;
	int ret, val = READ_ONCE(est->run);

	if (ip_vs_est_sysctl_int(&val, INT_MIN, INT_MAX, write, buffer, lenp,
				 ppos, &ret)) {
		spin_lock(&est->lock);
		/* Pairs with READ_ONCE() at the top of this function */
		WRITE_ONCE(est->run, val);
		ip_vs_est_set_active(est);
		spin_unlock(&est->lock);
	}
	return ret;
}
