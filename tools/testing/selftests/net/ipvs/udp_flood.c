// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends UDP datagrams of one size at an even rate.
 *
 * Each datagram has its time, counted from the first; one that is late is sent
 * at once, so that the rate is right over any longer time.
 *
 * Prints "sent N received N milliseconds N" at the end, or on SIGTERM, which it
 * looks for before each datagram.
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000LL
#define MAX_SIZE	65507

static sigset_t stop_signals;
static struct addrinfo *to;
static struct sockaddr_storage from;
static socklen_t from_len;
static unsigned short port;
static size_t size = 100;
static int each_port, echo;
static unsigned int addresses;
static char buf[MAX_SIZE];

static void help(void)
{
	fprintf(stderr,
		"usage: udp_flood [OPTION]... ADDRESS PORT\n"
		"  -n COUNT    datagrams (0: until killed)\n"
		"  -r RATE     a second (0: as fast as can be)\n"
		"  -s SIZE     bytes in each (100)\n"
		"  -b ADDRESS  to send from\n"
		"  -p PORT     to send from\n"
		"  -c          each from a port of its own, counting from -p;\n"
		"              65535 must not be passed\n"
		"  -e          wait for each one's echo before the next\n"
		"  -a COUNT    to as many IPv4 addresses in turn, counting from\n"
		"              ADDRESS\n");
	exit(2);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static struct addrinfo *resolve(const char *addr, const char *service)
{
	struct addrinfo hints = {
		.ai_family	= AF_UNSPEC,
		.ai_socktype	= SOCK_DGRAM,
		.ai_flags	= AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *res;

	if (getaddrinfo(addr, service, &hints, &res))
		help();
	return res;
}

static int open_socket(unsigned short src_port)
{
	struct timeval patience = { .tv_sec = 30 };
	int fd = socket(to->ai_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (from_len) {
		/* The port is at the same place in both families */
		((struct sockaddr_in *)&from)->sin_port = htons(src_port);
		if (bind(fd, (struct sockaddr *)&from, from_len))
			die("bind");
	}
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		die("connect");
	return fd;
}

/* Where the socket is connected to, or the next of -a's addresses */
static ssize_t send_datagram(int fd, unsigned long long n)
{
	struct sockaddr_in sin;

	if (!addresses)
		return send(fd, buf, size, 0);
	memcpy(&sin, to->ai_addr, sizeof(sin));
	sin.sin_addr.s_addr = htonl(ntohl(sin.sin_addr.s_addr) + n % addresses);
	return sendto(fd, buf, size, 0, (struct sockaddr *)&sin, sizeof(sin));
}

static void send_one(int fd, unsigned long long n)
{
	while (send_datagram(fd, n) < 0) {
		/* An error that an earlier datagram has brought: not sent */
		if (errno != ECONNREFUSED && errno != EHOSTUNREACH &&
		    errno != EINTR)
			die("send");
	}
}

/* Returns 1 when told to stop, which is looked at even if it is late */
static int wait_until(long long when)
{
	long long left = when - now_ns();
	struct timespec ts = { };

	if (left > 0) {
		ts.tv_sec = left / NSEC_PER_SEC;
		ts.tv_nsec = left % NSEC_PER_SEC;
	}
	return sigtimedwait(&stop_signals, NULL, &ts) > 0;
}

static void bind_to(const char *addr)
{
	struct addrinfo *res;

	if (!addr && !port && !each_port)
		return;
	if (!addr)
		addr = to->ai_family == AF_INET6 ? "::" : "0.0.0.0";
	res = resolve(addr, "0");
	memcpy(&from, res->ai_addr, res->ai_addrlen);
	from_len = res->ai_addrlen;
	freeaddrinfo(res);
}

int main(int argc, char **argv)
{
	unsigned long long count = 0, rate = 0, sent, received = 0;
	const char *addr = NULL;
	long long begin, due;
	int opt, fd;

	while ((opt = getopt(argc, argv, "n:r:s:b:p:a:ce")) != -1) {
		switch (opt) {
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			rate = strtoull(optarg, NULL, 10);
			break;
		case 's':
			size = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			addr = optarg;
			break;
		case 'p':
			port = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			addresses = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			each_port = 1;
			break;
		case 'e':
			echo = 1;
			break;
		default:
			help();
		}
	}
	if (argc - optind != 2 || size > MAX_SIZE)
		help();
	to = resolve(argv[optind], argv[optind + 1]);
	if (addresses && to->ai_family != AF_INET)
		help();
	bind_to(addr);
	sigemptyset(&stop_signals);
	sigaddset(&stop_signals, SIGTERM);
	sigaddset(&stop_signals, SIGINT);
	sigprocmask(SIG_BLOCK, &stop_signals, NULL);

	fd = open_socket(port);
	begin = now_ns();
	for (sent = 0; !count || sent < count; sent++) {
		due = begin;
		if (rate)
			due += sent / rate * NSEC_PER_SEC +
			       sent % rate * NSEC_PER_SEC / rate;
		if (wait_until(due))
			break;
		if (each_port && sent) {
			close(fd);
			fd = open_socket(port + sent);
		}
		send_one(fd, sent);
		if (echo) {
			if (recv(fd, buf, sizeof(buf), 0) < 0)
				die("recv");
			received++;
		}
	}
	printf("sent %llu received %llu milliseconds %lld\n", sent, received,
	       (now_ns() - begin) / 1000000);
	return 0;
}
