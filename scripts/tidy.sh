#!/bin/bash
# Runs clang-tidy, with the checks of .clang-tidy, on all sources or on those given. Slow: minutes.
#   scripts/tidy.sh [FILE...]
source "$(dirname "$0")/common.sh"
scripts/setup.sh dev
if [ $# = 0 ]; then
  mapfile -t files < <(find lib app -name '*.cc')
else
  files=("$@")
fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build --quiet \
    --extra-arg=-Wno-unknown-warning-option # GCC knows some that clang does not
