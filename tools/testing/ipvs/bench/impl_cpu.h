/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static per-CPU variables of a kernel that has no struct pcpu_hot */
#ifndef _IMPL_CPU_H
#define _IMPL_CPU_H

#include <linux/hardirq.h>

DEFINE_PER_CPU(int, __preempt_count) = PREEMPT_ENABLED;
DEFINE_PER_CPU_READ_MOSTLY(int, cpu_number);
DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off);
DEFINE_PER_CPU_SHARED_ALIGNED(irq_cpustat_t, irq_stat);

static void impl_cpu(unsigned int cpu)
{
	this_cpu_write(cpu_number, cpu);
}

#endif /* _IMPL_CPU_H */
