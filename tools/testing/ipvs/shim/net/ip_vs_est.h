/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../../../../include/net/ip_vs_est.h"
