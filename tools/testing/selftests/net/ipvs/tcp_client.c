// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes TCP connections to an echo server, one after the other, sends bytes
 * over each and reads them back.
 */

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Sent before as much is read: less than any socket buffer */
#define CHUNK	2048

static void help(void)
{
	fprintf(stderr,
		"usage: tcp_client [-n CONNECTIONS] [-s BYTES] ADDRESS PORT\n");
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

/* Waits for the other side's end, so that both are through with it */
static void finish(int fd)
{
	char c;

	if (shutdown(fd, SHUT_WR))
		die("shutdown");
	if (recv(fd, &c, 1, 0))
		die("end of connection");
	close(fd);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {
		.ai_family	= AF_UNSPEC,
		.ai_socktype	= SOCK_STREAM,
		.ai_flags	= AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct timeval patience = { .tv_sec = 30 };
	unsigned long conns = 1, bytes = 100, i;
	struct addrinfo *res;
	int opt, fd;

	while ((opt = getopt(argc, argv, "n:s:")) != -1) {
		switch (opt) {
		case 'n':
			conns = strtoul(optarg, NULL, 10);
			break;
		case 's':
			bytes = strtoul(optarg, NULL, 10);
			break;
		default:
			help();
		}
	}
	if (argc - optind != 2 ||
	    getaddrinfo(argv[optind], argv[optind + 1], &hints, &res))
		help();

	for (i = 0; i < conns; i++) {
		fd = socket(res->ai_family, SOCK_STREAM, 0);
		if (fd < 0)
			die("socket");
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			   sizeof(patience));
		if (connect(fd, res->ai_addr, res->ai_addrlen))
			die("connect");
		exchange(fd, bytes);
		finish(fd);
	}
	freeaddrinfo(res);
	return 0;
}
