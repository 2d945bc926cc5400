// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: module parameters, and which values are valid
 *
 * run_estimation, est_nice and est_cpulist of the module are what network
 * namespaces that are made later begin with, whoever makes them.  Those that
 * exist go on with their sysctls.  So a value that is given where modules get
 * their options lasts over a reload, and is there in containers.
 *
 * Values are checked here, for the sysctls as well; one that is refused leaves
 * the old one in place.
 */

#define pr_fmt(fmt) "IPVS: " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/* Read instead of a list, and written, while est_cpulist is not given */
#define IP_VS_EST_UNSET		"default"

/* Protects the values below; a leaf, process context only.  Writers and those
 * who read a parameter also hold the kernel's lock of the module's parameters.
 */
static DEFINE_SPINLOCK(ip_vs_est_param_lock);
static int ip_vs_est_param_run = 1;
static int ip_vs_est_param_nice;
/* Without it a namespace begins with the default CPUs, see ip_vs_est_cpus.c */
static bool ip_vs_est_param_cpus_set;
static struct cpumask ip_vs_est_param_cpus;

/* What the kernel's command line says, until there is more than one CPU */
static char *ip_vs_est_param_boot;
/* The module is there: whoever writes is a task that is bound to its CPUs */
static bool ip_vs_est_param_ready;

/**
 * ip_vs_est_cpulist_parse() - CPUs that a text names
 * @text: a list like "0-3,8", written over
 * @possible: CPUs that the machine can have, at least @nbits bits
 * @nbits: number of the last of them, plus 1
 * @cpus: receives what is named, at least @nbits bits
 *
 * A number must be that of a CPU that the machine can have: a user who writes
 * one knows which CPU is meant.  "all", and "N" for the last one, mean only
 * those of the range that the machine can have.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL for what is no list, and for a CPU that cannot be;
 * -ERANGE and -EOVERFLOW for too great a number, from bitmap_parselist();
 * -ENOMEM.
 */
int ip_vs_est_cpulist_parse(char *text, const unsigned long *possible,
			    unsigned int nbits, unsigned long *cpus)
{
	unsigned long *named = bitmap_zalloc(nbits, GFP_KERNEL);
	char *region;
	int ret = 0;

	if (!named)
		return -ENOMEM;
	bitmap_zero(cpus, nbits);
	while (!ret && text) {
		region = strsep(&text, ", \t\n");
		ret = bitmap_parselist(region, named, nbits);
		if (ret)
			break;
		if (strpbrk(region, "aAN"))
			bitmap_and(named, named, possible, nbits);
		else if (!bitmap_subset(named, possible, nbits))
			ret = -EINVAL;
		bitmap_or(cpus, cpus, named, nbits);
	}
	bitmap_free(named);
	return ret;
}

/**
 * ip_vs_est_cpulist_get() - CPUs that are written for kthreads to use
 * @text: a list, or nothing for no CPU; written over
 * @cut: leave only those that the caller may use itself
 * @cpus: receives them
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL when no CPU that is left is online; what
 * ip_vs_est_cpulist_parse() returns.
 */
int ip_vs_est_cpulist_get(char *text, bool cut, struct cpumask *cpus)
{
	unsigned long flags;
	int ret;

	text = strim(text);
	if (!*text) {
		cpumask_clear(cpus);
		return 0;
	}
	ret = ip_vs_est_cpulist_parse(text, cpumask_bits(cpu_possible_mask),
				      nr_cpu_ids, cpumask_bits(cpus));
	if (ret)
		return ret;

	if (cut) {
		raw_spin_lock_irqsave(&current->pi_lock, flags);
		cpumask_and(cpus, cpus, &current->cpus_mask);
		raw_spin_unlock_irqrestore(&current->pi_lock, flags);
	}
	return cpumask_intersects(cpus, cpu_online_mask) ? 0 : -EINVAL;
}

/**
 * ip_vs_est_nice_check() - may kthreads have this nice value?
 * @nice: what is wished
 *
 * On PREEMPT_RT a kthread can be preempted with est->lock or stats->lock held,
 * and those who wait for it give it no weight, see ip_vs_est.c.  At nice 19 it
 * would get 15 of 1039 parts of a CPU that one busy task has (the kernel's
 * sched_prio_to_weight), and whoever adds a service would wait for that.
 *
 * Context: any.
 * Return: 0; -EINVAL for what is no nice value; -EOPNOTSUPP for one above 0 on
 * PREEMPT_RT, and the log says why.
 */
int ip_vs_est_nice_check(int nice)
{
	if (nice < MIN_NICE || nice > MAX_NICE)
		return -EINVAL;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) || nice <= 0)
		return 0;
	pr_info_ratelimited("est_nice above 0 is refused on PREEMPT_RT: whoever waits for a lock that a kthread holds would wait for whatever is less nice\n");
	return -EOPNOTSUPP;
}

static void ip_vs_est_param_store(int *param, int val)
{
	spin_lock(&ip_vs_est_param_lock);
	*param = val;
	spin_unlock(&ip_vs_est_param_lock);
}

static int ip_vs_est_param_set_run(const char *val,
				   const struct kernel_param *kp)
{
	int run;

	if (kstrtoint(val, 0, &run))
		return -EINVAL;
	ip_vs_est_param_store(kp->arg, run);
	return 0;
}

static int ip_vs_est_param_set_nice(const char *val,
				    const struct kernel_param *kp)
{
	int nice, ret;

	if (kstrtoint(val, 0, &nice))
		return -EINVAL;
	ret = ip_vs_est_nice_check(nice);
	if (!ret)
		ip_vs_est_param_store(kp->arg, nice);
	return ret;
}

/* @val is written over */
static int ip_vs_est_param_store_cpus(char *val)
{
	bool set = strcmp(strim(val), IP_VS_EST_UNSET);
	cpumask_var_t cpus;
	int ret = 0;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	/* While the module is loaded, often by some kernel thread's child, the
	 * CPUs of that task say nothing about who chose the text.  Pairs with
	 * WRITE_ONCE() in ip_vs_est_param_init().
	 */
	if (set)
		ret = ip_vs_est_cpulist_get(val,
					    READ_ONCE(ip_vs_est_param_ready),
					    cpus);
	if (!ret) {
		spin_lock(&ip_vs_est_param_lock);
		ip_vs_est_param_cpus_set = set;
		cpumask_copy(&ip_vs_est_param_cpus, cpus);
		spin_unlock(&ip_vs_est_param_lock);
	}
	free_cpumask_var(cpus);
	return ret;
}

static int ip_vs_est_param_set_cpus(const char *val,
				    const struct kernel_param *kp)
{
	char *text;
	int ret;

	/* The kernel's command line, which stays.  Nothing can be allocated
	 * yet, and CPUs that are named are not online.
	 */
	if (system_state == SYSTEM_BOOTING) {
		ip_vs_est_param_boot = (char *)val;
		return 0;
	}
	text = kstrdup(val, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = ip_vs_est_param_store_cpus(text);
	kfree(text);
	return ret;
}

/* Under the kernel's lock of parameters, so nobody writes meanwhile */
static int ip_vs_est_param_get_cpus(char *buffer, const struct kernel_param *kp)
{
	if (!ip_vs_est_param_cpus_set)
		return sysfs_emit(buffer, IP_VS_EST_UNSET "\n");
	return sysfs_emit(buffer, "%*pbl\n",
			  cpumask_pr_args(&ip_vs_est_param_cpus));
}

static const struct kernel_param_ops ip_vs_est_param_run_ops = {
	.set = ip_vs_est_param_set_run,
	.get = param_get_int,
};
module_param_cb(run_estimation, &ip_vs_est_param_run_ops, &ip_vs_est_param_run,
		0644);
MODULE_PARM_DESC(run_estimation, "Initial run_estimation of new namespaces");

static const struct kernel_param_ops ip_vs_est_param_nice_ops = {
	.set = ip_vs_est_param_set_nice,
	.get = param_get_int,
};
module_param_cb(est_nice, &ip_vs_est_param_nice_ops, &ip_vs_est_param_nice,
		0644);
MODULE_PARM_DESC(est_nice, "Initial est_nice of new namespaces");

static const struct kernel_param_ops ip_vs_est_param_cpus_ops = {
	.set = ip_vs_est_param_set_cpus,
	.get = ip_vs_est_param_get_cpus,
};
module_param_cb(est_cpulist, &ip_vs_est_param_cpus_ops, NULL, 0644);
MODULE_PARM_DESC(est_cpulist,
		 "Initial est_cpulist of new namespaces, or \"default\"");

/**
 * ip_vs_est_param_init() - at module load, before the first namespace
 *
 * A bad value on the kernel's command line cannot keep IPVS from being there,
 * as one that is given to modprobe does.
 *
 * Context: process context, may sleep.
 */
void ip_vs_est_param_init(void)
{
	if (ip_vs_est_param_boot &&
	    ip_vs_est_param_store_cpus(ip_vs_est_param_boot))
		pr_warn("ip_vs.est_cpulist is no list of CPUs to be used, and ignored\n");
	/* Pairs with READ_ONCE() in ip_vs_est_param_store_cpus() */
	WRITE_ONCE(ip_vs_est_param_ready, true);
}

/**
 * ip_vs_est_defaults() - what a new namespace begins with
 * @est: its estimation; est->cpulist stays as it is when nobody says what it is
 *
 * Context: process context; nobody else knows of @est.
 */
void ip_vs_est_defaults(struct ip_vs_est_net *est)
{
	spin_lock(&ip_vs_est_param_lock);
	est->run = ip_vs_est_param_run;
	est->nice = ip_vs_est_param_nice;
	est->cpulist_set = ip_vs_est_param_cpus_set;
	if (est->cpulist_set)
		cpumask_copy(est->cpulist, &ip_vs_est_param_cpus);
	spin_unlock(&ip_vs_est_param_lock);
	est->active = est->run &&
		      !(est->cpulist_set && cpumask_empty(est->cpulist));
}
