// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes TCP connections or SCTP associations to an echo server, one after the
 * other, sends bytes over each and reads them back.
 *
 * With a rate each has its time, counted from the first; one that is late is
 * made at once.  With -n 0 it ends on SIGTERM, which it looks for before each,
 * and prints "made N".
 */

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

/* Sent before as much is read: less than any socket buffer */
#define CHUNK	2048
#define NSEC_PER_SEC	1000000000LL

static sigset_t stop_signals;
static struct addrinfo *to, *from;
static int protocol = IPPROTO_TCP;

static void help(void)
{
	fprintf(stderr,
		"usage: tcp_client [OPTION]... ADDRESS PORT\n"
		"  -S          associations of SCTP\n"
		"  -n COUNT    connections (1; 0: until killed)\n"
		"  -r RATE     a second (0: as fast as can be)\n"
		"  -s BYTES    sent over each (100)\n"
		"  -b ADDRESS  to send from\n");
	exit(2);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void exchange(int fd, size_t bytes)
{
	static char out[CHUNK], in[CHUNK];
	size_t len, got;
	ssize_t n;

	for (; bytes; bytes -= len) {
		len = bytes < CHUNK ? bytes : CHUNK;
		if (send(fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
			die("send");
		for (got = 0; got < len; got += n) {
			n = recv(fd, in, len - got, 0);
			if (n <= 0)
				die("recv");
		}
	}
}

/* Waits for the other side's end, so that both are through with it.  SCTP knows
 * no end of one direction: it ends after what the kernel still has to send.
 */
static void finish(int fd)
{
	char c;

	if (protocol == IPPROTO_TCP) {
		if (shutdown(fd, SHUT_WR))
			die("shutdown");
		if (recv(fd, &c, 1, 0))
			die("end of connection");
	}
	if (close(fd))
		die("close");
}

static struct addrinfo *resolve(const char *addr, const char *service)
{
	struct addrinfo hints = {
		.ai_family	= AF_UNSPEC,
		.ai_socktype	= SOCK_STREAM,
		.ai_flags	= AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *res;

	if (getaddrinfo(addr, service, &hints, &res))
		help();
	return res;
}

static void make_one(size_t bytes)
{
	struct timeval patience = { .tv_sec = 30 };
	int fd = socket(to->ai_family, SOCK_STREAM, protocol);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (from && bind(fd, from->ai_addr, from->ai_addrlen))
		die("bind");
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		die("connect");
	exchange(fd, bytes);
	finish(fd);
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
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

int main(int argc, char **argv)
{
	unsigned long conns = 1, rate = 0, bytes = 100, made;
	const char *addr = NULL;
	long long begin;
	int opt;

	while ((opt = getopt(argc, argv, "Sn:r:s:b:")) != -1) {
		switch (opt) {
		case 'S':
			protocol = IPPROTO_SCTP;
			break;
		case 'n':
			conns = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			rate = strtoul(optarg, NULL, 10);
			break;
		case 's':
			bytes = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			addr = optarg;
			break;
		default:
			help();
		}
	}
	if (argc - optind != 2)
		help();
	to = resolve(argv[optind], argv[optind + 1]);
	if (addr)
		from = resolve(addr, "0");
	sigemptyset(&stop_signals);
	sigaddset(&stop_signals, SIGTERM);
	sigaddset(&stop_signals, SIGINT);
	sigprocmask(SIG_BLOCK, &stop_signals, NULL);

	begin = now_ns();
	for (made = 0; !conns || made < conns; made++) {
		if (wait_until(rate ? begin + made * NSEC_PER_SEC / rate : 0))
			break;
		make_one(bytes);
	}
	if (!conns)
		printf("made %lu\n", made);
	return 0;
}
