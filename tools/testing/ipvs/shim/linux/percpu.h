/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_PERCPU_H
#define _SHIM_PERCPU_H

#include <linux/cpumask.h>
#include <linux/slab.h>

/* A pointer to what each CPU has is no address: whoever forgets to ask for a
 * CPU's own crashes.
 */
#define alloc_percpu_gfp(type, gfp)					\
	((type __percpu *)sim_percpu_alloc(sizeof(type), gfp))
#define free_percpu(p)			sim_percpu_free(p)
#define per_cpu_ptr(p, cpu)		((typeof(p))sim_percpu(p, cpu))
#define this_cpu_ptr(p)			per_cpu_ptr(p, sim.cpu)

#define DECLARE_PER_CPU(type, name)	extern type name[SIM_CPUS]
#define DEFINE_PER_CPU(type, name)	type name[SIM_CPUS]
#define per_cpu(name, cpu)		((name)[cpu])
#define __this_cpu_read(name)		((name)[sim.cpu])

#endif /* _SHIM_PERCPU_H */
