// SPDX-License-Identifier: GPL-2.0-or-later
/* IPVS estimation: the tracepoints themselves */

#define CREATE_TRACE_POINTS
#include <trace/events/ipvs_est.h>
