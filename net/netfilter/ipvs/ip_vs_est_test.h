/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPVS estimation: what its KUnit tests share */
#ifndef _IP_VS_EST_TEST_H
#define _IP_VS_EST_TEST_H

#include <kunit/test.h>

#include "ip_vs_est_impl.h"

/* An expectation that fails allocates memory: so no lock is held around one.
 * Tests do what needs a lock in small helpers, and look at the result after.
 */

/**
 * struct ip_vs_est_test - estimation in a namespace of the test's own
 * @ipvs: the namespace, in which there is nothing else
 * @est: its estimation, NULL after ip_vs_est_test_cleanup()
 * @stats: objects to be estimated
 * @n: how many
 */
struct ip_vs_est_test {
	struct netns_ipvs	*ipvs;
	struct ip_vs_est_net	*est;
	struct ip_vs_stats	*stats;
	unsigned int		n;
};

struct ip_vs_est_row *ip_vs_est_test_row(const struct ip_vs_est_ctx *ctx,
					 unsigned int row);
u32 ip_vs_est_test_ctx(struct kunit *test, const struct ip_vs_est_ctx *ctx,
		       u32 chain_max);

int ip_vs_est_test_suite_init(struct kunit_suite *suite);
void ip_vs_est_test_suite_exit(struct kunit_suite *suite);
int ip_vs_est_test_init(struct kunit *test);
void ip_vs_est_test_cleanup(struct ip_vs_est_test *t);
void ip_vs_est_test_exit(struct kunit *test);

void ip_vs_est_test_flush(struct ip_vs_est_test *t);
void ip_vs_est_test_make(struct kunit *test, unsigned int n);
void ip_vs_est_test_start(struct kunit *test, unsigned int from,
			  unsigned int to);
void ip_vs_est_test_stop(struct kunit *test, unsigned int from,
			 unsigned int to);
unsigned int ip_vs_est_test_pending(const struct ip_vs_est_test *t);
void ip_vs_est_test_expect(struct kunit *test, unsigned int placed,
			   unsigned int pending);

/* Estimators of a context with one in a chain */
#define IP_VS_EST_TEST_ROOM	(IP_VS_EST_ROWS * IP_VS_EST_CHAINS)

int ip_vs_est_test_init_still(struct kunit *test);
void ip_vs_est_test_grace(struct ip_vs_est_test *t);
void ip_vs_est_test_place(struct ip_vs_est_test *t);
void ip_vs_est_test_make_placed(struct kunit *test, unsigned int n);
void ip_vs_est_test_unprivileged(struct kunit *test);

/* Rates of 1/s, scaled */
#define IP_VS_TEST_PACKET	((s64)1 << 10)
#define IP_VS_TEST_BYTE		((s64)1 << 5)

/* For tests of counters: they are of no namespace's service */
extern struct ip_vs_est_net ip_vs_stats_test_net;

int ip_vs_stats_test_suite_init(struct kunit_suite *suite);
int ip_vs_stats_test_init(struct kunit *test);
void ip_vs_stats_test_exit(struct kunit *test);
void ip_vs_stats_test_count(struct ip_vs_stats *stats, unsigned int cpu,
			    enum ip_vs_count c, u64 n);
enum ip_vs_est_result ip_vs_stats_test_walked(struct ip_vs_stats *stats,
					      u64 walked);
enum ip_vs_est_result ip_vs_stats_test_pass(struct ip_vs_stats *stats);
unsigned int ip_vs_stats_test_cpu(void);

#endif /* _IP_VS_EST_TEST_H */
