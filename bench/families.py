#!/usr/bin/python3
"""IPv6 beside IPv4, in turn: what a connection costs, and how many there are a second.

  bench/families.py [--pairs 10] [--seconds 3] [--build COMMIT] [--save NAME]

Each turn runs the canned clients on the core of the server (bench/shard, HTTP clients) with
either end closing first, then conf/lab/first.yaml over net_ring on two cores: a closed loop of
256 from 200 addresses, the client closes first. Printed are medians and ranges, and IPv6 / IPv4
pair by pair. --build: which commit, with link-time optimisation; `.` is the tree as it stands.
--save writes bench/results/NAME.json.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ab import build, span
from rates import ROOT, figures, machine, over_ring

SIX = {
    "server": {"ports.0.addresses": "[2001:db8::1/64]", "ports.0.detect_duplicates": "false"},
    "client": {"ports.0.addresses": "[2001:db8::100-2001:db8::1c7/64]",
               "ports.0.detect_duplicates": "false", "target.address": "2001:db8::1",
               "sources.addresses": "2001:db8::100-2001:db8::1c7"},
}


def canned(folder: Path, family: str, closer: str) -> float:
    run = subprocess.run([folder / "bench/cycles_per_connection", "400000", "512", "1000000",
                          closer, "http", family], check=True, capture_output=True, text=True,
                         timeout=600)
    return float(re.search(r"median (\d+)", run.stdout)[1])


def turn(folder: Path, family: str, seconds: int) -> dict[str, float]:
    ends = SIX if family == "ipv6" else {}
    with tempfile.TemporaryDirectory() as out:
        ring = figures(over_ring("auto", seconds, Path(out), folder / "app/mayfly", folder, **ends))
    return {f"canned, {closer} first": canned(folder, family, closer)
            for closer in ("client", "server")} | {
        "net_ring, connections/s": ring["completed_cps"],
        "net_ring, server cycles": ring["server_cycles"],
        "net_ring, client cycles": ring["client_cycles"],
        "net_ring, packets": ring["packets_per_connection"],
        "net_ring, failed": ring["failed"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=3, help="of each run over net_ring")
    parser.add_argument("--build", default=".")
    parser.add_argument("--save", metavar="NAME")
    options = parser.parse_args()
    folder = build(options.build)
    turns: dict[str, list[dict[str, float]]] = {"ipv4": [], "ipv6": []}
    for _ in range(options.pairs):
        for family, runs in turns.items():
            runs.append(turn(folder, family, options.seconds))
    rows = {}
    for key in turns["ipv4"][0]:
        four, six = ([one[key] for one in turns[family]] for family in ("ipv4", "ipv6"))
        rows[key] = {"ipv4": span(four), "ipv6": span(six)}
        if all(four):
            rows[key]["ratio"] = span([b / a for a, b in zip(four, six)])
        print(f"{key:24}", "  ".join(
            f"{name} {one['median']:,.3f} ({one['min']:,.3f} .. {one['max']:,.3f})"
            for name, one in rows[key].items()))
    if options.save:
        (ROOT / "bench/results" / f"{options.save}.json").write_text(json.dumps(
            {"command": " ".join(["bench/families.py", *sys.argv[1:]]), **machine(),
             "build": folder.name, "results": rows, "turns": turns}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
