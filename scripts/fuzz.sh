#!/bin/bash
# Runs the fuzz targets (tests/fuzz), each for SECONDS on a copy of its corpus, one per core at a
# time. Results: out/test/fuzz/fuzz.xml; an input that breaks a target is kept in
# out/fuzz/TARGET/broken.
#   scripts/fuzz.sh [SECONDS=30] [TARGET...]
source "$(dirname "$0")/common.sh"
build="build-fuzz"
work=out/fuzz
report=out/test/fuzz/fuzz.xml
seconds=${1:-30}
[[ $seconds =~ ^[0-9]+$ ]] || fail "usage: scripts/fuzz.sh [SECONDS] [TARGET...]"
shift $(($# > 0))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)
export UBSAN_OPTIONS=print_stacktrace=1

scripts/setup.sh test
CC=clang CXX=clang++ configure "$build" -Dfuzzers=true -Doptimization=2 -Ddebug=true \
  -Db_sanitize=address,undefined -Db_lundef=false
compile "$build" "${targets[@]/#/tests/fuzz/fuzz_}"

fuzz() { # TARGET: its output goes to a log, its exit status beside it
  local folder=$work/$1 status=0
  mkdir -p "$folder/corpus" "$folder/broken"
  cp "tests/fuzz/corpus/$1"/* "$folder/corpus/"
  "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
    -max_len=4096 -print_final_stats=1 -artifact_prefix="$folder/broken/" \
    "$folder/corpus" >"$folder/log" 2>&1 || status=$?
  echo $status >"$folder/status"
}

# "#12345 DONE cov: 678 ft: ..." is the last of libFuzzer's lines about progress.
summary() { # TARGET
  local log=$work/$1/log runs coverage
  runs=$(grep -oP 'number_of_executed_units: \K\d+' "$log" | tail -n 1)
  coverage=$(grep -oP ' cov: \K\d+' "$log" | tail -n 1)
  printf '%-14s %10s executions, %6s edges' "$1" "${runs:-no}" "${coverage:-no}"
}

# What happened, without characters that would end the XML.
reason() { # TARGET
  grep -aE -m 1 'Failure|ERROR|runtime error|Assertion' "$work/$1/log" |
    tr -d '<>&"' | tr -cd '[:print:]'
}

tell() { # TARGET
  if [ "$(cat "$work/$1/status")" = 0 ]; then
    summary "$1"
    echo
    printf '  <testcase classname="fuzz" name="%s"/>\n' "$1" >>"$report"
    return
  fi
  local input
  input=$(find "$work/$1/broken" -type f -newer "$work/started" | head -n 1)
  printf '%s: BROKEN: %s\n' "$(summary "$1")" "$(reason "$1")"
  echo "    again: $build/tests/fuzz/fuzz_$1 ${input:-(see $work/$1/log)}"
  printf '  <testcase classname="fuzz" name="%s"><failure message="%s"/></testcase>\n' \
    "$1" "$(reason "$1")" >>"$report"
  broken=$((broken + 1))
}

mkdir -p "$work" "$(dirname "$report")"
touch "$work/started"
echo '<testsuite name="fuzz">' >"$report"
say "fuzzing for $seconds s each: ${targets[*]}"
for target in "${targets[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  fuzz "$target" &
done
wait
broken=0
for target in "${targets[@]}"; do tell "$target"; done
echo '</testsuite>' >>"$report"
[ "$broken" = 0 ] || fail "$broken of the targets broke"
