# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A user without privilege, and a network namespace that lives as long as a
# process: the user's or another one, in a user namespace or not.

# shellcheck disable=SC2034  # of those that source this
AS_USER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
HOLDER=''
# Which namespaces of it are entered: with that of users, it is as their root, who
# is the user to all others.
HOLDER_NS=(-U -n)

# Users may make namespaces, and there are not too many of them.
new_namespace()
{
	"${AS_USER[@]}" unshare -Ur -n true 2>/dev/null
}

# COMMAND_PREFIX makes the namespace and runs what follows in it.
holder_start()	# COMMAND_PREFIX...
{
	"$@" sleep infinity &
	HOLDER=$!
	wait_until holder_ready
}

# A server must have an address that can be routed.
holder_up()	# COMMAND_PREFIX...
{
	holder_start "$@" && in_holder ip link set lo up
}

holder_ready()
{
	# unshare(1) has done all it has to
	[[ $(<"/proc/$HOLDER/comm") == sleep ]]
}

holder_down()
{
	[[ $HOLDER ]] || return 0
	kill "$HOLDER"
	wait "$HOLDER" || true
	HOLDER=''
}

in_holder() { nsenter -t "$HOLDER" "${HOLDER_NS[@]}" -- "$@"; }
