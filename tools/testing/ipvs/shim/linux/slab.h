/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <linux/gfp_types.h>
#include <linux/kernel.h>

#define kzalloc(size, gfp)	sim_alloc(1, size, gfp)
#define kcalloc(n, size, gfp)	sim_alloc(n, size, gfp)
#define kzalloc_obj(obj, gfp)	sim_alloc(1, sizeof(obj), gfp)
#define kzalloc_objs(obj, n, gfp)	sim_alloc(n, sizeof(obj), gfp)
#define kfree(p)		sim_free(p)

#endif /* _SHIM_SLAB_H */
