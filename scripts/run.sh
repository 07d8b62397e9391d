#!/bin/bash
# From a clean clone to the report: sets up, builds, and runs the tour of TIME_WAIT, six stories
# and five situations in which all policies are compared, in less than three minutes. Results:
# out/report.html, out/summary.json, out/samples.csv.
source "$(dirname "$0")/common.sh"
scripts/setup.sh run
say "the tour: server and generator as two cores of one process"
say "Ctrl-C ends it and writes what was measured until then"
exec build/app/mayfly lab -c conf/lab/tour.yaml --out out
