#!/bin/bash
# Does this tree behave as COMMIT does? Compares the captures of tests/golden (unchanged, and the
# test passes), the traces of the simulator's first SEEDS seeds (byte for byte) and the ledger of
# the hazard lab (side by side). The exit status is 0 only if nothing differs. What differs is kept
# in out/compare/differences.
#   scripts/compare.sh [--new-draws] COMMIT [SEEDS=200]
# --new-draws: the hazard lab may draw other numbers: cells that differ by no more than chance
# explains (4 standard deviations) are no difference.
source "$(dirname "$0")/common.sh"
draws=()
[ "${1:-}" = --new-draws ] && draws=(--new-draws) && shift
commit=${1:-}
seeds=${2:-200}
[ -n "$commit" ] && [[ $seeds =~ ^[1-9][0-9]*$ ]] ||
  fail "usage: scripts/compare.sh [--new-draws] COMMIT [SEEDS]"
git rev-parse --verify --quiet "$commit^{commit}" >/dev/null || fail "no such commit: $commit"
cases=tests/golden/cases

scripts/setup.sh test
say "building $(git log -1 --format='%h (%s)' "$commit")"
before=$(scripts/build_commit.sh "$commit" lto mayfly)
configure_unit
compile build-unit tests/golden/golden

differs=0
say "the goldens"
changed=$(git diff --name-status "$commit" -- $cases | grep -v ^A || true)
added=$({ git diff --name-only --diff-filter=A "$commit" -- $cases
          git ls-files --others --exclude-standard $cases; } | sort -u | wc -l)
echo "$(find $cases -name '*.pcap' | wc -l) captures; files changed or removed since $commit:" \
  "$(grep -c . <<<"$changed" || true), added: $added"
if [ -n "$changed" ]; then
  echo "$changed"
  differs=1
fi
if build-unit/tests/golden/golden >out/compare/golden.log 2>&1; then
  tail -n 1 out/compare/golden.log
else
  grep -E '^\[  (FAILED|PASSED)' out/compare/golden.log
  differs=1
fi

/usr/bin/python3 scripts/compare.py "$before" "$PWD" --seeds "$seeds" \
  --keep out/compare/differences "${draws[@]}" || differs=1

[ $differs = 0 ] || fail "this tree does not behave as $commit does: see above"
say "this tree behaves as $commit does"
