#!/bin/bash
# Builds a commit, to compare it with another: its release build goes to out/compare/COMMIT-lto (or
# -plain, without link-time optimisation), which then holds app/mayfly, bench/cycles_per_connection
# and conf/. A folder that is there already is kept: a commit does not change. `.` is the tree as it
# stands and is always built again; its folder is out/compare/present-lto. Prints the folder.
#   scripts/build_commit.sh COMMIT|. [lto | plain] [TARGET...]
# TARGET: mayfly, cycles_per_connection; both if none is named.
source "$(dirname "$0")/common.sh"
[ $# -ge 1 ] || fail "usage: scripts/build_commit.sh COMMIT|. [lto | plain] [TARGET...]"
commit=$1
kind=${2:-lto}
shift $(($# > 1 ? 2 : 1))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(mayfly cycles_per_connection)
case $kind in
  lto) lto=true ;;
  plain) lto=false ;;
  *) fail "no such kind of build: $kind (lto, plain)" ;;
esac

work=$PWD/out/compare
if [ "$commit" = . ]; then
  name=present-$kind
  source=$PWD
else
  sha=$(git rev-parse --verify --quiet "$commit^{commit}") || fail "no such commit: $commit"
  name=${sha:0:12}-$kind
  source=$work/$name-source
fi
result=$work/$name
build=$work/$name-build

is_built() {
  local target
  for target in "${targets[@]}"; do
    [ -n "$(find "$result/app" "$result/bench" -name "$target" 2>/dev/null)" ] || return 1
  done
}
if [ "$commit" != . ] && is_built; then
  echo "$result"
  exit
fi

# The source of another commit is a worktree, so that the binary can say which commit it is of.
if [ "$commit" != . ]; then
  # Also if this run is interrupted.
  remove_source() { git worktree remove --force "$source" 2>/dev/null || rm -rf "$source"; }
  trap 'remove_source; rm -rf "$build"; git worktree prune' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  remove_source
  git worktree add --quiet --detach "$source" "$sha"
fi

# tests=true: the benchmarks are configured along with the tests, of which none is built.
mkdir -p "$result/app" "$result/bench"
{
  configure "$build" "$source" --buildtype=release -Db_lto=$lto -Dtests=true
  for target in "${targets[@]}"; do
    path=$(ninja -C "$build" -t targets all | grep -oP "^(app|bench/\w+)/$target(?=: )") ||
      fail "$commit has no $target"
    compile "$build" "$path"
    cp "$build/$path" "$result/${path%%/*}/$target"
  done
  rm -rf "$result/conf"
  cp -r "$source/conf" "$result/conf"
} >&2
echo "$result"
