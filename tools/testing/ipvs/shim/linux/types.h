/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_TYPES_H
#define _SHIM_TYPES_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>
#include_next <linux/types.h>

#define U16_MAX		UINT16_MAX
#define U32_MAX		UINT32_MAX
#define U64_MAX		UINT64_MAX
#define S64_MAX		INT64_MAX

#define __rcu
#define __percpu
#undef __init
#define __init
#define __net_init
#define __net_exit

#endif /* _SHIM_TYPES_H */
