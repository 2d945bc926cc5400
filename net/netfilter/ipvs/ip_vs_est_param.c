// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: which values are valid
 *
 * One that is refused leaves the old one in place.
 */

#define KMSG_COMPONENT "IPVS"
#define pr_fmt(fmt) KMSG_COMPONENT ": " fmt

#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <net/ip_vs.h>
#include "ip_vs_est_impl.h"

/**
 * ip_vs_est_cpulist_parse() - CPUs that a text names
 * @text: a list like "0-3,8", written over
 * @possible: CPUs that the machine can have, at least @nbits bits
 * @nbits: the last of them, and one
 * @cpus: receives what is named, at least @nbits bits
 *
 * Who writes a number knows which CPU is meant, so it has to be one that can
 * be.  Who writes "all", or "N" for the last one, does not: of such a range
 * only what there can be is meant.
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
 * Return: 0; -EINVAL when none of the list is left that is online; what
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
		cpumask_and(cpus, cpus, current->cpus_ptr);
		raw_spin_unlock_irqrestore(&current->pi_lock, flags);
	}
	return cpumask_intersects(cpus, cpu_online_mask) ? 0 : -EINVAL;
}

/**
 * ip_vs_est_nice_check() - may kthreads have this nice value?
 * @nice: what is wished
 *
 * On PREEMPT_RT a kthread can be preempted with est->lock or stats->lock held,
 * and who waits for it gives it no weight.  A nice one would keep RTNL waiting
 * for seconds, see ip_vs_est.c.
 *
 * Return: 0; -EINVAL for what is no nice value; -EOPNOTSUPP for one above 0 on
 * PREEMPT_RT, and the log says why.
 */
int ip_vs_est_nice_check(int nice)
{
	if (nice < MIN_NICE || nice > MAX_NICE)
		return -EINVAL;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) || nice <= 0)
		return 0;
	pr_info_ratelimited("est_nice above 0 is refused on PREEMPT_RT: who waits for a lock that a kthread holds would wait for whatever is less nice\n");
	return -EOPNOTSUPP;
}
