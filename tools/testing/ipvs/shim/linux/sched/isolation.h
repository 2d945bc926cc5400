/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_ISOLATION_H
#define _SHIM_ISOLATION_H

#include <linux/cpumask.h>

enum hk_type { HK_TYPE_KTHREAD, HK_TYPE_DOMAIN, HK_TYPE_WQ };

#define housekeeping_cpumask(type)	((void)(type), &sim_possible)

#endif /* _SHIM_ISOLATION_H */
