/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody traces the simulated machine but the model */
#ifndef _SHIM_TRACE_IPVS_EST_H
#define _SHIM_TRACE_IPVS_EST_H

#include <linux/types.h>

void model_row_walked(unsigned int row, unsigned long late);

static inline void trace_ipvs_est_row_walked(int netns, unsigned int ctx,
					     unsigned int row, u32 ests,
					     u32 read, u64 ns,
					     unsigned long late)
{
	model_row_walked(row, late);
}

static inline void trace_ipvs_est_calibrated(int netns, u64 cost, u32 guess,
					     u32 chain_max)
{
}

static inline void trace_ipvs_est_corrected(int netns, u32 old, u32 chain_max)
{
}

static inline void trace_ipvs_est_task_started(int netns, unsigned int ctx,
					       int pid)
{
}

static inline void trace_ipvs_est_task_stopped(int netns, unsigned int ctx,
					       int pid)
{
}

static inline void trace_ipvs_est_placed(int netns, const void *stats,
					 unsigned int ctx, unsigned int row,
					 unsigned int chain)
{
}

#endif /* _SHIM_TRACE_IPVS_EST_H */
