/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static per-CPU variables, where the kernel at hand has them */
#ifndef _IMPL_CPU_H
#define _IMPL_CPU_H

#include <linux/hardirq.h>

#if defined(BENCH_PCPU_HOT)
DEFINE_PER_CPU_ALIGNED(struct pcpu_hot, pcpu_hot) = {
	.preempt_count = PREEMPT_ENABLED,
};

DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off);
#define impl_cpu_number pcpu_hot.cpu_number
#elif defined(DEFINE_PER_CPU_CACHE_HOT)
DEFINE_PER_CPU_CACHE_HOT(unsigned long, __preempt_count) = PREEMPT_ENABLED;
DEFINE_PER_CPU_CACHE_HOT(int, cpu_number);
DEFINE_PER_CPU_CACHE_HOT(unsigned long, this_cpu_off);
DEFINE_PER_CPU_CACHE_HOT(u16, __softirq_pending);
#define impl_cpu_number cpu_number
#else
DEFINE_PER_CPU(int, __preempt_count) = PREEMPT_ENABLED;
DEFINE_PER_CPU_READ_MOSTLY(int, cpu_number);
DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off);
DEFINE_PER_CPU_SHARED_ALIGNED(irq_cpustat_t, irq_stat);
#define impl_cpu_number cpu_number
#endif

/* On that CPU */
static void impl_cpu(unsigned int cpu)
{
	this_cpu_write(impl_cpu_number, cpu);
}

#endif /* _IMPL_CPU_H */
