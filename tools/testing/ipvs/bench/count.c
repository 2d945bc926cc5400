// SPDX-License-Identifier: GPL-2.0-or-later
/* The packet path of one implementation, for callgrind
 *
 *	count none|in|out|conn PACKETS
 *
 * The first packet is what it is for a service that has just been quiet: the
 * difference of two runs is what each of the others costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "user.h"

#ifdef BENCH_NO_BH
/* Instead of the kernel's: what counting costs without it */
void __local_bh_enable_ip(unsigned long ip, unsigned int count)
{
}
#endif

/* What is not of the kernel in all the others */
static void nothing(void)
{
}

static const struct {
	const char	*name;
	void		(*count)(void);
} kinds[] = {
	{ "none", nothing },
	{ "in", bench_packet_in },
	{ "out", bench_packet_out },
	{ "conn", bench_packet_conn },
};

int main(int argc, char **argv)
{
	unsigned int i, kind, n;
	unsigned long long want;

	for (kind = 0; argc == 3 && kind < ARRAY_SIZE(kinds); kind++)
		if (!strcmp(argv[1], kinds[kind].name))
			break;
	if (argc != 3 || kind == ARRAY_SIZE(kinds)) {
		fprintf(stderr, "usage: count none|in|out|conn PACKETS\n");
		return 2;
	}
	n = atoi(argv[2]);
	bench_packet_setup(1);
	for (i = 0; i < n; i++)
		kinds[kind].count();
	/* The server, the service and the namespace */
	want = kind ? 3ULL * n : 0;
	if (bench_packets(0) != want) {
		fprintf(stderr, "counted %llu instead of %llu\n",
			bench_packets(0), want);
		return 1;
	}
	return 0;
}
