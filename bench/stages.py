"""Where the cycles of a connection go, stage by stage: the stack alone, over rings, over memif.

  scripts/bench.sh stages [--rounds 5] [--seconds 3] [--save NAME]

The build has a clock in it (-Dstage_clock=true), which costs some cycles itself. Every way is
measured in turn, round by round; the table has medians. --save writes bench/results/NAME.json and
NAME.md. What a poll spends outside of the stages (the loop, its own counters) is "around".
"""
import argparse
import json
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from rates import ROOT, machine, over_memif, over_ring, server_of

BUILD = ROOT / "build-stages"
BINARY = BUILD / "app/mayfly"
CANNED = BUILD / "bench/shard/cycles_per_connection"
STAGES = ("receive", "parse", "find", "handle", "release", "expire", "app", "respond", "transmit")
Cycles = dict[str, float]  # stage -> cycles a connection


def stages_of(side: dict) -> Cycles:
    """Of one end's result. A stage that took nothing is not in it."""
    cycles, completed = side["cycles"], side["completed"]
    by_stage = {stage: cycles["by_stage"].get(stage, 0) / completed for stage in STAGES}
    around = cycles["busy"] / completed - sum(by_stage.values())
    return by_stage | {"around": around, "packets": side["packets_per_connection"]}


def alone(closer: str) -> dict[str, Cycles]:
    said = subprocess.run(["taskset", "-c", "0", CANNED, "600000", "512", "1000000", closer,
                           "http"], check=True, text=True, capture_output=True, timeout=120).stdout
    lines = re.findall(r"^  (\w+) (\d+)$", said, re.MULTILINE)
    by_stage = {stage: float(cycles) for stage, cycles in lines}
    assert set(by_stage) == set(STAGES), said
    return {f"alone, {closer} first: server": by_stage}


def over(wire: str, closer: str, seconds: int) -> dict[str, Cycles]:
    server, client = server_of(closer), {"close.first": closer}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if wire == "memif":
            result = over_memif("auto", seconds, folder, server, client, BINARY)
        else:
            result = over_ring("auto", seconds, folder, BINARY, server=server, client=client)
    return {f"{wire}, {closer} first: {name}": stages_of(result[end])
            for end, name in (("server", "server"), ("client", "generator"))}


def markdown(summary: dict[str, Cycles]) -> str:
    columns = [*STAGES, "around"]
    lines = ["| cycles a connection | " + " | ".join(columns) + " | sum | packets |",
             "|---" * (len(columns) + 3) + "|"]
    for name, cycles in summary.items():
        shown = [f"{cycles[stage]:,.0f}" if stage in cycles else "" for stage in columns]
        total = sum(cycles.get(stage, 0) for stage in columns)
        packets = f"{cycles['packets']:.2f}" if "packets" in cycles else ""
        lines.append(f"| {name} | " + " | ".join([*shown, f"{total:,.0f}", packets]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--save", metavar="NAME")
    options = parser.parse_args()
    runs: list[Callable[[], dict[str, Cycles]]] = [
        *(lambda closer=closer: alone(closer) for closer in ("client", "server")),
        *(lambda wire=wire, closer=closer: over(wire, closer, options.seconds)
          for wire in ("net_ring", "memif") for closer in ("client", "server"))]
    rounds: dict[str, list[Cycles]] = {}
    for number in range(1, options.rounds + 1):
        for run in runs:
            for name, cycles in run().items():
                rounds.setdefault(name, []).append(cycles)
        print(f"round {number} of {options.rounds}", flush=True)
    summary = {name: {key: statistics.median(one[key] for one in all_) for key in all_[0]}
               for name, all_ in rounds.items()}
    table = markdown(summary)
    if options.save:
        to = ROOT / "bench/results" / options.save
        to.with_suffix(".md").write_text(table)
        to.with_suffix(".json").write_text(json.dumps(
            {"command": f"scripts/bench.sh stages --rounds {options.rounds} --seconds "
                        f"{options.seconds}", **machine(), "results": summary, "rounds": rounds},
            indent=1) + "\n")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
