#!/bin/bash
# A Linux peer to try the server with: a network namespace at the far end of a veth pair.
#   scripts/netns.sh up                 makes the namespace "mayfly" with 198.18.0.2/15 in it, and
#                                       veth0 for the server
#   scripts/netns.sh shell [COMMAND]    a shell in the namespace, or just one command
#   scripts/netns.sh down               removes both
source "$(dirname "$0")/common.sh"
namespace=mayfly
ours=veth0
peer=veth1

up() {
  ip link show "$ours" >/dev/null 2>&1 && fail "$ours exists: scripts/netns.sh down removes it"
  trap down ERR
  ip netns add "$namespace"
  ip link add "$ours" type veth peer name "$peer" netns "$namespace"
  # This end belongs to the server alone: the kernel must add and forward nothing on it.
  echo 1 2>/dev/null >"/proc/sys/net/ipv6/conf/$ours/disable_ipv6" || true
  echo 0 >"/proc/sys/net/ipv4/conf/$ours/forwarding"
  ip link set "$ours" up
  ip -n "$namespace" link set lo up
  ip -n "$namespace" link set "$peer" up
  ip -n "$namespace" address add 198.18.0.2/15 dev "$peer"
  # A veth neither computes checksums nor splits what the kernel leaves to the hardware.
  ethtool -K "$ours" tx off tso off gso off gro off >/dev/null
  ip netns exec "$namespace" ethtool -K "$peer" tx off tso off gso off gro off >/dev/null
  trap - ERR
  say "try: build/app/mayfly serve -c conf/serve/veth.yaml"
  say "and: scripts/netns.sh shell curl -v http://198.18.0.1/"
}

down() {
  ip link delete "$ours" 2>/dev/null || true
  ip netns delete "$namespace" 2>/dev/null || true
}

[ "$(id -u)" = 0 ] || fail "only root can make network namespaces"
case ${1:-} in
  up) up ;;
  down) down ;;
  shell)
    shift
    exec ip netns exec "$namespace" "${@:-bash}"
    ;;
  *) fail "usage: scripts/netns.sh up | shell [COMMAND...] | down" ;;
esac
