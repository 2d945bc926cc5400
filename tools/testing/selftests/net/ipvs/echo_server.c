// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends back what arrives at an address and some ports, by UDP and by TCP, and by
 * SCTP if asked to.
 *
 * Goes to the background once it listens, so that whoever has started it can
 * send at once.  Lives until it is killed, or until its network namespace's
 * last process is.
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS	256

/* First those of ports, then connections, which have no handler */
static struct pollfd fds[MAX_FDS];
static void (*handlers[MAX_FDS])(int fd);
static int nfds;
static int sink;
static char buf[65536];

static void help(void)
{
	fprintf(stderr,
		"usage: echo_server [-q] [-S] ADDRESS PORT...\n"
		"  -q  take UDP datagrams and do not answer\n"
		"  -S  SCTP as well\n"
		"Prints the process id of the server.\n");
	exit(2);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void open_socket(const char *addr, const char *port, int protocol,
			void (*handler)(int fd))
{
	int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	/* Without the protocol, as libraries need not know SCTP */
	struct addrinfo hints = {
		.ai_family	= AF_UNSPEC,
		.ai_socktype	= type,
		.ai_flags	= AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *res;
	int fd, one = 1, size = 4 << 20;

	if (getaddrinfo(addr, port, &hints, &res)) {
		fprintf(stderr, "echo_server: bad address %s or port %s\n",
			addr, port);
		exit(2);
	}
	fd = socket(res->ai_family, type, protocol);
	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("SO_REUSEADDR");
	/* So that a burst fits; no matter if it must not be that large */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, res->ai_addr, res->ai_addrlen))
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 128))
		die("listen");
	freeaddrinfo(res);
	if (nfds == MAX_FDS)
		help();
	handlers[nfds] = handler;
	fds[nfds].fd = fd;
	fds[nfds++].events = POLLIN;
}

static void serve_udp(int fd)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n;

	n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
		     (struct sockaddr *)&from, &len);
	if (n >= 0 && !sink)
		sendto(fd, buf, n, 0, (struct sockaddr *)&from, len);
}

static void serve_listener(int fd)
{
	int conn = accept(fd, NULL, NULL);

	if (conn < 0)
		return;
	if (nfds == MAX_FDS) {
		close(conn);
		return;
	}
	fds[nfds].fd = conn;
	fds[nfds].revents = 0;
	fds[nfds++].events = POLLIN;
}

/* Returns 0 when the connection is over */
static int serve_conn(int fd)
{
	ssize_t n, done, len;

	len = recv(fd, buf, sizeof(buf), 0);
	if (len <= 0)
		return 0;
	for (done = 0; done < len; done += n) {
		n = send(fd, buf + done, len - done, MSG_NOSIGNAL);
		if (n < 0)
			return 0;
	}
	return 1;
}

static void serve(void)
{
	int i;

	for (;;) {
		if (poll(fds, nfds, -1) < 0) {
			if (errno == EINTR)
				continue;
			die("poll");
		}
		/* A connection that ends makes room for the last one */
		for (i = nfds - 1; i >= 0; i--) {
			if (!fds[i].revents)
				continue;
			if (handlers[i]) {
				handlers[i](fds[i].fd);
			} else if (!serve_conn(fds[i].fd)) {
				close(fds[i].fd);
				fds[i] = fds[--nfds];
			}
		}
	}
}

static void open_port(const char *addr, const char *port, int sctp)
{
	open_socket(addr, port, IPPROTO_UDP, serve_udp);
	open_socket(addr, port, IPPROTO_TCP, serve_listener);
	if (sctp)
		open_socket(addr, port, IPPROTO_SCTP, serve_listener);
}

int main(int argc, char **argv)
{
	int opt, i, sctp = 0;
	pid_t pid;

	while ((opt = getopt(argc, argv, "qS")) != -1) {
		switch (opt) {
		case 'q':
			sink = 1;
			break;
		case 'S':
			sctp = 1;
			break;
		default:
			help();
		}
	}
	if (argc - optind < 2)
		help();
	for (i = optind + 1; i < argc; i++)
		open_port(argv[optind], argv[i], sctp);

	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid) {
		printf("%d\n", pid);
		return 0;
	}
	/* Whoever reads our output must not wait for the server to end */
	if (!freopen("/dev/null", "r", stdin) ||
	    !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		_exit(1);
	serve();
}
