// SPDX-License-Identifier: GPL-2.0-or-later
/* Adds, lists and flushes IPVS services by socket options, the one interface of
 * IPVS that works without privilege in the initial user namespace; and makes
 * many network namespaces with a service each.
 *
 * Service number n is TCP 10.0.0.0 + n, port 80, its server 192.0.2.1:80, its
 * scheduler $SCHEDULER or rr.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NET	0x0a000000U
#define SERVER	0xc0000201U

/* What IP_VS_SO_SET_ADDDEST wants */
struct service_and_server {
	struct ip_vs_service_user service;
	struct ip_vs_dest_user server;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int raw_socket(void)
{
	int sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (sock < 0)
		die("socket");
	return sock;
}

/* Returns 0 or the error's number */
static int set_opt(int sock, int cmd, const void *arg, socklen_t len)
{
	return setsockopt(sock, IPPROTO_IP, cmd, arg, len) ? errno : 0;
}

static const char *error_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "?";
}

static int add_service(int sock, unsigned int n)
{
	struct ip_vs_service_user service = {
		.protocol = IPPROTO_TCP,
		.addr = htonl(NET + n),
		.port = htons(80),
		.netmask = 0xffffffff,
	};
	const char *scheduler = getenv("SCHEDULER");

	snprintf(service.sched_name, sizeof(service.sched_name), "%s",
		 scheduler ? scheduler : "rr");

	return set_opt(sock, IP_VS_SO_SET_ADD, &service, sizeof(service));
}

static int add_server(int sock, unsigned int n)
{
	struct service_and_server arg = {
		.service = {
			.protocol = IPPROTO_TCP,
			.addr = htonl(NET + n),
			.port = htons(80),
		},
		.server = {
			.addr = htonl(SERVER),
			.port = htons(80),
			.conn_flags = IP_VS_CONN_F_MASQ,
			.weight = 1,
		},
	};

	return set_opt(sock, IP_VS_SO_SET_ADDDEST, &arg, sizeof(arg));
}

static unsigned int count_services(int sock)
{
	struct ip_vs_getinfo info;
	socklen_t len = sizeof(info);

	if (getsockopt(sock, IPPROTO_IP, IP_VS_SO_GET_INFO, &info, &len))
		die("IP_VS_SO_GET_INFO");
	return info.num_services;
}

/* Goes to the cgroup whose cgroup.procs someone with privilege has opened */
static void enter_cgroup(int fd)
{
	if (write(fd, "0", 1) != 1)
		die("cgroup.procs");
}

/* Prints the number of services and servers that were added, and the error that
 * ended it.
 *
 * With @enter and @leave, adds while in a cgroup.  It is left before anything
 * is printed: once the cgroup's memory is used up a pipe takes nothing, and a
 * page fault would never end in a process that may not be killed for it.
 */
static int cmd_add(unsigned int first, unsigned int count, int with_servers,
		   int enter, int leave)
{
	unsigned int i, servers = 0;
	int sock = raw_socket();
	int err = 0;

	if (enter >= 0)
		enter_cgroup(enter);
	for (i = 0; i < count && !err; i++) {
		err = add_service(sock, first + i);
		if (err)
			break;
		if (with_servers)
			err = add_server(sock, first + i);
		servers += with_servers && !err;
	}
	if (leave >= 0)
		enter_cgroup(leave);
	printf("%u %u %s\n", i, servers, error_name(err));
	return 0;
}

/* Prints the number of services and servers in the table, if these are the
 * services 0 to n - 1 and each is there once.
 */
static int cmd_list(int sock)
{
	unsigned int count = count_services(sock), servers = 0, i, n;
	struct ip_vs_get_services *get;
	socklen_t len;
	char *seen;

	len = sizeof(*get) + count * sizeof(get->entrytable[0]);
	get = calloc(1, len);
	seen = calloc(count + 1, 1);
	if (!get || !seen)
		die("calloc");
	get->num_services = count;
	if (getsockopt(sock, IPPROTO_IP, IP_VS_SO_GET_SERVICES, get, &len))
		die("IP_VS_SO_GET_SERVICES");

	for (i = 0; i < count; i++) {
		n = ntohl(get->entrytable[i].addr) - NET;
		if (n >= count || seen[n]++) {
			printf("unexpected service 10.0.0.0 + %u of %u\n",
			       n, count);
			return 1;
		}
		servers += get->entrytable[i].num_dests;
	}
	printf("%u %u\n", count, servers);
	free(seen);
	free(get);
	return 0;
}

/* What a process with a namespace tells the one that has made it */
struct ready {
	pid_t pid;
	int err;
};

/* The life of one namespace: from @ready on with a service, until @hold ends */
static int one_namespace(int ready, int hold)
{
	struct ready msg = { .pid = getpid() };
	int sock = -1;
	char byte;

	if (!unshare(CLONE_NEWUSER | CLONE_NEWNET))
		sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	msg.err = sock < 0 ? errno : add_service(sock, 0);
	if (write(ready, &msg, sizeof(msg)) != sizeof(msg) || msg.err)
		return 1;
	while (read(hold, &byte, 1) > 0)
		;
	return count_services(sock) == 1 ? 0 : 1;
}

/* Prints the process of each namespace that is ready, then "ready"; keeps them
 * until there is no more input; then prints how many still had their service.
 */
static int cmd_namespaces(unsigned int count)
{
	int ready[2], hold[2], status;
	unsigned int i, good = 0;
	struct ready msg;
	pid_t pid;
	char byte;

	setlinebuf(stdout);
	if (pipe(ready) || pipe(hold))
		die("pipe");
	for (i = 0; i < count; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			/* It ends when this process closes it, or dies */
			close(hold[1]);
			_exit(one_namespace(ready[1], hold[0]));
		}
	}
	close(ready[1]);
	for (i = 0; i < count; i++) {
		if (read(ready[0], &msg, sizeof(msg)) != sizeof(msg))
			die("read");
		if (msg.err) {
			printf("failed: %s\n", error_name(msg.err));
			return 1;
		}
		printf("%d\n", msg.pid);
	}
	printf("ready\n");

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(hold[1]);
	while (wait(&status) > 0)
		good += WIFEXITED(status) && !WEXITSTATUS(status);
	printf("%u\n", good);
	return 0;
}

static unsigned int number(const char *arg)
{
	return strtoul(arg, NULL, 10);
}

static int print_usage(void)
{
	fprintf(stderr, "usage: sockopt_services add FIRST COUNT [servers]\n"
			"       sockopt_services charged FIRST COUNT ENTER_FD LEAVE_FD\n"
			"       sockopt_services list | flush\n"
			"       sockopt_services namespaces COUNT\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "";

	if (!strcmp(cmd, "namespaces") && argc == 3)
		return cmd_namespaces(number(argv[2]));
	if (!strcmp(cmd, "add") && argc >= 4)
		return cmd_add(number(argv[2]), number(argv[3]), argc > 4,
			       -1, -1);
	if (!strcmp(cmd, "charged") && argc == 6)
		return cmd_add(number(argv[2]), number(argv[3]), 1,
			       number(argv[4]), number(argv[5]));
	if (!strcmp(cmd, "list") && argc == 2)
		return cmd_list(raw_socket());
	if (!strcmp(cmd, "flush") && argc == 2) {
		printf("%s\n", error_name(set_opt(raw_socket(),
						  IP_VS_SO_SET_FLUSH, NULL,
						  0)));
		return 0;
	}
	return print_usage();
}
