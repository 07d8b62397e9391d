#!/bin/bash
# Looks for what is broken for hours, in rounds: new seeds of the simulator, then all fuzz targets
# from what the rounds before have found; until the time is up or something breaks.
#   scripts/soak.sh [HOURS=8]      "0.5" is half an hour
source "$(dirname "$0")/common.sh"
hours=${1:-8}
[[ $hours =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "usage: scripts/soak.sh [HOURS]"
end=$((SECONDS + $(/usr/bin/python3 -c "print(int($hours * 3600))")))
round=0
# No soak lives through the seeds of another.
seed=$(($(date +%s) * 1000))
first_seed=$seed
batch=200

# A part of a round is a twentieth of the time at most, so that every part has its turn.
seconds_each() { echo $(((end - SECONDS) / 20 + 10)); }

# As many simulators as there are cores, each with seeds of its own.
sim_round() {
  local until=$((SECONDS + $(seconds_each))) runs run
  while [ $SECONDS -lt $until ]; do
    runs=()
    for _ in $(seq "$(nproc)"); do
      build/app/mayfly sim --seed "$seed" --seeds $batch --out out/soak &
      runs+=($!)
      seed=$((seed + batch))
    done
    for run in "${runs[@]}"; do wait "$run" || fail "a seed failed: see out/soak"; done
  done
  say "$((seed - first_seed)) seeds so far"
}

fuzz_round() {
  local targets
  targets=$(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d | wc -l)
  scripts/fuzz.sh $(($(seconds_each) * $(nproc) / targets + 10))
}

scripts/setup.sh test
mkdir -p out/soak
while [ $SECONDS -lt $end ]; do
  round=$((round + 1))
  say "round $round: $(((end - SECONDS) / 60)) minutes left"
  sim_round
  fuzz_round
done
say "$round rounds, $((seed - first_seed)) seeds, nothing broke"
