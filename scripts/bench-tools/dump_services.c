// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps the table of IPVS services by netlink, as ipvsadm -L --stats does, but
 * neither sorts nor prints it, nor asks for the servers of each service: what
 * takes the time is the kernel.
 *
 * Prints the number of services and the microseconds that the dump took.
 */

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
	struct nlmsghdr		nlh;
	struct genlmsghdr	genl;
	struct nlattr		attr;
	char			name[16];
};

static char buf[65536] __attribute__((aligned(8)));

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ask(int sock, int type, int flags, int cmd, int version,
		const char *name)
{
	struct request req = {
		.nlh.nlmsg_type		= type,
		.nlh.nlmsg_flags	= NLM_F_REQUEST | flags,
		.genl.cmd		= cmd,
		.genl.version		= version,
	};

	req.nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	if (name) {
		snprintf(req.name, sizeof(req.name), "%s", name);
		req.attr.nla_type = CTRL_ATTR_FAMILY_NAME;
		req.attr.nla_len = NLA_HDRLEN + strlen(name) + 1;
		req.nlh.nlmsg_len += NLA_ALIGN(req.attr.nla_len);
	}
	if (send(sock, &req, req.nlh.nlmsg_len, 0) < 0)
		die("send");
}

static ssize_t answer(int sock)
{
	ssize_t len = recv(sock, buf, sizeof(buf), 0);

	if (len < 0)
		die("recv");
	return len;
}

static void check(struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		fprintf(stderr, "dump_services: the kernel refuses\n");
		exit(1);
	}
}

static int family_id(int sock)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct nlattr *attr;
	int left;

	ask(sock, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1, IPVS_GENL_NAME);
	answer(sock);
	check(nlh);
	attr = (struct nlattr *)((char *)NLMSG_DATA(nlh) + GENL_HDRLEN);
	left = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	while (left >= NLA_HDRLEN) {
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(unsigned short *)(attr + 1);
		left -= NLA_ALIGN(attr->nla_len);
		attr = (struct nlattr *)((char *)attr +
					 NLA_ALIGN(attr->nla_len));
	}
	fprintf(stderr, "dump_services: no family " IPVS_GENL_NAME "\n");
	exit(1);
}

static unsigned int dump(int sock, int family)
{
	unsigned int services = 0;
	struct nlmsghdr *nlh;
	int len;

	ask(sock, family, NLM_F_DUMP, IPVS_CMD_GET_SERVICE, IPVS_GENL_VERSION,
	    NULL);
	for (;;) {
		len = answer(sock);
		for (nlh = (struct nlmsghdr *)buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			check(nlh);
			if (nlh->nlmsg_type == NLMSG_DONE)
				return services;
			services++;
		}
	}
}

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	unsigned int services;
	long long begin;
	int family;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "usage: dump_services\n");
		return 2;
	}
	if (sock < 0 || bind(sock, (struct sockaddr *)&nl, sizeof(nl)))
		die("netlink");
	family = family_id(sock);
	begin = now_us();
	services = dump(sock, family);
	printf("%u %lld\n", services, now_us() - begin);
	return 0;
}
