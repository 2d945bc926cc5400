// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps the table of IPVS services by netlink, as ipvsadm -L --stats does, but
 * neither sorts nor prints it, nor asks for the servers of each service: what
 * takes the time is the kernel.
 *
 * Prints the number of services, how many of them have counted a packet, and
 * the microseconds that the dump took.
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

static _Alignas(8) char buf[65536];

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

/* The attribute of that type among those in @len bytes, or NULL */
static struct nlattr *find(void *attrs, int len, int type)
{
	struct nlattr *attr = attrs;

	while (len >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN) {
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		len -= NLA_ALIGN(attr->nla_len);
		attr = (void *)attr + NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static struct nlattr *find_in_message(struct nlmsghdr *nlh, int type)
{
	return find(NLMSG_DATA(nlh) + GENL_HDRLEN,
		    nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), type);
}

static struct nlattr *find_in(struct nlattr *outer, int type)
{
	return outer ? find(outer + 1, outer->nla_len - NLA_HDRLEN, type) :
		       NULL;
}

static int family_id(int sock)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct nlattr *attr;

	ask(sock, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1, IPVS_GENL_NAME);
	answer(sock);
	check(nlh);
	attr = find_in_message(nlh, CTRL_ATTR_FAMILY_ID);
	if (!attr) {
		fprintf(stderr, "dump_services: no family " IPVS_GENL_NAME "\n");
		exit(1);
	}
	return *(unsigned short *)(attr + 1);
}

static int has_counted(struct nlmsghdr *nlh)
{
	struct nlattr *attr = find_in_message(nlh, IPVS_CMD_ATTR_SERVICE);
	unsigned long long packets = 0;

	attr = find_in(attr, IPVS_SVC_ATTR_STATS64);
	attr = find_in(attr, IPVS_STATS_ATTR_INPKTS);
	if (attr)
		memcpy(&packets, attr + 1, sizeof(packets));
	return packets != 0;
}

static void dump(int sock, int family, unsigned int *services,
		 unsigned int *counted)
{
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
				return;
			(*services)++;
			*counted += has_counted(nlh);
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
	unsigned int services = 0, counted = 0;
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
	dump(sock, family, &services, &counted);
	printf("%u %u %lld\n", services, counted, now_us() - begin);
	return 0;
}
