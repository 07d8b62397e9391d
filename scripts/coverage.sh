#!/bin/bash
# Which lines and branches of the protocol the tests reach: builds with gcov, runs the test programs
# that use lib/tcp, lib/timer or lib/wire, prints the coverage by file and in total, and fails if
# fewer than 95 % of the lines are reached. The marks of lib/tcp/branches.h require more: every
# decision of the state machine.
#   scripts/coverage.sh
source "$(dirname "$0")/common.sh"
dir=build-coverage
results=out/coverage
lines_min=95
programs='unit_(base|wire|timer|tcp|flow|link|shard|net|nic)|conformance|state_machine'
programs+='|golden|attacks|fuzz_replay'
scripts/setup.sh dev
mkdir -p "$results"

# Without optimisation each line has code of its own.
configure $dir --buildtype=debug -Doptimization=0 -Db_coverage=true -Db_lto=false -Dwerror=false
# "NAME PROGRAM" for each test, the program as a target of ninja.
tests=$(meson introspect $dir --tests | /usr/bin/python3 -c '
import json, os, re, sys
for test in json.load(sys.stdin):
    if re.fullmatch(sys.argv[1], test["name"]):
        print(test["name"], os.path.relpath(test["cmd"][0], sys.argv[2]))' "$programs" "$dir")
mapfile -t names < <(cut -d' ' -f1 <<<"$tests")
mapfile -t targets < <(cut -d' ' -f2 <<<"$tests")
compile $dir "${targets[@]}"
find $dir -name '*.gcda' -delete
meson test -C $dir --no-rebuild --print-errorlogs --timeout-multiplier 10 "${names[@]}"

gcovr --root . --object-directory $dir --filter 'lib/(tcp|timer|wire)/' \
  --exclude lib/tcp/branches.h --exclude-throw-branches --exclude-unreachable-branches \
  --json "$results/coverage.json"
report() { gcovr --root . --add-tracefile "$results/coverage.json" "$@"; }
say "branches"
report --branches --exclude-throw-branches
say "lines"
report --fail-under-line $lines_min ||
  fail "fewer than $lines_min % of the lines of lib/tcp, lib/timer and lib/wire are tested"
