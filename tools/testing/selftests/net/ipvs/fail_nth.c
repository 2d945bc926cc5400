// SPDX-License-Identifier: GPL-2.0-or-later
/* Lets the Nth allocation inside one system call fail, for failnth.sh
 *
 *   fail_nth FIRST LAST write FILE VALUE	write(2) of the value
 *   fail_nth FIRST LAST netns			unshare(CLONE_NEWNET)
 *
 * Does so with each N from FIRST to LAST, until there were fewer allocations
 * than N. Prints a line for each: what is left of N, which is 0 when one has
 * failed, and "0" or the name of the error that the call has ended with.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int nth;			/* /proc/thread-self/fail-nth */

static void arm(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	if (write(nth, text, strlen(text)) < 0) {
		perror("fail-nth");
		exit(1);
	}
}

static unsigned int disarm(void)
{
	char text[16] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) < 0) {
		perror("fail-nth");
		exit(1);
	}
	arm(0);
	return atoi(text);
}

static unsigned int one(unsigned int n, const char *path, const char *value)
{
	int fd = -1, ret, err;
	unsigned int left;

	if (path) {
		fd = open(path, O_WRONLY);
		if (fd < 0) {
			perror(path);
			exit(1);
		}
	}
	arm(n);
	if (path)
		ret = write(fd, value, strlen(value));
	else
		ret = unshare(CLONE_NEWNET);
	err = ret < 0 ? errno : 0;
	left = disarm();
	if (path)
		close(fd);
	printf("%u %s\n", left, err ? strerrorname_np(err) ? : "?" : "0");
	return left;
}

int main(int argc, char **argv)
{
	const char *path = NULL, *value = NULL;
	unsigned int n, last;

	if (argc == 6 && !strcmp(argv[3], "write")) {
		path = argv[4];
		value = argv[5];
	} else if (argc != 4 || strcmp(argv[3], "netns")) {
		fprintf(stderr, "usage: fail_nth FIRST LAST write FILE VALUE\n"
				"       fail_nth FIRST LAST netns\n");
		return 2;
	}
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth < 0) {
		perror("fail-nth");
		return 1;
	}
	last = atoi(argv[2]);
	for (n = atoi(argv[1]); n <= last; n++) {
		if (one(n, path, value))
			break;
	}
	return 0;
}
