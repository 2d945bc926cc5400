/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_CPUMASK_H
#define _SHIM_CPUMASK_H

#include <linux/bitmap.h>
#include <linux/slab.h>

#define NR_CPUS		512
#define nr_cpu_ids	(sim.cpus)

struct cpumask {
	DECLARE_BITMAP(bits, NR_CPUS);
};

/* As with CONFIG_CPUMASK_OFFSTACK: it can fail */
typedef struct cpumask *cpumask_var_t;

extern struct cpumask sim_online;

#define cpu_online_mask			(&sim_online)
#define for_each_possible_cpu(cpu)					\
	for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)

static inline bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t gfp)
{
	*mask = kzalloc(sizeof(**mask), gfp);
	return *mask;
}

static inline void free_cpumask_var(cpumask_var_t mask)
{
	kfree(mask);
}

static inline void cpumask_copy(struct cpumask *dst, const struct cpumask *src)
{
	*dst = *src;
}

static inline bool cpumask_empty(const struct cpumask *mask)
{
	return bitmap_empty(mask->bits, NR_CPUS);
}

static inline unsigned int cpumask_weight_and(const struct cpumask *a,
					      const struct cpumask *b)
{
	DECLARE_BITMAP(both, NR_CPUS);

	bitmap_and(both, a->bits, b->bits, NR_CPUS);
	return bitmap_weight(both, NR_CPUS);
}

#endif /* _SHIM_CPUMASK_H */
