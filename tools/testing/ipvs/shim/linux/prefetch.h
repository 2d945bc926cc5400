/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_PREFETCH_H
#define _SHIM_PREFETCH_H

#define prefetch(p)		__builtin_prefetch(p)

#endif /* _SHIM_PREFETCH_H */
