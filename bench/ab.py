#!/usr/bin/python3
"""Two builds of the server held against each other, in turn: A B A B ...

  bench/ab.py [--pairs 10] [--seconds 3] [--connections 1000000] [--save NAME] A [B]

A and B are builds: COMMIT or COMMIT:lto with link-time optimisation, COMMIT:plain without; `.` is
the tree as it stands, and what B is if only A is named. Some uses:

  bench/ab.py HEAD~20                a change of many commits, both with LTO
  bench/ab.py HEAD~20:plain .:plain  the same, both without
  bench/ab.py .:plain .:lto          what LTO is worth by itself

Each turn runs the canned clients on the core of the server (bench/shard: no device, no other core)
with either end closing first, then conf/lab/first.yaml over net_ring on two cores: a closed loop
of 256, the client closes first, one request a connection. Printed are the medians and ranges of
what a connection costs, so less is better, and B / A pair by pair. --save writes
bench/results/NAME.json. The exit status is 1 if a median ratio is above --at-most.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rates import ROOT, figures, machine, over_ring

# What is judged by --at-most; the rest says under which circumstances.
JUDGED = ("canned, client first", "canned, server first", "net_ring, server cycles",
          "net_ring, ns")


def build(words: str) -> Path:
    commit, _, kind = words.partition(":")
    run = subprocess.run([ROOT / "scripts/build_commit.sh", commit, kind or "lto"],
                         stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"error: {words} could not be built")
    return Path(run.stdout.splitlines()[-1])


def canned(folder: Path, connections: int, closer: str) -> float:
    """The median of the cycles of the server's core per connection."""
    run = subprocess.run([folder / "bench/cycles_per_connection", str(connections), "512",
                          "1000000", closer], check=True, capture_output=True, text=True,
                         timeout=600)
    return float(re.search(r"median (\d+)", run.stdout)[1])


def turn(folder: Path, connections: int, seconds: int) -> dict[str, float]:
    result = {f"canned, {closer} first": canned(folder, connections, closer)
              for closer in ("client", "server")}
    with tempfile.TemporaryDirectory() as out:
        ring = figures(over_ring("auto", seconds, Path(out), folder / "app/mayfly", folder))
    return result | {
        "net_ring, server cycles": ring["server_cycles"],
        "net_ring, client cycles": ring["client_cycles"],
        "net_ring, ns": 1e9 / ring["completed_cps"],
        "net_ring, packets": ring["packets_per_connection"],
        "net_ring, retransmitted": ring["retransmitted"],
        "net_ring, failed": ring["failed"],
    }


def span(values: list[float]) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(turns: dict[str, list[dict[str, float]]]) -> dict[str, dict]:
    rows = {}
    for key in turns["A"][0]:
        a, b = ([one[key] for one in turns[side]] for side in "AB")
        rows[key] = {"A": span(a), "B": span(b)}
        if all(a):
            rows[key]["B/A"] = span([after / before for before, after in zip(a, b)])
    return rows


def show(summary: dict[str, dict]) -> None:
    for key, row in summary.items():
        print(f"{key:24}", end="")
        for side, one in row.items():
            digits = 3 if side == "B/A" else 2 if "packets" in key else 0
            print(f"  {side} {one['median']:,.{digits}f} "
                  f"({one['min']:,.{digits}f} .. {one['max']:,.{digits}f})", end="")
        print()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B", nargs="?", default=".")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=3, help="of each run over net_ring")
    parser.add_argument("--connections", type=int, default=1_000_000, help="of each canned run")
    parser.add_argument("--at-most", type=float, default=None, metavar="RATIO")
    parser.add_argument("--save", metavar="NAME")
    options = parser.parse_args()
    folders = {"A": build(options.a), "B": build(options.b)}
    turns: dict[str, list[dict[str, float]]] = {"A": [], "B": []}
    for number in range(1, options.pairs + 1):
        for side, folder in folders.items():
            turns[side].append(turn(folder, options.connections, options.seconds))
        print(f"pair {number}: " + ", ".join(
            f"{key} {turns['B'][-1][key] / turns['A'][-1][key]:.3f}" for key in JUDGED), flush=True)
    summary = summarise(turns)
    show(summary)
    names = {side: folder.name for side, folder in folders.items()}
    if options.save:
        path = ROOT / "bench/results" / f"{options.save}.json"
        path.write_text(json.dumps(
            {"command": " ".join(["bench/ab.py", *sys.argv[1:]]), **machine(), "builds": names,
             "results": summary, "turns": turns}, indent=1) + "\n")
    slower = [key for key in JUDGED
              if options.at_most and summary[key]["B/A"]["median"] > options.at_most]
    for key in slower:
        print(f"{key}: the median ratio is above {options.at_most}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
