/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SHIM_IP_VS_H
#define _SHIM_IP_VS_H

#include <net/ip_vs_est.h>

struct user_namespace {
	int id;
};

struct net {
	struct user_namespace *user_ns;
};

extern struct user_namespace init_user_ns;
extern struct net init_net;

static inline bool net_eq(const struct net *a, const struct net *b)
{
	return a == b;
}

/* As in the kernel's include/net/ip_vs.h */
struct ip_vs_kstats {
	u64			conns;
	u64			inpkts;
	u64			outpkts;
	u64			inbytes;
	u64			outbytes;

	u64			cps;
	u64			inpps;
	u64			outpps;
	u64			inbps;
	u64			outbps;
};

struct netns_ipvs {
	struct net		*net;
	int			gen;
	struct ip_vs_est_net	*est;
};

#endif /* _SHIM_IP_VS_H */
