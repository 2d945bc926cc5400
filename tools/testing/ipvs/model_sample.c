// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: what a sample makes of rates, in arithmetic of its own */

#include "model.h"

const unsigned int obj_scale[IP_VS_NCOUNTS] = { 10, 10, 10, 5, 5 };

/* A rate, rounded down; U64_MAX if it is larger.  In two halves, as 32 bits have
 * no type for the product.
 */
static u64 obj_rate(u64 diff, u32 time, unsigned int c)
{
	u64 unit = (u64)HZ << obj_scale[c];
	u64 low = (diff & U32_MAX) * unit;
	u64 high = (diff >> 32) * unit + (low >> 32);

	if (high / time > U32_MAX)
		return U64_MAX;
	low = (high % time << 32) + (low & U32_MAX);
	return (high / time << 32) + low / time;
}

/* After a sample over so much time */
static s64 obj_average(s64 avg, u64 rate, u64 time)
{
	s64 step = min_t(u64, rate, S64_MAX) - avg;

	/* The average was not shown any more */
	if (time > 10 * HZ)
		return min_t(u64, rate, S64_MAX);
	/* Round down */
	return avg + step / 4 - (step % 4 < 0);
}

/* What a sample holds.  When it is one of a batch, that is what was counted at
 * some time between its beginning and now.
 */
static void obj_sampled(struct obj *obj, u64 *now)
{
	const u64 *base = obj->stats.est.base.v;
	unsigned int c;

	memcpy(now, obj->total, sizeof(obj->total));
	if (!obj->taken)
		return;
	for (c = 0; c < IP_VS_NCOUNTS; c++) {
		if (base[c] < obj->took[c] || base[c] > obj->total[c])
			sim_fail("base %u is %llu, not from %llu to %llu", c,
				 (unsigned long long)base[c],
				 (unsigned long long)obj->took[c],
				 (unsigned long long)obj->total[c]);
	}
	memcpy(now, base, sizeof(obj->total));
	obj->taken = false;
	model_seen.together++;
}

void obj_check_sample(struct obj *obj)
{
	const struct ip_vs_estimator *est = &obj->stats.est;
	u64 time = est->stamp - obj->stamp;
	u64 rate, low, diff, now[IP_VS_NCOUNTS];
	unsigned int c;

	if (time < HZ)
		sim_fail("sampled twice within %lu jiffies",
			 (unsigned long)time);
	obj_sampled(obj, now);
	/* The sources say that they take no more */
	if (time > U32_MAX)
		time = U32_MAX;
	for (c = 0; c < IP_VS_NCOUNTS; c++) {
		diff = now[c] - obj->base[c];
		rate = obj_rate(diff, time, c);
		low = rate;
		/* Less exact where a product would not fit, they say */
		if (diff > (U64_MAX / HZ) >> obj_scale[c])
			low -= (rate >> 12) + 1;
		if (est->avg[c] < obj_average(obj->avg[c], low, time) ||
		    est->avg[c] > obj_average(obj->avg[c], rate, time))
			sim_fail("average %u is %lld, not %lld", c,
				 (long long)est->avg[c],
				 (long long)obj_average(obj->avg[c], rate, time));
		obj->avg[c] = est->avg[c];
	}
	memcpy(obj->base, now, sizeof(obj->base));
	obj->stamp = est->stamp;
	obj->first = 0;
}

void obj_rebase(struct obj *obj)
{
	obj->anew |= obj->taken;
	obj->taken = false;
	memcpy(obj->base, obj->total, sizeof(obj->base));
	memset(obj->avg, 0, sizeof(obj->avg));
	obj->stamp = sim.now;
	obj->first = 0;
}

/* What a rate should read @now */
u64 obj_shown_rate(const struct obj *obj, enum ip_vs_count c, u64 now)
{
	struct ip_vs_est_net *est = model_est();
	u64 unit = 1ULL << obj_scale[c];

	if (!est->active || obj->gen != est->gen ||
	    now - obj->stamp > 10 * HZ)
		return 0;
	return ((u64)obj->avg[c] + unit / 2 - 1) / unit;
}
