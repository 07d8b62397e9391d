#!/bin/bash
# Three Mayfly servers behind one Linux router, in namespaces that it makes and removes: kills one
# of them again and again, and drains one again and again, under short connections and lasting ones.
# Prints what the clients saw; the exit status is 1 if a promise is broken.
#   scripts/cluster.sh [--times 10] [--rate 300] [--lasting 120] [--only kill|drain] [--save FILE]
source "$(dirname "$0")/common.sh"
if [ -z "${MAYFLY:-}" ]; then
  scripts/setup.sh test
fi
exec /usr/bin/python3 scripts/cluster.py "$@"
