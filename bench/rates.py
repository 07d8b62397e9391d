#!/usr/bin/python3
"""Connections a second over in-memory devices, in interleaved rounds: medians and ranges.

  bench/rates.py [--rounds 10] [--seconds 3] [--save NAME]

Each round runs every way once: server and generator as two cores of one process over net_ring,
and as two processes over net_memif, each with hugepages and without. The client closes first, one
request a connection, a closed loop; it holds its TIME_WAIT for a second. --save writes
bench/results/NAME.json.
"""
import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/app/mayfly"
SETTINGS = {"load.concurrency": "256", "load.rate": "0", "load.ramp": "0", "time_wait.hold": "1s",
            "time_wait.capacity": "1M", "connections.capacity": "16k",
            "sources.addresses": "198.18.1.1-198.18.1.200",
            "close.first": "client"}
HELD = {"time_wait.hold": "60s", "time_wait.capacity": "1M", "time_wait.on_full": "evict_oldest"}


def server_of(closer: str) -> dict[str, str]:
    """The settings of a server: one that closes first holds a million TIME_WAITs."""
    return {"close.first": closer, **(HELD if closer == "server" else {})}


def sets(prefix: str, pages: str, more: dict | None = None) -> list[str]:
    settings = SETTINGS | {"hugepages": pages} | (more or {})
    return words(prefix, settings)


def words(prefix: str, settings: dict) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{prefix}{key}={value}")]


def over_ring(pages: str, seconds: int, folder: Path, binary: Path = BINARY, root: Path = ROOT,
              server: dict | None = None, client: dict | None = None) -> dict:
    """The folder gets the lab's files, samples.csv among them."""
    out = folder / "lab.json"
    subprocess.run([binary, "lab", "-c", root / "conf/lab/first.yaml", "--json", out,
                    "--out", folder, "--duration", f"{seconds}s",
                    "--set", f"server.hugepages={pages}",
                    *words("server.", server or {}), *sets("client.", pages, client)],
                   check=True, capture_output=True, timeout=120)
    return json.loads(out.read_text())


def over_memif(pages: str, seconds: int, folder: Path, server_sets: dict | None = None,
               client_sets: dict | None = None, binary: Path = BINARY) -> dict:
    log, served, loaded = folder / "serve.log", folder / "serve.json", folder / "load.json"
    with log.open("w") as output:
        server = subprocess.Popen(
            [binary, "serve", "-c", ROOT / "conf/serve/memif.yaml", "--json", served,
             "--duration", f"{seconds + 60}s", "--set", f"hugepages={pages}",
             *words("", server_sets or {})],
            stdout=output, stderr=output)
    try:
        while "\nready" not in log.read_text():
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        subprocess.run([binary, "load", "-c", ROOT / "conf/load/memif.yaml", "--json", loaded,
                        "--duration", f"{seconds}s", *sets("", pages, client_sets)],
                       check=True, capture_output=True, timeout=120)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
    return {"server": json.loads(served.read_text()), "client": json.loads(loaded.read_text())}


def figures(result: dict) -> dict:
    server, client = result["server"], result["client"]
    return {"completed_cps": client["completed_cps"], "failed": client["failed_total"],
            "p50_us": client["latency_us"]["p50"], "p99_us": client["latency_us"]["p99"],
            "server_cycles": server["cycles_per_connection"], "server_busy": server["busy_ratio"],
            "client_cycles": client["cycles_per_connection"], "client_busy": client["busy_ratio"],
            "packets_per_connection": server["packets_per_connection"],
            "retransmitted": server["retransmitted"] + client["retransmissions"]}


def machine() -> dict:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout.strip()
    return {"commit": commit, "machine": platform.processor() or "x86_64",
            "cores": os.cpu_count()}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--save")
    options = parser.parse_args()
    ways = {f"{name}, {words}": (run, pages)
            for name, run in (("net_ring", over_ring), ("net_memif", over_memif))
            for pages, words in (("auto", "hugepages"), ("never", "no hugepages"))}
    rows: dict[str, list[dict]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for way, (run, pages) in ways.items():
                rows[way].append(figures(run(pages, options.seconds, Path(folder))))
    summary = {way: {key: {"median": statistics.median(r[key] for r in runs),
                           "min": min(r[key] for r in runs), "max": max(r[key] for r in runs)}
                     for key in runs[0]} for way, runs in rows.items()}
    for way, keys in summary.items():
        print(way)
        for key, value in keys.items():
            low, high = value["min"], value["max"]
            print(f"  {key:24} {value['median']:12,.2f}   ({low:,.2f} .. {high:,.2f})")
    if options.save:
        path = ROOT / "bench/results" / f"{options.save}.json"
        path.write_text(json.dumps({"command": " ".join(["bench/rates.py", *sys.argv[1:]]),
                                    **machine(), "rounds": options.rounds, "settings": SETTINGS,
                                    "results": summary, "runs": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
