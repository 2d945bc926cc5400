// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests of IPVS estimation: lists of CPUs, as users write them
 *
 * Specified here: which CPUs a text names on machines that this one is not,
 * with holes in what there can be.
 */

#include <linux/sched.h>
#include <linux/slab.h>

#include "ip_vs_est_test.h"

/* More than a word, and CPUs 1, 5 to 7 and 66 cannot be */
#define PARAM_TEST_BITS		70
#define PARAM_TEST_POSSIBLE	"0,2-4,8-65,67-69"

struct param_test_case {
	const char	*text;
	const char	*cpus;	/* NULL: refused */
};

static const struct param_test_case param_test_lists[] = {
	{ "all",		PARAM_TEST_POSSIBLE },
	{ "ALL",		PARAM_TEST_POSSIBLE },
	{ "0-N",		PARAM_TEST_POSSIBLE },
	{ "N",			"69" },
	{ "60-N",		"60-65,67-69" },
	{ "all:1/2",		"0,2,4,8-65:1/2,68" },
	{ "all:2/64",		"0,64-65" },
	{ "0,60-N",		"0,60-65,67-69" },
	{ "60-N, 0",		"0,60-65,67-69" },
	{ "0 2\t3",		"0,2-3" },
	{ "0,\n2",		"0,2" },
	{ "2-4",		"2-4" },
	{ "8-64:1/28",		"8,36,64" },
	{ "0,,3,",		"0,3" },

	/* A CPU that cannot be, said by number */
	{ "1",			NULL },
	{ "0-2",		NULL },
	{ "all,1",		NULL },
	{ "1,all",		NULL },
	{ "0-69",		NULL },
	{ "66-N,66",		NULL },
	{ "70",			NULL },
	{ "0-70",		NULL },
	{ "N-3",		NULL },
	/* No list */
	{ "al",			NULL },
	{ "alll",		NULL },
	{ "all-3",		NULL },
	{ "default",		NULL },
	{ "n",			NULL },
	{ "0-",			NULL },
	{ "-1",			NULL },
	{ "3-2",		NULL },
	{ "0\nabc",		NULL },
	{ "all:1/0",		NULL },
	{ "0x2",		NULL },
};

static int param_test_parse(struct kunit *test, const char *list,
			    const unsigned long *possible, unsigned long *cpus)
{
	char *text = kunit_kzalloc(test, strlen(list) + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memcpy(text, list, strlen(list));
	return ip_vs_est_cpulist_parse(text, possible, PARAM_TEST_BITS, cpus);
}

static void param_test_holes(struct kunit *test)
{
	DECLARE_BITMAP(possible, PARAM_TEST_BITS);
	DECLARE_BITMAP(wanted, PARAM_TEST_BITS);
	DECLARE_BITMAP(cpus, PARAM_TEST_BITS);
	const struct param_test_case *c;
	unsigned int i;
	int ret;

	KUNIT_ASSERT_EQ(test, 0, bitmap_parselist(PARAM_TEST_POSSIBLE, possible,
						  PARAM_TEST_BITS));
	for (i = 0; i < ARRAY_SIZE(param_test_lists); i++) {
		c = &param_test_lists[i];
		ret = param_test_parse(test, c->text, possible, cpus);
		if (!c->cpus) {
			KUNIT_EXPECT_LT_MSG(test, ret, 0, "'%s'", c->text);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, 0, ret, "'%s'", c->text);
		KUNIT_ASSERT_EQ(test, 0, bitmap_parselist(c->cpus, wanted,
							  PARAM_TEST_BITS));
		KUNIT_EXPECT_TRUE_MSG(test,
				      bitmap_equal(wanted, cpus,
						   PARAM_TEST_BITS),
				      "'%s' is %*pbl", c->text, PARAM_TEST_BITS,
				      cpus);
	}
}

static int param_test_get(struct kunit *test, const char *list,
			  struct cpumask *cpus)
{
	char *text = kunit_kzalloc(test, strlen(list) + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memcpy(text, list, strlen(list));
	return ip_vs_est_cpulist_get(text, true, cpus);
}

/* No CPU is what nothing says, and never what a list comes to */
static void param_test_empty(struct kunit *test)
{
	static const char * const none[] = { "", " ", "\n", " \t\n" };
	static const char * const useless[] = {
		",", " , ", "0-0:0/1", "all:0/2", "0:1"
	};
	cpumask_var_t cpus;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&cpus, GFP_KERNEL));
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		cpumask_set_cpu(0, cpus);
		KUNIT_EXPECT_EQ(test, 0, param_test_get(test, none[i], cpus));
		KUNIT_EXPECT_TRUE(test, cpumask_empty(cpus));
	}
	for (i = 0; i < ARRAY_SIZE(useless); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    param_test_get(test, useless[i], cpus),
				    "'%s'", useless[i]);
	free_cpumask_var(cpus);
}

/* This machine: the writer's CPUs of those that are online */
static void param_test_all(struct kunit *test)
{
	cpumask_var_t cpus;

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&cpus, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, param_test_get(test, " all\n", cpus));
	KUNIT_EXPECT_TRUE(test, cpumask_equal(cpus, current->cpus_ptr));
	free_cpumask_var(cpus);
}

static struct kunit_case param_test_cases[] = {
	KUNIT_CASE(param_test_holes),
	KUNIT_CASE(param_test_empty),
	KUNIT_CASE(param_test_all),
	{}
};

static struct kunit_suite param_test_suite = {
	.name = "ipvs-est-param",
	.test_cases = param_test_cases,
};

kunit_test_suite(param_test_suite);
