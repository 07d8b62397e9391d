#!/bin/bash
# Announces the address of the service while Mayfly is healthy and takes connections, and withdraws
# it when it is not: when it has ended, hangs, has no link, refuses newcomers, or is to drain.
#   health.sh [CONTROL-SOCKET-OF-MAYFLY]
# In the environment, with what holds otherwise:
#   MAYFLY=mayfly  BIRD=/run/bird/bird.ctl  PROTOCOL=mayfly   the protocol of bird-server.conf
#   PERIOD=0.1     seconds between two questions
#   FAILURES=3     in a row, after which the route is withdrawn; one that has ended or is to drain
#                  is no doubt, and the route is withdrawn at once
#   SUCCESSES=5    in a row, after which it is announced: one that starts and fails does not flap
set -u
socket=${1:-}
mayfly=${MAYFLY:-mayfly}
bird=${BIRD:-/run/bird/bird.ctl}
protocol=${PROTOCOL:-mayfly}

# What it says of itself; 1 = not healthy, or takes no connections; 2 = the same without doubt: it
# has ended, or is to drain.
ask() {
  local said
  said=$(timeout 1 "$mayfly" ctl ${socket:+--socket "$socket"} health 2>&1) && return
  [[ $said == *"nobody listens"* || $said == *draining* ]] && return 2
  return 1
}
tell_bird() {
  birdc -s "$bird" "$1" "$protocol" >/dev/null || echo "BIRD does not listen on $bird" >&2
}
withdraw() {
  tell_bird disable
  announced=no
}

trap 'withdraw; exit 0' INT TERM
withdraw
successes=0 failures=0 rounds=0
while sleep "${PERIOD:-0.1}"; do
  ask
  case $? in
    0) successes=$((successes + 1)) failures=0 ;;
    1) failures=$((failures + 1)) successes=0 ;;
    *) failures=${FAILURES:-3} successes=0 ;;
  esac
  if [ "$announced" = yes ] && [ "$failures" -ge "${FAILURES:-3}" ]; then
    echo "withdrawn: $mayfly is not healthy or takes no connections"
    withdraw
  elif [ "$announced" = no ] && [ "$successes" -ge "${SUCCESSES:-5}" ]; then
    echo "announced"
    tell_bird enable
    announced=yes
  fi
  # A BIRD that was started anew has it disabled.
  rounds=$((rounds + 1))
  [ "$announced" = yes ] && [ $((rounds % 20)) = 0 ] && tell_bird enable
done
