#!/bin/bash
# How fast it is, beside the kernel's TCP (nginx, wrk) and, if DPERF names a binary, dperf: a table
# of medians, ranges and ratios in ten minutes, as Markdown and JSON. Builds what it needs.
#   scripts/bench.sh [--rounds 5] [--seconds 3] [--save NAME] [--against FILE] [--only WORD...]
#                    [--pgo]                    the build of scripts/pgo.sh too
#   scripts/bench.sh stages [--rounds 5] [--seconds 3] [--save NAME]
#                                               where the cycles of a connection go, by the stages
#                                               of a poll, in a build that counts them
#   scripts/bench.sh micro [--save] [WORD...]   the micro-benchmarks, all or those with a WORD in
#                                               their name; --save writes bench/results/<name>.json
source "$(dirname "$0")/common.sh"

measure() {
  scripts/setup.sh test
  configure build-bench --buildtype=release -Db_lto=true -Dtests=true
  compile build-bench bench/shard/{cycles_per_connection,time_wait_scale,open_scale}
  exec /usr/bin/python3 bench/table.py "$@"
}

stages() {
  scripts/setup.sh test
  configure build-stages --buildtype=release -Db_lto=true -Dtests=true -Dstage_clock=true
  compile build-stages app/mayfly bench/shard/cycles_per_connection
  exec /usr/bin/python3 bench/stages.py "$@"
}

wanted() { # NAME WORD...
  local name=$1 word
  shift
  [ $# = 0 ] && return
  for word in "$@"; do [[ $name == *$word* ]] && return; done
  return 1
}

micro() {
  local save='' found=0 program name options
  [ "${1:-}" = --save ] && save=1 && shift
  scripts/setup.sh test
  configure_unit
  compile build-unit
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
}

case ${1:-} in
  micro | stages) "$@" ;;
  *) measure "$@" ;;
esac
