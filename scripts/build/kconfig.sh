# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel configurations from fragments.  Sourced, not run.

# Options that a line "# If known: CONFIG_A CONFIG_B" of a fragment names are no
# fault where the tree has no such option at all: those of newer or older kernels.
unknown_there()	# TREE OPTION FRAGMENT...
{
	local tree=$1 option=$2

	shift 2
	grep -qwE "^# If known: .*CONFIG_$option" "$@" &&
		! grep -rqsE "^(menu)?config $option\$" --include='Kconfig*' "$tree"
}

# Of those that a line "# One of: CONFIG_A CONFIG_B" names, one is enough.
another_is_set()	# OUT OPTION FRAGMENT...
{
	local out=$1 option=$2 other

	shift 2
	while IFS= read -r other; do
		! grep -q "^$other=[ym]" "$out/.config" || return 0
	done < <(sed -n 's/^# One of: //p' "$@" | grep -w "CONFIG_$option" | tr ' ' '\n')
	return 1
}

# An option that the merge could not set would silently not be tested.
check_config()	# TREE OUT FRAGMENT...
{
	local tree=$1 out=$2 line option missing=0

	shift 2
	while IFS= read -r line; do
		case $line in
		CONFIG_*=n)
			! grep -q "^${line%=n}=[ym]" "$out/.config" && continue
			;;
		CONFIG_*=m)
			grep -q "^${line%=m}=[ym]" "$out/.config" && continue
			;;
		CONFIG_*)
			grep -qxF "$line" "$out/.config" && continue
			;;
		*) continue ;;
		esac
		option=${line%%=*}
		! another_is_set "$out" "${option#CONFIG_}" "$@" || continue
		! unknown_there "$tree" "${option#CONFIG_}" "$@" || continue
		echo "$PROG: not in the configuration: $line" >&2
		missing=1
	done < <(cat "$@" | awk -F= '	# the last word counts
		/^CONFIG_/	{ if (!($1 in value)) name[n++] = $1; value[$1] = $0 }
		END		{ for (i = 0; i < n; i++) print value[name[i]] }')
	((missing == 0)) || die "the options above have dependencies that are not met"
}

# OUT/.config: the options of the fragments, and without all others that can be
# left out.  The environment may say ARCH and so on.
make_config()	# TREE OUT FRAGMENT...
{
	local tree=$1 out=$2

	shift 2
	mkdir -p "$out"
	rm -f "$out/.config"
	(cd "$tree" && scripts/kconfig/merge_config.sh -n -O "$out" "$@") \
		>"$out/merge.log" 2>&1 || { cat "$out/merge.log" >&2; die "cannot merge"; }
	check_config "$tree" "$out" "$@"
}

# What make is told where the configuration has KCSAN, a line each.  Only modules of
# IPVS are to be looked at: the rest of the kernel has races of its own,
# and is slow enough in an emulator.  Barriers count in what IPVS synchronises by,
# too.
kcsan_vars()	# TREE
{
	local f

	echo KCSAN_SANITIZE=n
	for f in "$1"/kernel/{locking/*,rcu/*,sched/*,kthread,workqueue,softirq}.c; do
		f=${f##*/}
		echo "KCSAN_INSTRUMENT_BARRIERS_${f%.c}.o=y"
	done
}

# What make is told to compile modules of IPVS that KCSAN looks at, a line each.
# Nothing is inlined, so that a report names the function it is about: ours are told
# from others by that.
kcsan_module_vars() { printf '%s\n' KCSAN_SANITIZE=y KCFLAGS=-fno-inline; }
