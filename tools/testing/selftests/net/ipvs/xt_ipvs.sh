#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The iptables match of IPVS still finds the packets of its connections.

set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=topology.sh
. "$(dirname "$0")/topology.sh"

COUNT=25
SIZE=200

need_ipvs
need_helpers echo_server udp_flood
need iptables
iptables -m ipvs --help >/dev/null 2>&1 || ktap_skip_all "iptables has no ipvs match"
modprobe -q xt_ipvs || [[ -d /sys/module/xt_ipvs ]] ||
	grep -qx ipvs /proc/net/ip_tables_matches 2>/dev/null ||
	ktap_skip_all "no xt_ipvs"

# Tests of one IP version.
test_match()	# VERSION
{
	local v=$1 one all bytes

	bytes=$((SIZE + 8 + HEADER[v]))
	one="$COUNT $((COUNT * bytes))"
	all="$((2 * COUNT)) $((2 * COUNT * bytes))"

	topology_service "$v" -m 7 -u "$(endpoint "${VIP[v]}" 53)"
	rule_add "$DIRECTOR" "$v" any POSTROUTING -p udp -m ipvs --ipvs
	rule_add "$DIRECTOR" "$v" not POSTROUTING -p udp -m ipvs ! --ipvs
	rule_add "$DIRECTOR" "$v" vport POSTROUTING -m ipvs --vproto udp \
		--vaddr "${VIP[v]}" --vport 53
	rule_add "$DIRECTOR" "$v" masq POSTROUTING -m ipvs --vport 53 \
		--vmethod MASQ
	rule_add "$DIRECTOR" "$v" direct POSTROUTING -m ipvs --vmethod GATE
	rule_add "$DIRECTOR" "$v" other POSTROUTING -m ipvs --vport 54
	in_client "$TEST_DIR/udp_flood" -n "$COUNT" -s "$SIZE" -e \
		"${VIP[v]}" 53 >/dev/null || diag "no answer"

	check_eq "IPv$v: --ipvs matches both directions" "$all" \
		"$(rule_read "$DIRECTOR" "$v" any)"
	check_eq "IPv$v: ! --ipvs matches nothing of it" "0 0" \
		"$(rule_read "$DIRECTOR" "$v" not)"
	check_eq "IPv$v: --vproto --vaddr --vport match" "$one" \
		"$(rule_read "$DIRECTOR" "$v" vport)"
	check_eq "IPv$v: --vmethod MASQ matches" "$one" \
		"$(rule_read "$DIRECTOR" "$v" masq)"
	check_eq "IPv$v: --vmethod GATE does not match" "0 0" \
		"$(rule_read "$DIRECTOR" "$v" direct)"
	check_eq "IPv$v: another --vport does not match" "0 0" \
		"$(rule_read "$DIRECTOR" "$v" other)"
	check_eq "IPv$v: counters of the service" \
		"1 $COUNT $COUNT $((COUNT * bytes)) $((COUNT * bytes))" \
		"$(service_counters "$DIRECTOR" -u "$(endpoint "${VIP[v]}" 53)")"
}

ktap_plan 15
topology_up
topology_serve 7
kernel_mark
test_match 4
test_match 6
check "no kernel warning" kernel_quiet
