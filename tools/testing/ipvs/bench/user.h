/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User space: what each has in the kernel */
#ifndef _USER_H
#define _USER_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* impl_*.c */
extern unsigned long this_cpu_off;

/* The linker's: static per-CPU variables, the unit of CPU 0 */
extern char __start_bench_percpu[], __stop_bench_percpu[];

#endif /* _USER_H */
