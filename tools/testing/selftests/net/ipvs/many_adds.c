// SPDX-License-Identifier: GPL-2.0-or-later
/* Tries to add the same thing many times, for failstart.sh
 *
 *   many_adds COUNT service	the service UDP 192.0.2.2:5000
 *   many_adds COUNT server	198.51.100.1:5000 to the service 192.0.2.1:5000
 *   many_adds COUNT netns	a network namespace, owned by a new user namespace
 *
 * Prints how many of the tries have failed with ENOMEM. In one process, since
 * starting ipvsadm takes longer than all that it does.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/ip_vs.h>

static struct {
	struct ip_vs_service_user	svc;
	struct ip_vs_dest_user		dest;
} arg = {
	.svc = {
		.protocol	= IPPROTO_UDP,
		.sched_name	= "rr",
	},
	.dest = {
		.conn_flags	= IP_VS_CONN_F_MASQ,
		.weight		= 1,
	},
};

int main(int argc, char **argv)
{
	int service, server, netns, count, sock, i, failed = 0;

	service = argc == 3 && !strcmp(argv[2], "service");
	server = argc == 3 && !strcmp(argv[2], "server");
	netns = argc == 3 && !strcmp(argv[2], "netns");
	if (!service && !server && !netns) {
		fprintf(stderr, "usage: many_adds COUNT service|server|netns\n");
		return 2;
	}
	count = atoi(argv[1]);
	sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (sock < 0) {
		perror("socket");
		return 1;
	}
	arg.svc.addr = inet_addr(service ? "192.0.2.2" : "192.0.2.1");
	arg.svc.port = htons(5000);
	arg.dest.addr = inet_addr("198.51.100.1");
	arg.dest.port = htons(5000);

	for (i = 0; i < count; i++) {
		int ret;

		if (netns)
			ret = unshare(CLONE_NEWUSER | CLONE_NEWNET);
		else
			ret = setsockopt(sock, IPPROTO_IP,
					 service ? IP_VS_SO_SET_ADD :
						   IP_VS_SO_SET_ADDDEST, &arg,
					 service ? sizeof(arg.svc) :
						   sizeof(arg));
		failed += ret < 0 && errno == ENOMEM;
	}
	printf("%d\n", failed);
	return 0;
}
