/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions may be made to fail from outside: none here */
#ifndef _SHIM_ERROR_INJECTION_H
#define _SHIM_ERROR_INJECTION_H

#define ALLOW_ERROR_INJECTION(func, type)

#endif
