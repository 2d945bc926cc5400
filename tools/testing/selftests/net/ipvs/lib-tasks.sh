# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Part of lib.sh: kthreads.
#
# They are called ipvs-e:NETNS:CONTEXT.  NETNS is a number that IPVS gives to
# namespaces; here it is called the id.

# 'PID NAME' of each kthread: all, or those of one namespace.
est_tasks()	# [ID]
{
	local dir name

	for dir in /proc/[0-9]*; do
		# Only kernel threads have an empty command line and this name
		name=''
		read -r name 2>/dev/null <"$dir/comm" || continue
		[[ $name == ipvs-e:${1:-*}:* ]] || continue
		echo "${dir#/proc/} $name"
	done
}

est_pids()	# [ID]
{
	est_tasks "$@" | cut -d ' ' -f 1
}

none_of()	# PID...
{
	local pid

	for pid in "$@"; do
		[[ ! -e /proc/$pid ]] || return 1
	done
}

# A list of CPUs that is written gets new tasks: waits until the old ones are no
# more.
write_cpulist()	# LIST
{
	local pids

	mapfile -t pids < <(est_pids "$EST_ID")
	set_vs est_cpulist "$1"
	wait_until none_of "${pids[@]}" || diag "an old task is left"
}

est_count()	# [ID]
{
	est_tasks "$@" | wc -l
}

est_ids()
{
	est_tasks | cut -d : -f 2 | sort -u
}

ids_are()	# "IDS"
{
	[[ $(est_ids) == "$1" ]]
}

est_new_ids()	# "OLD_IDS"
{
	est_ids | grep -vxF -f <(echo "$1") || true
}

# Sets EST_ID: the id of a namespace without services, found by adding one.
est_find_id()	# COMMAND_PREFIX...
{
	local before

	before=$(est_ids)
	"$@" ipvsadm -A -f 99 -s rr
	wait_until est_has_new_id "$before" || true
	EST_ID=$(est_new_ids "$before")
	"$@" ipvsadm -D -f 99
	[[ $EST_ID =~ ^[0-9]+$ ]]
}

est_has_new_id()	# "OLD_IDS"
{
	[[ $(est_new_ids "$1") ]]
}

new_ids_are()	# "OLD_IDS" COUNT
{
	(($(est_new_ids "$1" | wc -l) == $2))
}

tasks_run()	# ID
{
	(($(est_count "$1") > 0))
}

no_tasks()	# ID
{
	(($(est_count "$1") == 0))
}

task_status()	# PID FIELD
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" 2>/dev/null
}

task_nice()	# PID
{
	local stat

	read -r stat <"/proc/$1/stat" || return 1
	# Behind the name, which may contain anything
	read -r -a stat <<<"${stat##*) }"
	echo "${stat[16]}"
}

# There are tasks, and all of them may use exactly these CPUs.
tasks_on()	# ID CPULIST
{
	local pid pids

	pids=$(est_pids "$1")
	[[ $pids ]] || return 1
	for pid in $pids; do
		[[ $(task_status "$pid" Cpus_allowed_list) == "$2" ]] || return 1
	done
}

tasks_nice()	# ID NICE
{
	local pid pids

	pids=$(est_pids "$1")
	[[ $pids ]] || return 1
	for pid in $pids; do
		[[ $(task_nice "$pid") == "$2" ]] || return 1
	done
}
