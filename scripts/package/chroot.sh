# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Debian under build/ to run commands in that can change nothing else.  Sourced,
# not run.  Packages start services, load modules and write sysctls when they are
# installed, and most sysctls are those of the whole machine.

# What root may do with files, users and processes; but mount nothing, load
# nothing, and set no clock, whatever the namespaces below leave.
CHROOT_CAPS=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap
CHROOT_CAPS+=,+sys_chroot,+audit_write,+setfcap

# Of the machine it has the network, for apt, and seven devices that hold nothing.
# /proc is read-only, the files of processes as well; /sys is not there.  Mounts and
# processes are gone when the command is.
# shellcheck disable=SC2016  # the inner shell expands these
in_chroot()	# ROOT COMMAND...
{
	unshare --mount --pid --ipc --uts --fork --kill-child --propagation private bash -ec '
		root=$1 caps=$2
		shift 2
		mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc"
		mount -t tmpfs -o mode=755 run "$root/run"
		mount -t tmpfs -o mode=755 dev "$root/dev"
		for dev in null zero full random urandom tty; do
			: >"$root/dev/$dev"
			mount --bind "/dev/$dev" "$root/dev/$dev"
		done
		mkdir -m 1777 "$root/dev/shm"
		mkdir "$root/dev/pts"
		mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
		ln -s pts/ptmx "$root/dev/ptmx"
		ln -s /proc/self/fd "$root/dev/fd"
		for fd in "0 stdin" "1 stdout" "2 stderr"; do
			ln -s "/proc/self/fd/${fd% *}" "$root/dev/${fd#* }"
		done
		exec setpriv --inh-caps=-all --bounding-set="$caps" \
			chroot "$root" env INITRD=No DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' - "$1" "$CHROOT_CAPS" "${@:2}"
}

# The machine's sysctls into a file, without those that move by themselves.
save_sysctls()	# FILE
{
	sysctl -a 2>/dev/null | grep -vE "^($(paste -sd '|' <<-'EOT'
		fs\.(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota\..*)
		kernel\.(ns_last_pid|pty\.nr|random\..*|perf_event_max_sample_rate)
		net\.netfilter\.nf_conntrack_count
		sunrpc\.transports
	EOT
	)) =" | sort >"$1" || true
	[[ -s $1 ]] || die "sysctl -a shows nothing"
}

# Prints the sysctls that are not as they were.  Others on the machine may add and
# remove network interfaces, whose sysctls come and go; so those that are in one
# file only are none that were changed.
changed_sysctls()	# BEFORE AFTER
{
	awk '{ name = $0; sub(/ = .*/, "", name) }
		NR == FNR { was[name] = was[name] $0 "\n"; next }
		{ is[name] = is[name] $0 "\n" }
		END { for (n in is) if (n in was && is[n] != was[n]) printf "%s", is[n] }' "$1" "$2"
}
