// SPDX-License-Identifier: GPL-2.0-or-later
/* Lets an allocation fail in one netlink command of ipvsadm, for failnth.sh
 *
 * A library to preload. The kernel runs a netlink command inside the sendmsg()
 * that carries it, so /proc/thread-self/fail-nth is armed around just that: it
 * lets the Nth allocation of the task fail. The process around it, loading and
 * asking for the family's number, is spared.
 *
 *   NTH=3 NTH_CMD=1 NTH_SKIP=0 NTH_REPORT=file LD_PRELOAD=./nth_netlink.so \
 *	ipvsadm -A ...
 *
 * NTH_CMD is the command, IPVS_CMD_NEW_SERVICE here, and NTH_SKIP how many such
 * go before.
 *
 * The report is one line, "LEFT REPLY". LEFT is 0 when an allocation has
 * failed, more when there were fewer than N. REPLY is the errno with which the
 * reply was received: not 0 where the command has run and its reply was lost.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int left = -1;		/* no such command seen yet */
static int reply_errno;
static int seen;		/* such commands */

static int env_number(const char *name)
{
	const char *value = getenv(name);

	return value ? atoi(value) : 0;
}

/* Is it the command of another family than the one that tells their numbers? */
static int is_wanted(const struct msghdr *msg)
{
	const struct sockaddr_nl *to = msg->msg_name;
	const struct nlmsghdr *nlh;
	const struct genlmsghdr *genl;

	if (!to || to->nl_family != AF_NETLINK || !msg->msg_iovlen ||
	    msg->msg_iov[0].iov_len < NLMSG_LENGTH(GENL_HDRLEN))
		return 0;
	nlh = msg->msg_iov[0].iov_base;
	if (nlh->nlmsg_type <= GENL_ID_CTRL)
		return 0;
	genl = NLMSG_DATA(nlh);
	return genl->cmd == env_number("NTH_CMD") &&
	       seen++ == env_number("NTH_SKIP");
}

ssize_t sendmsg(int sock, const struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);
	char n[16] = "";
	ssize_t ret;
	int fd, err;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendmsg");
	if (left >= 0 || !is_wanted(msg))
		return next(sock, msg, flags);

	fd = open("/proc/thread-self/fail-nth", O_RDWR);
	snprintf(n, sizeof(n), "%d", env_number("NTH"));
	if (fd < 0 || write(fd, n, strlen(n)) < 0)
		abort();
	ret = next(sock, msg, flags);
	err = errno;
	memset(n, 0, sizeof(n));
	if (pread(fd, n, sizeof(n) - 1, 0) < 0 || write(fd, "0", 1) < 0)
		abort();
	close(fd);
	left = atoi(n);
	errno = err;
	return ret;
}

ssize_t recvmsg(int sock, struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, struct msghdr *, int);
	ssize_t ret;

	if (!next)
		next = dlsym(RTLD_NEXT, "recvmsg");
	ret = next(sock, msg, flags);
	if (ret < 0 && left >= 0 && !reply_errno)
		reply_errno = errno;
	return ret;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("NTH_REPORT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%d %d\n", left, reply_errno);
	fclose(f);
}
