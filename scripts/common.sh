#!/bin/bash
# Functions of the other scripts, which source this file: it changes to the project's root and makes
# the script stop at the first error.
set -euo pipefail
# Debian's own python3 and meson come first: a private Python lacks Debian's scapy and pytest.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# configure DIR [OPTION...]: sets up a build directory, with CC and CXX if they are set. ninja
# keeps it up to date afterwards.
configure() {
  local dir=$1
  shift
  [ -f "$dir/build.ninja" ] && return
  local cc=${CC:-gcc} cxx=${CXX:-g++}
  if command -v ccache >/dev/null; then
    cc="ccache $cc" cxx="ccache $cxx"
  fi
  say "meson setup $dir"
  CC=$cc CXX=$cxx meson setup "$dir" "$@" >"$dir.log" 2>&1 || {
    tail -n 20 "$dir.log" >&2
    fail "meson could not set up $dir: the reason is above"
  }
  rm -f "$dir.log"
}

# compile DIR [TARGET...]: quiet unless it fails.
compile() {
  say "ninja -C $*"
  ninja --quiet -C "$@" || fail "the build in $1 failed: the reason is above"
}

# The one build with sanitizers, for the unit tests and for the fuzzers: by clang, which has
# libFuzzer. A target is compiled in one piece (unity), so that headers are read and templates
# instantiated once; -g1 is enough for stack traces with line numbers.
configure_sanitized() {
  CC=clang CXX=clang++ configure build-sanitized --unity=on --unity-size=1000 -Dfuzzers=true \
    -Doptimization=1 -Ddebug=false -Dcpp_args=-g1 -Dwerror=false -Db_lto=false \
    -Db_sanitize=address,undefined -Db_lundef=false
}
configure_unit() { configure build-unit --buildtype=release -Db_lto=false; }
configure_release() { configure build --buildtype=release -Db_lto=true -Dtests=false; }
