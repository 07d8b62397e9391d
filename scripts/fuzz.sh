#!/bin/bash
# Runs the fuzz targets (tests/fuzz), one per core at a time. Results: out/test/fuzz/fuzz.xml; an
# input that breaks a target is kept in out/fuzz/TARGET/broken.
#   scripts/fuzz.sh [SECONDS=30] [TARGET...]    each for SECONDS on a copy of its corpus, with
#                                               another seed each time
#   scripts/fuzz.sh --fixed [TARGET...]         the corpus and a fixed number of inputs from a fixed
#                                               seed: the same inputs in every run
source "$(dirname "$0")/common.sh"
build=build-sanitized
work=out/fuzz
report=out/test/fuzz/fuzz.xml
seconds=${1:-30}
[[ $seconds =~ ^([0-9]+|--fixed)$ ]] ||
  fail "usage: scripts/fuzz.sh [SECONDS | --fixed] [TARGET...]"
shift $(($# > 0))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)
# Inputs of a fixed run: 15 to 20 s of one core each.
declare -A runs=(
  [configuration]=8000 [connection]=250000 [admin_request]=60000 [http_request]=200000
  [http_response]=700000 [listener]=350000 [parse_frame]=1500000 [shard]=5000
  [tcp_options]=2000000 [time_wait]=3000000
)
export UBSAN_OPTIONS=print_stacktrace=1

scripts/setup.sh test
configure_sanitized
compile "$build" "${targets[@]/#/tests/fuzz/fuzz_}"

# What is ordered or hashed by address is the same in every run, if the system lets us say so.
fixed_addresses=()
if [ "$seconds" = --fixed ] && setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); fi

fuzz() { # TARGET: its output goes to a log, its exit status beside it
  local folder=$work/$1 status=0
  local options=(-rss_limit_mb=4096 -max_len=4096 -print_final_stats=1
    -artifact_prefix="$folder/broken/")
  mkdir -p "$folder/corpus" "$folder/broken"
  if [ "$seconds" = --fixed ]; then
    # A list, because the order of a folder's files depends on the file system. Without use_cmp,
    # because mutations guided by comparisons differ from run to run. The time limit of an input is
    # generous: the machine may be busy.
    find "tests/fuzz/corpus/$1" -type f | LC_ALL=C sort | paste -sd, | tr -d '\n' >"$folder/list"
    options+=(-seed=1 -runs="${runs[$1]:-20000}" -seed_inputs="@$folder/list" -use_cmp=0
      -timeout=120)
  else
    cp "tests/fuzz/corpus/$1"/* "$folder/corpus/"
    options+=(-max_total_time="$seconds" -timeout=60 "$folder/corpus")
  fi
  "${fixed_addresses[@]}" "$build/tests/fuzz/fuzz_$1" "${options[@]}" >"$folder/log" 2>&1 ||
    status=$?
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
  [ -z "$input" ] || echo "    to keep: cp $input tests/fuzz/corpus/$1/NAME_OF_WHAT_BROKE"
  printf '  <testcase classname="fuzz" name="%s"><failure message="%s"/></testcase>\n' \
    "$1" "$(reason "$1")" >>"$report"
  broken=$((broken + 1))
}

mkdir -p "$work" "$(dirname "$report")"
touch "$work/started"
echo '<testsuite name="fuzz">' >"$report"
if [ "$seconds" = --fixed ]; then
  say "fuzzing with fixed inputs: ${targets[*]}"
else
  say "fuzzing for $seconds s each: ${targets[*]}"
fi
for target in "${targets[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  fuzz "$target" &
done
wait
broken=0
for target in "${targets[@]}"; do tell "$target"; done
echo '</testsuite>' >>"$report"
[ "$broken" = 0 ] || fail "$broken of the targets broke"
