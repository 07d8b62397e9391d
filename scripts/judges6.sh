#!/bin/bash
# Foreign judges of IPv6: thc-ipv6's implementation6, ipv6toolkit and ndisc6 from Debian, run
# against Mayfly and against a Linux kernel in namespaces that this script makes and removes. Prints
# both lists side by side; doc/differences-ipv6.md explains each line in which they differ.
#   scripts/judges6.sh [quick]   4 min; quick: 1 min, without the tests that wait for time-outs
#   MAYFLY=build/app/mayfly      the program that is judged
source "$(dirname "$0")/common.sh"

mayfly=${MAYFLY:-build/app/mayfly}
judge=mayfly-judge ours=mayfly-judged linux=linux-judged
out=$(mktemp -d)

# Ends what runs in the namespaces, and removes them.
clean_up() {
  local namespace
  for namespace in $judge $ours $linux; do
    ip netns pids $namespace 2>/dev/null | xargs -r kill 2>/dev/null || true
  done
  wait
  for namespace in $judge $ours $linux; do ip netns delete $namespace 2>/dev/null || true; done
  rm -rf "$out"
}

install_judges() {
  local missing=() tool
  for tool in atk6-implementation6:thc-ipv6 frag6:ipv6toolkit ndisc6:ndisc6 ethtool:ethtool; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
  done
  [ ${#missing[@]} = 0 ] || apt-get install -y "${missing[@]}" >/dev/null
}

# inside NAMESPACE COMMAND...
inside() {
  ip netns exec "$@"
}

# A veth pair: NAME and its peer in the two namespaces, which neither learn addresses nor leave
# checksums to a device.
pair() {
  local near=$1 near_end=$2 far=$3 far_end=$4 namespace end
  ip link add "$near_end" netns "$near" type veth peer name "$far_end" netns "$far"
  for namespace in "$near $near_end" "$far $far_end"; do
    end=${namespace##* } namespace=${namespace%% *}
    inside "$namespace" sysctl -qw "net.ipv6.conf.$end.accept_ra=0" \
      "net.ipv6.conf.$end.accept_dad=0"
    inside "$namespace" ethtool -K "$end" tx off tso off gso off gro off >/dev/null
    ip -n "$namespace" link set "$end" up
  done
}

build_network() {
  local namespace
  for namespace in $judge $ours $linux; do
    ip netns add $namespace
    ip -n $namespace link set lo up
  done
  pair $judge mayfly $ours port
  pair $judge linux $linux port
  inside $ours sysctl -qw net.ipv6.conf.port.disable_ipv6=1
  ip -n $judge address add 2001:db8:1::2/64 dev mayfly nodad
  ip -n $judge address add 2001:db8:2::2/64 dev linux nodad
  ip -n $linux address add 2001:db8:2::1/64 dev port nodad
}

start_servers() {
  cat >"$out/serve.yaml" <<'END'
ports:
  - {device: "net_af_packet0,iface=port", addresses: ["2001:db8:1::1/64"], detect_duplicates: false}
listen: [{port: 80, service: discard}]
END
  inside $ours "$mayfly" serve -c "$out/serve.yaml" --set hugepages=never --duration 20min \
    --set admin.socket="$out/serve.sock" \
    >"$out/serve.log" 2>&1 &
  inside $linux /usr/bin/python3 -c "
import socket
server = socket.create_server(('::', 80), family=socket.AF_INET6, backlog=100)
held = []
while True:
    held.append(server.accept())
" &
  for _ in $(seq 100); do
    grep -q ^ready "$out/serve.log" && break
    sleep 0.1
  done
  grep -q ^ready "$out/serve.log" || fail "$(cat "$out/serve.log")"
}

# target SIDE: sets `device` and `address`.
target() {
  device=$1
  [ "$1" = mayfly ] && address=2001:db8:1::1 || address=2001:db8:2::1
}

# What the judges say of one side; whatever differs without meaning is made alike.
implementation6() {
  inside $judge atk6-implementation6 -p "$device" "$address" 2>&1 | sed -n 's/\t\+/ /g; /^Test/p'
}
frag6() {
  local option
  for option in "$@"; do
    echo "frag6 $option"
    inside $judge timeout 90 frag6 -i "$device" -d "$address" "$option" 2>&1 |
      sed 's/(Avg.*//; /^$/d; /^Identifying/d'
  done
}
# tcp6 sends one segment with these flags; what comes back, as tcpdump tells it.
tcp6() {
  local flags port=20000
  for flags in S A R F SA SF FPU none; do
    inside $judge timeout 4 tcpdump -lnti "$device" -c 1 "ip6 src $address and tcp" \
      >"$out/heard.$device" 2>/dev/null &
    local listener=$!
    sleep 1
    port=$((port + 1))
    inside $judge tcp6 -i "$device" -s "${address%1}2" -d "$address" -o $port -a 80 \
      $([ $flags = none ] || echo -X $flags) >/dev/null 2>&1 || true
    wait $listener || true
    echo "tcp6 -X $flags: $(grep -o 'Flags \[[^]]*\]' "$out/heard.$device" || echo nothing)"
  done
}
neighbours() {
  echo "ndisc6: $(inside $judge ndisc6 -1q "$address" "$device" >/dev/null && echo answers ||
    echo silent)"
  echo "ndisc6 of another: $(inside $judge ndisc6 -1q -w 500 "${address}77" "$device" >/dev/null &&
    echo answers || echo silent)"
}

judge_side() {
  local device address
  target "$1"
  neighbours
  tcp6
  frag6 -W
  [ "$depth" = quick ] && return
  frag6 -p
  implementation6
}

depth=${1:-full}
[ "$depth" = full ] || [ "$depth" = quick ] || fail "usage: scripts/judges6.sh [quick]"
[ "$(id -u)" = 0 ] || fail "only root can make network namespaces"
[ -x "$mayfly" ] || fail "$mayfly is missing: scripts/run.sh builds it"
install_judges
trap clean_up EXIT
build_network
start_servers
judge_side mayfly >"$out/mayfly" &
judging=$!
judge_side linux >"$out/linux"
wait "$judging"
say "Mayfly | Linux; lines that differ have a mark between them"
diff -y -W 150 -t "$out/mayfly" "$out/linux" || true
say "$(diff -y --suppress-common-lines "$out/mayfly" "$out/linux" | wc -l) lines differ"
