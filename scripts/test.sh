#!/bin/bash
# Sets up, builds and runs the tests. The last line is `N passed, N failed`; the exit status is 0
# only if every part asked for has run and nothing failed.
#   scripts/test.sh [tidy] [asan] [wire] [sim] [fuzz] [speed] [unit]
# tidy: rules about the text. asan: the unit tests under ASan and UBSan. wire: real Linux peers,
# against the release build. sim: 2,000 seeds of the simulator, release build. fuzz: each fuzz
# target with its corpus and a fixed number of inputs. speed: instructions a connection, counted.
# unit: the unit tests in a release build, only when it is named. No part draws other inputs in
# another run: scripts/soak.sh does.
source "$(dirname "$0")/common.sh"
results=out/test
parts=${*:-tidy asan wire sim fuzz speed}
for part in $parts; do
  case $part in
    unit | asan | tidy | wire | sim | fuzz | speed) ;;
    *) fail "no such part: $part (unit, asan, tidy, wire, sim, fuzz, speed)" ;;
  esac
done
scripts/setup.sh test
rm -rf "$results"
mkdir -p "$results"

# Each GoogleTest program leaves its cases in DIR/<name>.xml; meson's log tells of those that never
# got there.
run_meson_tests() { # DIR PART
  rm -f "$1"/*.xml
  meson test -C "$1" --no-rebuild --print-errorlogs --timeout-multiplier 5 || true
  mkdir -p "$results/$2"
  cp "$1"/*.xml "$1/meson-logs/testlog.json" "$results/$2/" || true
}

run_pytest() { # PART
  local report=$results/$1/pytest.xml
  /usr/bin/python3 -m pytest -q -p no:cacheprovider --junitxml="$report" "tests/$1" || true
}

run_unit() {
  configure_unit
  compile build-unit meson-test-prereq
  run_meson_tests build-unit unit
}

run_asan() {
  configure_sanitized
  compile build-sanitized meson-test-prereq
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  run_meson_tests build-sanitized asan
}

run_tidy() { run_pytest tidy; }

run_wire() {
  [ "$(id -u)" = 0 ] || fail "the wire tests make network namespaces: run them as root"
  run_pytest wire
}

run_sim() {
  configure_release
  compile build app/mayfly
  run_pytest sim
}

# For processors that valgrind knows; otherwise as the release build.
run_speed() {
  configure build-counted --buildtype=release -Db_lto=true -Dtests=true -Disa=haswell
  compile build-counted bench/shard/cycles_per_connection
  run_pytest speed
}

run_fuzz() { scripts/fuzz.sh --fixed || true; }

run_parts() { # PART...
  local part
  for part in "$@"; do
    say "tests: $part"
    "run_$part"
  done
}

# The wire tests mostly wait. What only computes runs beside them, on what they leave of the cores.
run_wire_beside() { # PART...
  local log=$results/beside.log
  set -m # a process group, which can be ended as one
  (
    chrt --idle --pid 0 $BASHPID 2>/dev/null || renice -n 19 -p $BASHPID >/dev/null
    run_parts "$@"
  ) >"$log" 2>&1 &
  beside=$!
  set +m
  trap 'kill -- -$beside 2>/dev/null' EXIT
  run_parts wire
  say "beside the wire tests: $*"
  wait $beside || true
  trap - EXIT
  cat "$log"
}

first=()
computing=()
for part in $parts; do
  case $part in
    wire) ;;
    sim | fuzz | speed) computing+=("$part") ;;
    *) first+=("$part") ;;
  esac
done
run_parts "${first[@]}"
if [[ " $parts " != *" wire "* ]]; then
  run_parts "${computing[@]}"
elif [ ${#computing[@]} = 0 ]; then
  run_parts wire
else
  run_wire_beside "${computing[@]}"
fi
# shellcheck disable=SC2086  # a list of names
exec /usr/bin/python3 scripts/count_tests.py "$results" $parts
