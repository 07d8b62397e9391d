#!/bin/bash
# On a Linux router: makes a resilient nexthop group of the servers to which BIRD has a route in
# TABLE (bird-router.conf), and changes it when they change. Flows of servers that stay are not
# moved. A server that comes back gets what is idle for a second, and its share after ten.
#   nexthop-group.sh SERVICE [TABLE=100] [GROUP=1000]     such as 198.19.0.1/32
# GROUP and the numbers that follow are those of nexthop objects that nobody else uses. Ctrl-C ends
# it and leaves the route as it is.
#   UNBALANCED=10 in the environment: 0 moves nothing that is in use, for servers without `members`
set -euo pipefail
service=${1:?usage: nexthop-group.sh SERVICE [TABLE] [GROUP]}
table=${2:-100}
group=${3:-1000}
declare -A number=() # of a next hop, "via ADDRESS dev DEVICE"
now=none

members() {
  ip route show table "$table" "$service" 2>/dev/null | grep -oE 'via [0-9a-f.:]+ dev [^ ]+' | sort || true
}

update() {
  local wanted each list=""
  wanted=$(members)
  [ "$wanted" = "$now" ] && return
  now=$wanted
  if [ -z "$wanted" ]; then
    ip route del "$service" nhid "$group" 2>/dev/null || true
    echo "nobody serves $service"
    return
  fi
  while read -r each; do
    [ -n "${number[$each]:-}" ] || number[$each]=$((group + ${#number[@]} + 1))
    # shellcheck disable=SC2086  # words
    ip nexthop get id "${number[$each]}" >/dev/null 2>&1 ||
      ip nexthop add id "${number[$each]}" $each
    list+=${list:+/}${number[$each]}
  done <<<"$wanted"
  ip nexthop replace id "$group" group "$list" type resilient \
    buckets 1024 idle_timer 1 unbalanced_timer "${UNBALANCED:-10}"
  ip route replace "$service" nhid "$group"
  echo "$service ${wanted//$'\n'/, }"
}

exec 3< <(exec ip monitor route)
monitor=$!
trap 'kill $monitor 2>/dev/null' EXIT
trap 'exit 0' INT TERM
sleep 0.1 # until it listens
update
while read -r _ <&3; do
  while read -r -t 0.01 _ <&3; do :; done # what changed at the same time
  update
done
