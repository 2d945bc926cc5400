// SPDX-License-Identifier: GPL-2.0-or-later
/* Let calls of a kernel function fail, for faults.sh
 *
 * A kprobe at the entry of the function returns the error to its caller in
 * its place, as fail_function does; but stock kernels are built without that.
 * The module does it from its insertion to its removal:
 *
 *   insmod est_fault.ko func=ip_vs_start_estimator value=-12
 */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *func;
module_param(func, charp, 0444);
MODULE_PARM_DESC(func, "function that fails");

static long value;
module_param(value, long, 0444);
MODULE_PARM_DESC(value, "what it returns: a negative errno, or 0 for NULL");

static char *comm = "";
module_param(comm, charp, 0444);
MODULE_PARM_DESC(comm, "only in tasks whose name begins so");

static int skip;
module_param(skip, int, 0444);
MODULE_PARM_DESC(skip, "calls that succeed before the first that fails");

static int times = 1;
module_param(times, int, 0444);
MODULE_PARM_DESC(times, "calls that fail");

static int hits;
module_param(hits, int, 0444);
MODULE_PARM_DESC(hits, "calls that have failed, to read");

static atomic_t seen = ATOMIC_INIT(0);

/* Where the caller is sent instead: returns at once, with the register that
 * holds the return value as the handler has left it
 */
static noinline void est_fault_return(void)
{
}

static int est_fault_entry(struct kprobe *p, struct pt_regs *regs)
{
	int nth;

	if (strncmp(current->comm, comm, strlen(comm)))
		return 0;
	nth = atomic_inc_return(&seen);
	if (nth <= skip || nth > skip + times)
		return 0;
	hits++;
	regs_set_return_value(regs, value);
	instruction_pointer_set(regs, (unsigned long)est_fault_return);
	return 1;
}

/* Only so that the probe is not optimised to a jump where it is no ftrace hook:
 * a handler behind a jump cannot send the caller elsewhere
 */
static void est_fault_post(struct kprobe *p, struct pt_regs *regs,
			   unsigned long flags)
{
}

static struct kprobe est_fault_probe = {
	.pre_handler	= est_fault_entry,
	.post_handler	= est_fault_post,
};

static int __init est_fault_init(void)
{
	if (!func)
		return -EINVAL;
	est_fault_probe.symbol_name = func;
	return register_kprobe(&est_fault_probe);
}

static void __exit est_fault_exit(void)
{
	unregister_kprobe(&est_fault_probe);
}

module_init(est_fault_init);
module_exit(est_fault_exit);
MODULE_DESCRIPTION("Let calls of a kernel function fail");
MODULE_LICENSE("GPL");
