#!/bin/bash
# Builds and runs the micro-benchmarks, all of them or those whose names contain one of the
# words.
#   scripts/bench.sh [--save] [WORD...]      --save writes bench/results/<name>.json
source "$(dirname "$0")/common.sh"
save=
[ "${1:-}" = --save ] && save=1 && shift
scripts/setup.sh test
configure_unit
compile build-unit

wanted() { # NAME WORD...
  local name=$1 word
  shift
  [ $# = 0 ] && return
  for word in "$@"; do [[ $name == *$word* ]] && return; done
  return 1
}

found=0
for program in $(find build-unit/bench -type f -name 'bench_*' -executable | sort); do
  name=$(basename "$program")
  wanted "$name" "$@" || continue
  found=$((found + 1))
  say "$name"
  options=()
  if [ -n "$save" ]; then
    mkdir -p bench/results
    options=(--benchmark_out="bench/results/$name.json" --benchmark_out_format=json)
  fi
  "$program" "${options[@]}"
done
[ $found -gt 0 ] || fail "no benchmark is named like: $*"
