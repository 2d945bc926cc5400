// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes a value to a file by one write(2) and prints how that ended: "0", or
 * the name of the error.
 *
 * A shell would tell the same only in prose, and in the user's language.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t len;
	ssize_t n;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: write_errno FILE VALUE\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	len = strlen(argv[2]);
	n = write(fd, argv[2], len);
	if (n < 0) {
		const char *name = strerrorname_np(errno);

		printf("%s\n", name ? name : "?");
	} else if ((size_t)n != len) {
		printf("short\n");
	} else {
		printf("0\n");
	}
	close(fd);
	return 0;
}
