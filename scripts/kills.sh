#!/bin/bash
# Kills a memif client under load so many times, while the server's CPU is taken away from it again
# and again: the server must outlive all of them. About half a second each.
#   scripts/kills.sh [KILLS=500]
source "$(dirname "$0")/common.sh"
configure_release
compile build app/mayfly
MAYFLY_KILLS=${1:-500} exec /usr/bin/python3 -m pytest -q -s -p no:cacheprovider \
  tests/wire/test_memif.py -k outlives
