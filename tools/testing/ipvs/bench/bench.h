/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native benchmark: what its two sides call of each other
 *
 * Each implementation of the estimator is measured in a program of its own,
 * which is linked of
 *
 *  - objects of IPVS, of the locks and so on, as the kbuild of the kernel's
 *    tree that the implementation is from makes them;
 *  - glue, compiled by the same kbuild: common.c and one of impl_*.c;
 *  - user space: stubs.c, which stands for the rest of the kernel, and
 *    worker.c, or count.c for the packet path, or mark.c for what packets and
 *    passes do to each other on two processors.
 *
 * drive.c runs these programs in turns.  Included by both sides: types of C
 * only.
 */
#ifndef _BENCH_H
#define _BENCH_H

/* Length of the packets that are counted */
#define BENCH_LEN	100
/* Estimators in a chain, for those that have chains */
#define BENCH_CHAIN	20

/* common.c: the kernel's side */
int bench_setup(unsigned int cpus, unsigned int ests, int aged);
void bench_count(unsigned int step);
void bench_tick(void);
void bench_pass(void);
void bench_forget(void);
void bench_spread(void);
unsigned int bench_settle(void);
void bench_dump(void);
void bench_read(unsigned int nr, unsigned long long *packets,
		unsigned long long *rate);

/* packet.c: the packet path.  Instructions are counted in the last three. */
void bench_packet_setup(unsigned int cpus);
void *bench_packet_object(unsigned int nr);
unsigned long long bench_packets(unsigned int cpu);
void bench_packet_in(void);
void bench_packet_out(void);
void bench_packet_conn(void);

/* mark_ours.c: what is done to the objects of packets, and to others that no packet
 * is counted for
 */
int bench_mark_setup(void);
void bench_mark_counters(void);
void bench_mark_now(void);
void bench_mark_previous(void);
void bench_mark_read(void);
void bench_mark_elsewhere(void);
unsigned long bench_atomics(unsigned int cpus, unsigned int periods);
unsigned long long bench_mark_packets(void);

/* stubs.c: user space */
void bench_cpus(unsigned int cpus);
void bench_cpu(unsigned int cpu);
void *bench_alloc(unsigned long size);

#endif /* _BENCH_H */
