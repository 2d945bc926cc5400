# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every target is a script in scripts/; this file only gives them names.

# The stock kernel of the machine's Debian.  What is wrong with the machine, or this
# folder, the script that is called says.
ifeq ($(origin BASE),undefined)
BASE := $(shell bash -c '. scripts/lib.sh && default_base' 2>/dev/null)
else
BASE_GIVEN := $(BASE)
endif
# So that a script can be told e.g. TESTS="counters.sh".
TESTS ?=
SECONDS ?=
SEED ?=
QUICK ?=
export SEED

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@awk '/^#@ / { print "\n" substr($$0, 4) } \
		match($$0, /^[a-z-]+:.*## /) { \
			text = substr($$0, RLENGTH + 1); \
			sub(/:.*/, "", $$1); \
			printf "  %-14s %s\n", $$1, text }' Makefile
	@echo
	@echo "Variables: BASE=$(BASE), TESTS=\"a.sh b.sh\" (selftest; parts of test), SECONDS=60 (fuzz, stress),"
	@echo "SEED=1 (fuzz, stress), QUICK=1 (bench), RELEASE=12 (deb-test)"

.PHONY: demo modules guest test test-all check kunit selftest fuzz \
	kernel-debug stress builds tree series bench deb deb-test clean \
	distclean

#@ Use it

demo: ## a short tour in a guest
	@scripts/demo $(BASE)

modules: ## IPVS modules for the stock kernel: build/BASE/modules
	@scripts/build-modules $(BASE)

guest: ## image and initramfs the tests boot
	@scripts/fetch-kernel $(BASE)
	@scripts/mkinitramfs $(BASE)

#@ Work on it

test: ## the tests, in 35 minutes or twice that, with a summary
	@scripts/test $(TESTS)

test-all: ## all of them in their long form, hours; goes on where it was stopped
	@scripts/test-all $(TESTS)

check: ## checkpatch, W=1, sparse, shellcheck
	@scripts/check $(BASE)

kunit: ## the kernel's KUnit tests of the estimator
	@scripts/kunit $(BASE)

selftest: ## kselftests in a guest
	@scripts/selftest $(BASE) $(TESTS)

fuzz: ## the estimator in user space against a model, then SECONDS of fuzzing
	@scripts/fuzz $(BASE) $(SECONDS)

kernel-debug: ## KUnit and kselftests in a kernel with KASAN, lockdep and so on
	@scripts/kernel-debug $(BASE) $(TESTS)

stress: ## everything at once for SECONDS (600), under KCSAN, from SEED
	@scripts/stress $(BASE) $(SECONDS)

builds: ## IPVS in other configurations: 32 bits, arm64, clang, without sysctl
	@scripts/builds $(BASE)

tree: ## kernel source with the series applied: build/BASE/linux
	@scripts/make-tree $(BASE)

series: ## patches as they are mailed: build/BASE/series
	@scripts/make-series $(BASE)

#@ Measure it

bench: ## what it costs, against the stock kernels of all bases: report and plots in build/bench
	@scripts/run-bench $(if $(QUICK),--quick)

#@ Package it

deb: ## Debian package that rebuilds IPVS for the installed kernels: build/deb
	@scripts/build-deb

deb-test: ## installs it in small Debians, RELEASE=12 and 13, boots what it built
	@scripts/test-deb $(if $(RELEASE),--release $(RELEASE)) $(if $(BASE_GIVEN),$(BASE) $(TESTS))

#@ Tidy up

clean: ## removes what was built, keeps what was unpacked or downloaded
	@scripts/clean $(BASE)

distclean: ## removes build/
	rm -rf build
