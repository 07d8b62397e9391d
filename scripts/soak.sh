#!/bin/bash
# Fuzzes for hours, in rounds of all targets that build on what the rounds before have found, until
# the time is up or something breaks.
#   scripts/soak.sh [HOURS=8]      "0.5" is half an hour
source "$(dirname "$0")/common.sh"
hours=${1:-8}
[[ $hours =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "usage: scripts/soak.sh [HOURS]"
end=$((SECONDS + $(/usr/bin/python3 -c "print(int($hours * 3600))")))
round=0

# A round is a tenth of the time at most, so that every part has its turn.
fuzz_round() {
  local targets rounds_seconds
  targets=$(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d | wc -l)
  rounds_seconds=$(((end - SECONDS) * $(nproc) / targets / 10))
  scripts/fuzz.sh $((rounds_seconds > 10 ? rounds_seconds : 10))
}

while [ $SECONDS -lt $end ]; do
  round=$((round + 1))
  say "round $round: $(((end - SECONDS) / 60)) minutes left"
  fuzz_round
done
say "$round rounds, nothing broke"
