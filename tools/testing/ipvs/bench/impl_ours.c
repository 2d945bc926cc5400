// SPDX-License-Identifier: GPL-2.0-or-later
/* Ours: the rows and chains of as many contexts as it takes */
#include "impl.h"
#include "impl_cpu.h"
#include "ip_vs_est_impl.h"

static struct ip_vs_est_net *impl_net;
static struct ip_vs_est_ctx **impl_ctx;
static unsigned int impl_nctx;

static struct ip_vs_est_ctx *impl_new_ctx(void)
{
	struct ip_vs_est_ctx *ctx = bench_alloc(sizeof(*ctx));

	ctx->net = impl_net;
	impl_ctx[impl_nctx++] = ctx;
	return ctx;
}

int impl_setup(unsigned int ests)
{
	unsigned int max = ests / (IP_VS_EST_ROWS * IP_VS_EST_CHAINS *
				   BENCH_CHAIN) + 1;

	ip_vs_stats_setup();
	impl_net = bench_alloc(sizeof(*impl_net));
	impl_net->gen = IP_VS_EST_GEN_FIRST;
	impl_net->active = true;
	impl_ctx = bench_alloc(max * sizeof(*impl_ctx));
	impl_new_ctx();
	return 0;
}

void impl_setup_cpu(unsigned int cpu)
{
	impl_cpu(cpu);
}

int impl_init(struct ip_vs_stats *stats)
{
	return ip_vs_stats_init(stats, impl_net);
}

int impl_init_total(struct netns_ipvs *ipvs)
{
	ipvs->tot_stats = bench_alloc(sizeof(*ipvs->tot_stats));
	return impl_init(ipvs->tot_stats);
}

struct ip_vs_stats *impl_total(struct netns_ipvs *ipvs)
{
	return ipvs->tot_stats;
}

u64 impl_counted(struct ip_vs_stats *stats, unsigned int cpu)
{
	struct ip_vs_counts c;

	ip_vs_stats_read_cpu(stats, cpu, &c);
	return c.v[IP_VS_INPKTS] + c.v[IP_VS_OUTPKTS] + c.v[IP_VS_CONNS];
}

int impl_add(struct ip_vs_stats *stats)
{
	static struct ip_vs_est_row *spare;
	struct ip_vs_est_ctx *ctx = impl_ctx[impl_nctx - 1];
	int ret;

	if (!spare)
		spare = bench_alloc(sizeof(*spare));
	ip_vs_est_begin(stats);
	ret = ip_vs_est_chain_add(ctx, stats, BENCH_CHAIN, &spare);
	if (ret == -ENOSPC)
		ret = ip_vs_est_chain_add(impl_new_ctx(), stats, BENCH_CHAIN,
					  &spare);
	return ret < 0 ? ret : 0;
}

void impl_pass(void)
{
	static struct ip_vs_est_batch batch;
	static u64 walked;
	struct ip_vs_est_walk walk = {
		.gen = impl_net->gen,
		.walked = walked,
	};
	unsigned int i, row, chain, fetched;
	struct ip_vs_est_row *r;

	walked = get_jiffies_64();
	for (i = 0; i < impl_nctx; i++) {
		for (row = 0; row < IP_VS_EST_ROWS; row++) {
			r = rcu_dereference_raw(impl_ctx[i]->rows[row]);
			fetched = 0;
			/* As the kthread does */
			for (chain = 0; r; chain++) {
				chain = ip_vs_est_next_chain(r, chain);
				if (chain == IP_VS_EST_CHAINS)
					break;
				if (ip_vs_stats_wide && chain >= fetched)
					fetched = ip_vs_est_row_prefetch(r,
									 chain);
				ip_vs_est_chain_walk(&r->chain[chain], &walk,
						     ip_vs_stats_wide ? &batch :
									NULL);
			}
		}
	}
}

void impl_forget(struct ip_vs_stats *stats)
{
	ip_vs_zero_stats(stats);
}

/* One of the three objects that the packet path counts for */
void impl_count(struct ip_vs_stats *stats)
{
	unsigned long group = ip_vs_stats_begin();

	ip_vs_stats_mark(stats, stats, stats, group);
	ip_vs_stats_count(stats, IP_VS_INPKTS, IP_VS_INBYTES, BENCH_LEN);
	ip_vs_stats_end();
}

/* Samples are counted from the first one, which is one of a kind, to twice the
 * time between looks at who has fallen silent; then from the half.
 */
void impl_spread(struct ip_vs_stats *stats)
{
	static unsigned int nth;

	if (stats->age)
		stats->age = ip_vs_stats_refresh + nth++ % ip_vs_stats_refresh;
}

/* All have looked, a grace period has ended, and it was found that it has */
unsigned int impl_settle(void)
{
	return ip_vs_stats_refresh + 2;
}

void impl_copy(struct ip_vs_stats *stats, struct ip_vs_kstats *dst)
{
	ip_vs_copy_stats(dst, stats);
}

/* Packets since they were last zeroed */
void impl_read(struct ip_vs_stats *stats, u64 *packets, u64 *rate)
{
	struct ip_vs_kstats k;

	ip_vs_copy_stats(&k, stats);
	*packets = k.inpkts + stats->zero.v[IP_VS_INPKTS];
	*rate = k.inpps;
}
