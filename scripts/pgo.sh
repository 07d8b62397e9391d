#!/bin/bash
# The fastest build for this machine: by a profile of its own (PGO). Builds Mayfly with counters in
# it, runs it over in-memory rings for some seconds, and builds it again by what was counted:
# build-pgo/app/mayfly. Two whole builds take a while; a change of the source needs both again.
#   scripts/pgo.sh
source "$(dirname "$0")/common.sh"
[ $# = 0 ] || fail "usage: scripts/pgo.sh"

# Counted without link-time optimisation, which costs minutes and changes no count. Two polling
# cores count in the same places, so that some counts are lost: -fprofile-correction. What the
# training does not reach is built as without a profile, and not for size. Without warnings (-w), as
# GCC has some, with counters in the code, of what the ordinary build is sure of.
readonly counted=(-Db_pgo=generate -Db_lto=false -Dcpp_args=-w)
readonly profiled=(-Db_pgo=use -Db_lto=true
  -Dcpp_args='-fprofile-correction -fprofile-partial-training -w')

train() { # SERVER-SETTINGS... -- CLIENT-SETTINGS...
  say "training: $*"
  local side=server words=() setting
  for setting in "$@"; do
    if [ "$setting" = -- ]; then side=client; else words+=(--set "$side.$setting"); fi
  done
  build-pgo/app/mayfly lab -c conf/lab/first.yaml --duration 4s "${words[@]}" >/dev/null ||
    fail "the training run failed: the reason is above"
}

scripts/setup.sh run
rm -rf build-pgo  # counts of another source do not fit
configure build-pgo --buildtype=release -Dtests=false -Dwerror=false "${counted[@]}"
compile build-pgo app/mayfly
train close.first=client -- close.first=client
train close.first=server -- close.first=server
train close.first=server time_wait.capacity=50k -- close.first=server time_wait.hold=1s
train 'ports.0.faults={loss: 1%, seed: 7}' --
meson configure build-pgo "${profiled[@]}" >/dev/null
compile build-pgo app/mayfly
say "built by its profile: build-pgo/app/mayfly"
