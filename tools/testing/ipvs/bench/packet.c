// SPDX-License-Identifier: GPL-2.0-or-later
/* The packet path: counting as ip_vs_core.c does it, and nothing else
 *
 * Its static functions are wanted, so it is included; the directory is that
 * of the tree which this is compiled for.
 */
#include "ip_vs_core.c"

#include "impl.h"

static struct ip_vs_service *bench_svc;
static struct ip_vs_conn *bench_conn;
static struct sk_buff *bench_skb;

static void bench_packet_gap(void)
{
	/* Never freed */
	WARN_ON(!__alloc_percpu(2 * L1_CACHE_BYTES, 2 * L1_CACHE_BYTES));
}

void bench_packet_setup(unsigned int cpus)
{
	struct netns_ipvs *ipvs = bench_alloc(sizeof(*ipvs));
	struct ip_vs_dest *dest = bench_alloc(sizeof(*dest));
	unsigned int cpu;

	bench_svc = bench_alloc(sizeof(*bench_svc));
	bench_conn = bench_alloc(sizeof(*bench_conn));
	bench_skb = bench_alloc(sizeof(*bench_skb));

	bench_cpus(cpus);
	impl_setup(0);
	for (cpu = 0; cpu < cpus; cpu++) {
		bench_cpu(cpu);
		impl_setup_cpu(cpu);
	}
	bench_cpu(0);
	/* Made at different times: no two have counters in one line */
	impl_init(&dest->stats);
	bench_packet_gap();
	impl_init(&bench_svc->stats);
	bench_packet_gap();
	impl_init_total(ipvs);
	RCU_INIT_POINTER(dest->svc, bench_svc);
	dest->cflags = IP_VS_DEST_CF_AVAILABLE;
	bench_svc->ipvs = ipvs;
	bench_conn->ipvs = ipvs;
	bench_conn->dest = dest;
	bench_skb->len = BENCH_LEN;
}

/* The server's, the service's and the namespace's */
void *bench_packet_object(unsigned int nr)
{
	if (nr == 0)
		return &bench_conn->dest->stats;
	return nr == 1 ? &bench_svc->stats : impl_total(bench_conn->ipvs);
}

/* What the three objects have counted on a CPU, all kinds together */
unsigned long long bench_packets(unsigned int cpu)
{
	struct ip_vs_dest *dest = bench_conn->dest;

	return impl_counted(&dest->stats, cpu) +
	       impl_counted(&bench_svc->stats, cpu) +
	       impl_counted(impl_total(bench_conn->ipvs), cpu);
}

noinline void bench_packet_in(void)
{
	ip_vs_in_stats(bench_conn, bench_skb);
}

noinline void bench_packet_out(void)
{
	ip_vs_out_stats(bench_conn, bench_skb);
}

noinline void bench_packet_conn(void)
{
	ip_vs_conn_stats(bench_conn, bench_svc);
}
