#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by test-deb in a guest that has a Debian with the package beside it: whatever
# packaging/OPERATORS.md tells an operator to type about running modules is typed
# there, with Debian's own tools, and has to show what the page says.
set -euo pipefail

case ${1:-} in
-h | --help) echo "usage: none; run by scripts/test-deb in a guest"; exit 0 ;;
esac

page=/OPERATORS.md est=/proc/net/ip_vs_est vs=net.ipv4.vs
passed=0 failed=0
ok() { echo "ok   operator: $1"; passed=$((passed + 1)); }
fail() { echo "FAIL operator: $1${2:+: $2}"; failed=$((failed + 1)); }
is()	# WHAT GOT WANTED
{
	if [[ $2 == "$3" ]]; then ok "$1"; else fail "$1" "'$2' instead of '$3'"; fi
}
like()	# WHAT GOT PATTERN
{
	# shellcheck disable=SC2053  # a pattern it is
	if [[ $2 == $3 ]]; then ok "$1"; else fail "$1" "'$2' is not like '$3'"; fi
}

# The guest's small tools are left behind: from here on it is Debian, as root.
enter_debian()
{
	local d

	mkdir /debian
	mount -t tmpfs -o size=100%,mode=755 debian /debian
	tar -x -C /debian -f /operator.tar
	rm /operator.tar
	for d in proc sys dev run tmp; do
		mkdir -p "/debian/$d"
		mount --rbind "/$d" "/debian/$d"
	done
	cp "$page" "$0" /debian/
	# What the kernel itself loads comes from there, too, not from the guest's own.
	printf '%s\n' '#!/bin/bash' 'exec chroot /debian /sbin/modprobe "$@"' >/modprobe
	chmod 755 /modprobe
	echo /modprobe >/proc/sys/kernel/modprobe
	exec chroot /debian env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C bash "/${0##*/}" --inside
}

# Runs a command that the page has, word for word, but for a value of ours instead of
# the page's; prints what that prints.
typed()	# COMMAND [WORD VALUE]
{
	local command=$1

	if ! grep -qF -- "$command" "$page"; then
		echo "the page has no '$command'"
		return
	fi
	(($# == 1)) || command=${command/"$2"/"$3"}
	eval "$command" 2>&1 || true
}

page_has()	# TEXT
{
	if grep -qF -- "$1" "$page"; then echo "$1"; else echo "no '$1' in the page"; fi
}

# Runs a command until it prints something like that, 30 s at most, and prints it.
until_like()	# PATTERN COMMAND...
{
	local pattern=$1 got='' end=$((SECONDS + 30))

	shift
	while ((SECONDS < end)); do
		got=$("$@" 2>&1) || true
		# shellcheck disable=SC2053
		[[ $got != $pattern ]] || break
		sleep 0.2
	done
	echo "$got"
}

# A column of /proc/net/ip_vs_est, of the first thread
column()	# NAME
{
	awk -v name="$1" '
		NR == 1	{ for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR == 2	{ print $c }' $est
}
task() { pgrep -o ipvs-e; }
task_names() { pgrep -a ipvs-e | cut -d ' ' -f 2 | tr -d '[]' | xargs; }
# PID, NI, PSR and so on of the thread
of_task() { ps -o "$1=" -p "$(task)" | xargs; }
rate() { ipvsadm -Ln --rate | awk '$1 == "UDP" { print $4 }'; }
packets() { ipvsadm -Ln --stats | awk '$1 == "UDP" { print $4 }'; }

unload()
{
	local end=$((SECONDS + 30))

	typed 'ipvsadm -C' >/dev/null
	# Namespaces that were deleted take their time
	while [[ $'\n'$(lsmod) == *$'\n'ip_vs* ]] && ((SECONDS < end)); do
		typed "rmmod \$(lsmod | awk '/^(ip_vs|xt_ipvs)/ { print \$1 }')" >/dev/null
		sleep 0.2
	done
}

add_services()
{
	ipvsadm -A -u 10.0.0.1:9 -s rr
	ipvsadm -a -u 10.0.0.1:9 -r 127.0.0.1 -m
}

is_it_in_use()
{
	like "modinfo shows ours" "$(typed 'modinfo -n ip_vs')" "*/updates/dkms/ip_vs.ko*"
	is "no file before they are loaded" "$(ls $est 2>/dev/null)" ""
	like "dkms has built them" "$(typed 'dkms status' | grep "$(uname -r)")" \
		"ipvs-estimator/*, $(uname -r), x86_64: installed*"
	modprobe ip_vs
	is "pid 0 while there is no service" "$(column pid)" 0
	add_services
	like "with one there is a thread" "$(until_like '[1-9]*' column pid)" "[1-9]*"
	is "which is called as the page says" "$(task_names)" "ipvs-e:0:0"
	# There is no journal here, which would show the kernel's log.
	like "the log tells the limits" \
		"$(until_like '*calibrated: *' sh -c 'dmesg | grep IPVS:')" \
		"*IPVS: netns 0: calibrated: [1-9]* estimators in a chain, [1-9]* for a kthread, up to [1-9]* kthreads*"
}

# Packets to the service, some each second, until they are stopped
start_traffic()
{
	(while :; do
		echo x >/dev/udp/10.0.0.1/9 || true
		sleep 0.05
	done) 2>/dev/null &
	traffic=$!
}

rates_read_0()
{
	local before pid

	is "ests: service, server, and 1" "$(until_like 3 column ests)" 3
	start_traffic
	like "rates come" "$(until_like '[1-9]*' rate)" "[1-9]*"
	typed "sysctl -w $vs.run_estimation=1" =1 =0 >/dev/null
	is "switched off" "$(typed "sysctl $vs.run_estimation")" "$vs.run_estimation = 0"
	is "then there is no thread" "$(until_like '' typed 'pgrep -a ipvs-e')" ""
	is "and rates read 0" "$(rate)" 0
	before=$(packets)
	sleep 1
	is "counters go on" "$(($(packets) > before))" 1
	typed "sysctl -w $vs.run_estimation=1" >/dev/null
	like "switched on: a thread" "$(until_like '*ipvs-e:0:0*' typed 'pgrep -a ipvs-e')" \
		"*ipvs-e:0:0*"
	like "and rates" "$(until_like '[1-9]*' rate)" "[1-9]*"
	sysctl -q -w $vs.est_cpulist=
	is "an empty list is shown as such" "$(typed "sysctl $vs.est_cpulist" | xargs)" \
		"$vs.est_cpulist ="
	is "and ends the threads" "$(until_like '' task_names)" ""
	typed "sysctl -w $vs.est_cpulist=all" >/dev/null
	like "all starts them" "$(until_like '*ipvs-e:0:0*' task_names)" "*ipvs-e:0:0*"
	pid=$(task)
	like "ps shows the thread" "$(typed 'ps -o pid,ni,psr,time,comm -p PID' PID "$pid" | xargs)" \
		"PID NI PSR TIME COMMAND $pid 0 [0-9] [0-9:]* ipvs-e:0:0"
	before=$(typed 'grep ctxt /proc/PID/status' PID "$pid")
	sleep 6
	like "it has been on a CPU meanwhile" "$before" "voluntary_ctxt_switches:*[0-9]*"
	is "which its switches show" \
		"$([[ $(typed 'grep ctxt /proc/PID/status' PID "$pid") != "$before" ]] && echo yes)" yes
	like "a high est_nice is seen there" "$(sysctl -q -w $vs.est_nice=19
		until_like 19 of_task ni)" 19
	typed "sysctl -w $vs.est_nice=0" >/dev/null
	is "and 0 again" "$(until_like 0 of_task ni)" 0
}

a_cpu_is_busy()
{
	like "ps shows who is where" "$(typed 'ps -eLo psr,pcpu,ni,comm | grep ipvs-e' | xargs)" \
		"[0-9] [0-9]*.[0-9] 0 ipvs-e:0:0"
	like "last_us and worst_us" "$(column last_us) $(column worst_us)" "[0-9]* [1-9]*"
	like "read: what has traffic, and the total" "$(until_like 3 column read)" 3
	kill "$traffic"
	wait "$traffic" 2>/dev/null || true
	is "skipped: all, without traffic" "$(until_like 3 column skipped)" 3
	typed "sysctl -w $vs.est_nice=19" >/dev/null
	is "est_nice=19" "$(until_like 19 of_task ni)" 19
	typed "sysctl -w $vs.est_cpulist=4-7" 4-7 1 >/dev/null
	is "est_cpulist=1" "$(until_like 1 column cpus)" 1
	is "is where it runs" "$(until_like 1 of_task psr)" 1
	is "chain_max tells the room" "$(($(until_like '[1-9]*' column chain_max) > 0))" 1
	echo 1 >"$(page_has /sys/kernel/tracing/events/ipvs_est)/enable"
	like "each row that is walked is traced" \
		"$(until_like '*ipvs_est_*' grep ipvs_est_ /sys/kernel/tracing/trace)" \
		"*ipvs-e:0:0*ipvs_est_*"
	echo 0 >/sys/kernel/tracing/events/ipvs_est/enable
}

in_containers()
{
	local holder ns=/sys/module/ip_vs/parameters

	ip netns add NAME
	ip netns exec NAME ipvsadm -A -t 10.0.0.2:80 -s rr
	like "ip netns shows a namespace's thread" \
		"$(until_like '*[0-9] 0-[0-9]*' typed "ip netns exec NAME cat $est")" "*[1-9]*"
	# What a runtime does: new pids, and /proc of its own.
	# shellcheck disable=SC2016  # the inner shell expands these
	unshare --net --pid --fork --mount-proc bash -c '
		ipvsadm -A -t 10.0.0.3:80 -s rr
		sleep 2
		echo "pid $(awk "NR == 2 { print \$2 }" /proc/net/ip_vs_est)"
		pgrep ipvs-e
		echo "end" && sleep 1000' >/tmp/container &
	holder=$!
	is "inside of a container there is no pid to be seen" \
		"$(until_like '*end' xargs -a /tmp/container)" "pid 0 end"
	holder=$(pgrep -o -P "$holder")
	like "nsenter shows its thread" \
		"$(typed "nsenter --net=/proc/PID/ns/net cat $est" PID "$holder" | awk 'NR == 2 { print $2 }')" \
		"[1-9]*"
	kill -KILL "$holder"
	typed "echo 0 >$ns/run_estimation" >/dev/null
	ip netns add later
	is "the parameter holds for later namespaces" \
		"$(ip netns exec later sysctl -n $vs.run_estimation)" 0
	is "and for no earlier one" "$(ip netns exec NAME sysctl -n $vs.run_estimation)" 1
	ip netns del NAME
	ip netns del later
	typed "echo 'options ip_vs run_estimation=0' >/etc/modprobe.d/ipvs-estimator.conf" >/dev/null
	unload
	modprobe ip_vs
	is "modprobe.d holds from the next load on" "$(sysctl -n $vs.run_estimation)" 0
	rm /etc/modprobe.d/ipvs-estimator.conf
	unload
	echo 'options ip_vs est_nice=99' >/etc/modprobe.d/ipvs-estimator.conf
	is "a wrong value: ip_vs is not loaded" "$(modprobe ip_vs 2>/dev/null && echo loaded)" ""
	like "and the log says so" "$(dmesg | tail -n 5)" "*$(page_has 'invalid for parameter')*"
	rm /etc/modprobe.d/ipvs-estimator.conf
	modprobe ip_vs
}

isolated_cpus()
{
	add_services
	until_like '[1-9]*' column pid >/dev/null
	is "status shows what cpus shows" \
		"$(typed "grep Cpus_allowed_list /proc/\$(pgrep -o ipvs-e)/status" | cut -f 2)" \
		"$(column cpus)"
	like "the shell's own CPUs" "$(typed "taskset -p \$\$")" "*current affinity mask*"
	typed "taskset -c 0-7 sysctl -w $vs.est_cpulist=4-7" "0-7 sysctl -w $vs.est_cpulist=4-7" \
		"0 sysctl -w $vs.est_cpulist=0-1" >/dev/null
	is "a list is cut to those of who writes" "$(sysctl -n $vs.est_cpulist)" 0
	is "and used" "$(until_like 0 column cpus)" 0
	sysctl -q -w $vs.est_cpulist=0-1
	until_like 0-1 column cpus >/dev/null
	taskset -pc 1 "$(task)" >/dev/null
	sleep 5
	is "taskset within the list is left alone" "$(column cpus)" 1
}

# Ours have other structs than the kernel's own modules, which some kernels do not
# notice: one of the others is refused, not used.  dkms may have moved them.
not_beside_each_other()
{
	local stock

	stock=$(find "/lib/modules/$(uname -r)/kernel" \
		/var/lib/dkms/ipvs-estimator/original_module/"$(uname -r)" \
		-name 'ip_vs_rr.ko*' ! -name '*.origin' 2>/dev/null | sed -n 1p) || true
	like "the kernel's own ip_vs_rr is there" "$stock" "*/ip_vs_rr.ko*"
	if [[ $stock == *.xz ]]; then
		xz -dc "$stock" >/tmp/ip_vs_rr.ko
		stock=/tmp/ip_vs_rr.ko
	fi
	unload
	modprobe ip_vs
	is "it is not loaded beside our ip_vs" "$(insmod "$stock" 2>/dev/null && echo loaded)" ""
	like "and the log says so" "$(dmesg | tail -n 5)" \
		"*ip_vs_rr: @(Unknown symbol|disagrees about version of symbol)*"
}

# The page's way to take the modules out, and what is there then
go_back()
{
	unload
	is "they can be unloaded" "$(lsmod | grep ip_vs)" ""
	like "and nothing else was" "$(lsmod)" "*nf_conntrack*"
	is "then the file is gone" "$(ls $est 2>/dev/null)" ""
}

[[ ${1:-} == --inside ]] || enter_debian
ip link set lo up
ip link add director type dummy
ip address add 10.0.0.1/32 dev director
ip link set director up
is_it_in_use
rates_read_0
a_cpu_is_busy
in_containers
isolated_cpus
not_beside_each_other
go_back
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
