/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_ISOLATION_H
#define _SHIM_ISOLATION_H

#include <linux/cpumask.h>

#define housekeeping_cpumask(type)	(&sim_possible)

#endif /* _SHIM_ISOLATION_H */
