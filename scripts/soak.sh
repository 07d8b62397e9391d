#!/bin/bash
# Searches for bugs for hours, in rounds: new seeds of the simulator, then all fuzz targets,
# starting from the corpora of the rounds before; until the time is up or something breaks. What
# broke is kept in out/soak: the trace of a seed, or the input of a fuzz target (what to do with it:
# tests/fuzz/README.md).
#   scripts/soak.sh [HOURS=8]      "0.5" is half an hour
source "$(dirname "$0")/common.sh"
hours=${1:-8}
[[ $hours =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "usage: scripts/soak.sh [HOURS]"
end=$((SECONDS + $(/usr/bin/python3 -c "print(int($hours * 3600))")))
round=0
# Every soak has new seeds.
seed=$(($(date +%s) * 1000))
first_seed=$seed
batch=200

# A part of a round takes at most a twentieth of the time, so that every part is run.
seconds_each() { echo $(((end - SECONDS) / 20 + 10)); }

# What the batches run in turn: every other one draws its faults, the others have a situation alone
# (doc/simulator.md), where what it promises must hold.
situations=(two_ports two_ports,stuck_port stuck_port hostile_pools client_text overload
            moving_router moving_router,stray,jitter,duplicate)
turn=0
faults_of_turn() {
  if [ $((turn % 2)) -eq 0 ]; then
    echo swarm
  else
    echo "${situations[turn / 2 % ${#situations[@]}]}"
  fi
}

# One simulator per core, each with its own seeds.
sim_round() {
  local until=$((SECONDS + $(seconds_each))) runs run faults
  while [ $SECONDS -lt $until ]; do
    runs=()
    for _ in $(seq "$(nproc)"); do
      faults=$(faults_of_turn)
      say "seeds $seed to $((seed + batch - 1)), faults $faults"
      build/app/mayfly sim --seed "$seed" --seeds $batch --faults "$faults" --out out/soak &
      runs+=($!)
      seed=$((seed + batch))
      turn=$((turn + 1))
    done
    for run in "${runs[@]}"; do wait "$run" || fail "a seed failed: see out/soak"; done
  done
  say "$((seed - first_seed)) seeds so far"
}

fuzz_round() {
  local targets
  targets=$(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d | wc -l)
  scripts/fuzz.sh $(($(seconds_each) * $(nproc) / targets + 10)) || keep_inputs
}

# Copies what broke a target to out/soak/TARGET-NAME.
keep_inputs() {
  local input target
  while read -r input; do
    target=$(cut -d/ -f3 <<<"$input")
    cp "$input" "out/soak/$target-$(basename "$input")"
    say "saved: out/soak/$target-$(basename "$input")"
  done < <(find out/fuzz/*/broken -type f -newer out/soak/started)
  fail "a fuzz target broke: tests/fuzz/README.md says what to do with its input"
}

scripts/setup.sh test
mkdir -p out/soak
touch out/soak/started
while [ $SECONDS -lt $end ]; do
  round=$((round + 1))
  say "round $round: $(((end - SECONDS) / 60)) minutes left"
  sim_round
  fuzz_round
done
say "$round rounds, $((seed - first_seed)) seeds, nothing broke"
