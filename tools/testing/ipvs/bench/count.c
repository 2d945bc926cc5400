// SPDX-License-Identifier: GPL-2.0-or-later
/* The packet path of one implementation, for callgrind
 *
 *	count in|out|conn PACKETS
 *
 * The first packet is what it is for a service that has just been quiet: the
 * difference of two runs is what each of the others costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#ifdef BENCH_NO_BH
/* Instead of the kernel's: what counting costs without it */
void __local_bh_enable_ip(unsigned long ip, unsigned int count)
{
}
#endif

static const struct {
	const char	*name;
	void		(*count)(void);
} kinds[] = {
	{ "in", bench_packet_in },
	{ "out", bench_packet_out },
	{ "conn", bench_packet_conn },
};

int main(int argc, char **argv)
{
	unsigned int i, kind, n;

	for (kind = 0; argc == 3 && kind < 3; kind++)
		if (!strcmp(argv[1], kinds[kind].name))
			break;
	if (argc != 3 || kind == 3) {
		fprintf(stderr, "usage: count in|out|conn PACKETS\n");
		return 2;
	}
	n = atoi(argv[2]);
	bench_packet_setup();
	for (i = 0; i < n; i++)
		kinds[kind].count();
	if (bench_packets(0) != 3ULL * n) {
		fprintf(stderr, "counted %llu instead of %llu\n",
			bench_packets(0), 3ULL * n);
		return 1;
	}
	return 0;
}
