/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LITMUS_PERCPU_H
#define _LITMUS_PERCPU_H

#include <linux/cpumask.h>
#include <linux/slab.h>
#include "../../litmus.h"

/* What each CPU has is far from what the others have, as in the kernel */
#define LITMUS_UNIT			4096

#define alloc_percpu_gfp(type, gfp)					\
	((type __percpu *)calloc(nr_cpu_ids, LITMUS_UNIT))
#define free_percpu(p)			free((void *)(p))
#define per_cpu_ptr(p, cpu)						\
	((typeof(p))((char *)(p) + (size_t)(cpu) * LITMUS_UNIT))
#define this_cpu_ptr(p)			per_cpu_ptr(p, litmus_cpu)

#define DECLARE_PER_CPU(type, name)	extern type name[SIM_CPUS]
#define DEFINE_PER_CPU(type, name)	type name[SIM_CPUS]
#define per_cpu(name, cpu)		((name)[cpu])
#define __this_cpu_read(name)		((name)[litmus_cpu])

#endif /* _LITMUS_PERCPU_H */
