/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_CPUMASK_H
#define _SHIM_CPUMASK_H

#include <linux/bitmap.h>
#include <linux/slab.h>

struct cpumask {
	DECLARE_BITMAP(bits, SIM_CPUS);
};

/* As with CONFIG_CPUMASK_OFFSTACK: it can fail */
#define cpumask_var_t	struct cpumask *

extern struct cpumask sim_possible;
extern struct cpumask sim_online;

#define nr_cpu_ids			sim.nr_cpus
#define cpu_online_mask			(&sim_online)
#define cpu_possible_mask		(&sim_possible)
#define cpu_possible(cpu)		test_bit(cpu, sim_possible.bits)
#define for_each_possible_cpu(cpu)					\
	for_each_set_bit(cpu, sim_possible.bits, SIM_CPUS)

static inline unsigned int num_possible_cpus(void)
{
	return bitmap_weight(sim_possible.bits, SIM_CPUS);
}

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
	return bitmap_empty(mask->bits, SIM_CPUS);
}

static inline bool cpumask_and(struct cpumask *dst, const struct cpumask *a,
			       const struct cpumask *b)
{
	bitmap_and(dst->bits, a->bits, b->bits, SIM_CPUS);
	return !cpumask_empty(dst);
}

static inline bool cpumask_andnot(struct cpumask *dst, const struct cpumask *a,
				  const struct cpumask *b)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(SIM_CPUS); i++)
		dst->bits[i] = a->bits[i] & ~b->bits[i];
	return !cpumask_empty(dst);
}

static inline bool cpumask_intersects(const struct cpumask *a,
				      const struct cpumask *b)
{
	return bitmap_intersects(a->bits, b->bits, SIM_CPUS);
}

static inline bool cpumask_subset(const struct cpumask *a,
				  const struct cpumask *b)
{
	struct cpumask rest;

	return !cpumask_andnot(&rest, a, b);
}

static inline bool cpumask_equal(const struct cpumask *a,
				 const struct cpumask *b)
{
	return cpumask_subset(a, b) && cpumask_subset(b, a);
}

static inline void cpumask_or(struct cpumask *dst, const struct cpumask *a,
			      const struct cpumask *b)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(SIM_CPUS); i++)
		dst->bits[i] = a->bits[i] | b->bits[i];
}

static inline unsigned int cpumask_weight_and(const struct cpumask *a,
					      const struct cpumask *b)
{
	DECLARE_BITMAP(both, SIM_CPUS);

	bitmap_and(both, a->bits, b->bits, SIM_CPUS);
	return bitmap_weight(both, SIM_CPUS);
}

#endif /* _SHIM_CPUMASK_H */
