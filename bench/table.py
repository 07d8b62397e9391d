"""How fast Mayfly is, beside the kernel and, if DPERF names one, dperf: a table, in ten minutes.

  scripts/bench.sh [--rounds 5] [--seconds 3] [--save NAME] [--against FILE] [--only WORD ...]
                   [--pgo]

Everything is measured in turn, round by round, because the speed of a machine changes within
minutes: medians, ranges, and ratios round by round. Written are JSON and a table in Markdown, to
out/bench/ or, with --save NAME, to bench/results/NAME.json and NAME.md. --against compares the
medians with those of an earlier file. --only measures what has one of the words in its name. --pgo
measures, in turn with the ordinary build, that of scripts/pgo.sh, which must be there. Root
is needed for network namespaces: without it the rows over a veth are left out.
"""
import argparse
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import peers
from rates import BINARY, ROOT, figures, machine, over_memif, over_ring, server_of

CANNED = ROOT / "build-bench/bench/shard/cycles_per_connection"
PROFILED = ROOT / "build-pgo/app/mayfly"
SCALE = ROOT / "build-bench/bench/shard/time_wait_scale"
OPEN = ROOT / "build-bench/bench/shard/open_scale"
MEMIF, RING = "memif, two processes", "net_ring, one process"
DPERF, RAMP = "dperf, memif", "dperf, memif, highest clean rate"
ENDS = ("client", "server")
# dperf has no timestamps: beside it Mayfly is measured without them too.
BUILDS = ("", ", no timestamps", ", PGO", ", PGO, no timestamps")
Figures = dict[str, float]


def canned(closer: str, clients: str, core: int = 0) -> subprocess.Popen:
    return subprocess.Popen(["taskset", "-c", str(core), CANNED, "600000", "512", "1000000", closer,
                             clients], stdout=subprocess.PIPE, text=True)


def cycles(process: subprocess.Popen) -> float:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return float(re.search(r"median (\d+)", said)[1])


def over_wire(measure: Callable, closer: str, binary: Path,
              more: dict[str, str]) -> Callable[[int], Figures]:
    """`more`: settings of both ends."""
    def run(seconds: int) -> Figures:
        server, client = server_of(closer) | more, {"close.first": closer} | more
        with tempfile.TemporaryDirectory() as folder:
            kept = figures(measure(seconds, Path(folder), server, client, binary))
        return {"connections_s": kept["completed_cps"], "server_cycles": kept["server_cycles"],
                "client_cycles": kept["client_cycles"], "p99_us": kept["p99_us"],
                "packets": kept["packets_per_connection"],
                "retransmitted": kept["retransmitted"], "failed": kept["failed"]}
    return run


def memif(seconds: int, folder: Path, server: dict, client: dict, binary: Path) -> dict:
    return over_memif("auto", seconds, folder, server, client, binary)


def ring(seconds: int, folder: Path, server: dict, client: dict, binary: Path) -> dict:
    return over_ring("auto", seconds, folder, binary, server=server, client=client)


def alone(closer: str, clients: str) -> Callable[[int], Figures]:
    return lambda _: {"server_cycles": cycles(canned(closer, clients))}


def two_shards(_: int) -> Figures:
    """Two of them, on cores that share nothing but memory, against one alone."""
    one = cycles(canned("client", "http"))
    both = [cycles(process) for process in [canned("client", "http", core) for core in (0, 1)]]
    return {"throughput_of_two": sum(one / each for each in both)}


def start(_: int) -> Figures:
    """Until it answers, with room for 64 million TIME_WAITs."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        begin = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                [BINARY, "serve", "-c", ROOT / "conf/serve/memif.yaml", "--set",
                 "time_wait.capacity=64M", "--set", f"state={folder}/state", "--set",
                 "ports.0.device=net_memif0,role=server,id=0,socket-abstract=no,rsize=14,bsize=640,"
                 f"socket={folder}/memif.sock"], stdout=output, stderr=output)
        try:
            while "\nready" not in log.read_text():
                assert process.poll() is None and time.monotonic() < begin + 60, log.read_text()
                time.sleep(0.002)
            return {"seconds": time.monotonic() - begin}
        finally:
            process.kill()
            process.wait()


def latency(seconds: int) -> Figures:
    """An open loop at 70 % of what a closed loop has just reached, over net_ring.

    A stall of the machine is in the latency of all who wait then: p99.9 "apart" is the median of
    those of the samples, tenths of a second, most of which have none.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        most = figures(over_ring("auto", seconds, folder))["completed_cps"]
        result = over_ring("auto", seconds, folder, client={
            "load.concurrency": "0", "load.rate": f"{0.7 * most:.0f}"})
        with (folder / "samples.csv").open() as lines:
            samples = [float(one["p999_us"]) for one in csv.DictReader(lines)]
    spans = result["client"]["latency_us"]
    return {"offered_s": 0.7 * most, "p50_us": spans["p50"], "p99_us": spans["p99"],
            "p99.9_us": spans["p999"], "p99.9_apart_us": statistics.median(samples)}


def held() -> dict[str, Figures]:
    """Once, not in rounds: filling 64 million takes most of its time. It has blocks of its own."""
    run = subprocess.run(["taskset", "-c", "0", SCALE, "16", "64", "7"], check=True, text=True,
                         capture_output=True, timeout=600)
    result = json.loads(run.stdout)
    rows = {f"{round(one['held'] / 1e6)} M TIME_WAITs held, against none": {
        "rate_ratio": one["rate_against_empty"]["median"]} for one in result["held"]}
    rows["a million holds end at once"] = {
        "longest_poll_us": result["expiry_in_one_tick"]["poll_us"]["max"],
        "longest_poll_interrupted_us": result["expiry_in_one_tick"]["poll_us"]["max_interrupted"],
        "bytes_per_entry": result["bytes_per_entry"]}
    return rows


def opened() -> dict[str, Figures]:
    """Once as well."""
    run = subprocess.run(["taskset", "-c", "0", OPEN, "1", "9"], check=True, text=True,
                         capture_output=True, timeout=300)
    result = json.loads(run.stdout)
    return {"1 M connections open": {"bytes_each_resident": result["bytes_each"]["resident"],
                                     "bytes_each_planned": result["bytes_each"]["planned"],
                                     "cycles_ratio_to_none": result["ratio"]["median"]}}


def measurements(pgo: bool) -> dict[str, Callable[[int], Figures]]:
    rows: dict[str, Callable[[int], Figures]] = {}
    dperf = "DPERF" in os.environ
    if dperf:
        hz = float(re.search(r"cpu MHz\s*: ([\d.]+)", Path("/proc/cpuinfo").read_text())[1]) * 1e6
        rows[DPERF] = lambda seconds: peers.dperf(seconds, hz)
        rows[RAMP] = lambda _: peers.dperf_ramp()
    rows |= {f"{way}, {closer} closes first{build}":
             over_wire(measure, closer, PROFILED if "PGO" in build else BINARY,
                       {"tcp.timestamps": "false"} if "no timestamps" in build else {})
             for build in BUILDS
             if (pgo or "PGO" not in build) and (dperf or "no timestamps" not in build)
             for way, measure in ((MEMIF, memif), (RING, ring)) for closer in ENDS}
    rows |= {f"alone, {clients} clients, {closer} closes first": alone(closer, clients)
             for clients in ("http", "bare") for closer in ENDS}
    if (os.cpu_count() or 1) > 1:
        rows["two shards, against one"] = two_shards
    rows["net_ring at 70 %"] = latency
    rows["start with room for 64 M TIME_WAITs"] = start
    if os.geteuid() == 0 and shutil.which("nginx") and shutil.which("wrk"):
        rows |= {"veth: nginx, wrk": peers.kernel_server,
                 "veth: Mayfly, wrk": peers.mayfly_over_a_veth,
                 "veth: nginx, a Linux client closes first":
                     lambda seconds: peers.kernel_client_closes_first(max(4, seconds))}
    return rows


class Ratio(NamedTuple):
    """What is divided by what, in each round."""
    name: str
    above: str
    below: str
    key: str


def ratios() -> Iterator[Ratio]:
    for build in BUILDS:
        client, server = (f"{MEMIF}, {closer} closes first{build}" for closer in ENDS)
        for name, row in (("client", client), ("server", server)):
            yield Ratio(f"memif, {name} first{build} / dperf: server cycles", row, DPERF,
                        "server_cycles")
            yield Ratio(f"memif, {name} first{build} / dperf's highest clean: connections/s", row,
                        RAMP, "connections_s")
        yield Ratio(f"memif, client first{build} / dperf: generator's cycles", client, DPERF,
                    "client_cycles")
        yield Ratio(f"memif{build}, server first / client first: server cycles a packet", server,
                    client, "server_cycles_per_packet")
    for way in (MEMIF, RING):
        for closer in ENDS:
            row = f"{way}, {closer} closes first"
            for key in ("connections_s", "server_cycles"):
                yield Ratio(f"{row}, PGO / without: {key}", f"{row}, PGO", row, key)
    yield Ratio("veth: Mayfly / nginx: connections/s", "veth: Mayfly, wrk", "veth: nginx, wrk",
                "connections_s")


def value(row: Figures, key: str) -> float:
    if key == "server_cycles_per_packet":
        return row["server_cycles"] / row["packets"]
    return row[key]


def span(values: list[float]) -> Figures:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(rows: dict[str, list[Figures]]) -> dict[str, dict[str, Figures]]:
    summary = {name: {key: span([run[key] for run in runs]) for key in runs[0]}
               for name, runs in rows.items() if runs}
    for name, above, below, key in ratios():
        if above in summary and below in summary and len(rows[above]) == len(rows[below]):
            summary[name] = {"ratio": span([value(a, key) / value(b, key)
                                            for a, b in zip(rows[above], rows[below])])}
    return summary


def shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.3g}"


def markdown(summary: dict, earlier: dict | None) -> str:
    head = "| what | figure | median (range) |" + (" against earlier |" if earlier else "")
    lines = [head, "|---|---|---|" + ("---|" if earlier else "")]
    for name, keys in summary.items():
        for key, one in keys.items():
            line = (f"| {name} | {key} | {shown(one['median'])} "
                    f"({shown(one['min'])}..{shown(one['max'])}) |")
            if earlier:
                before = earlier.get(name, {}).get(key, {}).get("median")
                line += f" {one['median'] / before:.3f} |" if before else " |"
            lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--save", metavar="NAME")
    parser.add_argument("--against", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[])
    parser.add_argument("--pgo", action="store_true")
    options = parser.parse_args()
    if options.pgo and not PROFILED.exists():
        parser.error(f"there is no {PROFILED.relative_to(ROOT)}: scripts/pgo.sh makes it")
    earlier = json.loads(options.against.read_text())["results"] if options.against else None
    wanted = {name: run for name, run in measurements(options.pgo).items()
              if not options.only or any(word in name for word in options.only)}
    begin = time.monotonic()
    rows: dict[str, list[Figures]] = {name: [] for name in wanted}
    broken: set[str] = set()
    for number in range(1, options.rounds + 1):
        for name, run in wanted.items():
            try:
                rows[name].append(run(options.seconds))
            except (subprocess.SubprocessError, AssertionError) as error:
                broken.add(name)
                print(f"round {number}: {name} could not be measured: {error}", flush=True)
                continue
            print(f"round {number}: {name}: " + ", ".join(
                f"{key} {shown(one)}" for key, one in rows[name][-1].items()), flush=True)
    for words, once in (("TIME_WAITs held", held), ("connections open", opened)):
        if not options.only or any(word in words for word in options.only):
            rows |= {name: [figures] for name, figures in once().items()}
    summary = summarise(rows)
    table = markdown(summary, earlier)
    folder = ROOT / ("bench/results" if options.save else "out/bench")
    folder.mkdir(parents=True, exist_ok=True)
    name = options.save or "table"
    (folder / f"{name}.json").write_text(json.dumps(
        {"command": " ".join(["scripts/bench.sh", *sys.argv[1:]]), **machine(),
         "kernel": os.uname().release, "took_s": round(time.monotonic() - begin),
         "results": summary, "rounds": rows}, indent=1) + "\n")
    (folder / f"{name}.md").write_text(table)
    print(f"\n{table}\n{folder}/{name}.json and .md, {time.monotonic() - begin:.0f} s")
    if "DPERF" not in os.environ:
        print("dperf was not measured: DPERF names no binary (bench/peers.py says which one)")
    for row in sorted(broken):
        print(f"not in every round: {row}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
