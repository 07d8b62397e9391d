#!/bin/bash
# From a clean clone to the first figures: sets up, builds, then runs the server and its client
# generator twice: as two cores of one process, and as two processes over shared memory. Under a
# minute after the build. Results: out/lab/, out/serve.json, out/load.json.
source "$(dirname "$0")/common.sh"
scripts/setup.sh run
mayfly=build/app/mayfly
mkdir -p out

server=
generator=
stop() {
  trap - EXIT INT TERM
  local pid
  for pid in $generator $server; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap stop EXIT
trap 'stop; exit 130' INT TERM

wait_until_ready() {
  local deadline=$((SECONDS + 30))
  while kill -0 "$server" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
    grep -q '^ready' out/serve.log && return
    sleep 0.1
  done
  cat out/serve.log >&2
  fail "the server did not become ready: its words are above"
}

say "server and generator as two cores of one process, 10 s"
"$mayfly" lab -c conf/lab/first.yaml --out out/lab --duration 10s >out/lab.log 2>&1 &
generator=$!
wait "$generator" || { cat out/lab.log >&2 && fail "mayfly lab failed: its words are above"; }

say "server and generator as two processes over net_memif, 10 s"
"$mayfly" serve -c conf/serve/memif.yaml --duration 60s --json out/serve.json >out/serve.log 2>&1 &
server=$!
wait_until_ready
# As many as the machine can: a rate of its own choice suits no machine but the one it was made for.
"$mayfly" load -c conf/load/memif.yaml --set load.rate=0 --set load.concurrency=256 \
  --set sources.addresses=198.18.1.1-198.18.1.200 --duration 10s \
  --json out/load.json >out/load.log 2>&1 &
generator=$!
wait "$generator" || { cat out/load.log >&2 && fail "mayfly load failed: its words are above"; }
generator=
kill -INT "$server"
wait "$server" || { cat out/serve.log >&2 && fail "mayfly serve failed: its words are above"; }
server=

/usr/bin/python3 scripts/summary.py out
