#!/usr/bin/python3
"""More connections than the server can serve: what it completes in each half of a second.

  bench/overload.py [--first client|server] [--rate 2M] [--ramp 10] [--seconds 20] [--half-a-core]
                    [--save NAME]

Server and generator are two processes over net_memif, three generators one after the other; a
connection that takes 500 ms has failed. "ramp": an open loop rises to --rate in --ramp seconds and
stays there until --seconds are over; the most that it completes in half a second is the peak.
"twice": twice the peak from the first moment, for ten seconds. "after": half of the peak for five
seconds. Printed are what was offered and completed in each half of a second; judged are the least
and the median goodput of "twice" against the peak, and what the first second of "after" completes.
On two cores the generator is about as slow as the server. With --half-a-core another process
competes for the server's core, so that the server has half of it and twice its capacity can be
offered.
"""
import argparse
import contextlib
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from control import stats
from rates import BINARY, ROOT, machine

STEP = 0.5
# With one MAC address for all: the second generator is no neighbour that has moved.
CLIENT_DEVICE = ("net_memif0,role=client,id=0,socket=/run/mayfly.sock,socket-abstract=no,rsize=14,"
                 "bsize=640,mac=02:00:00:00:00:99")


def ask(path: Path) -> dict:
    """The counters of a process so far; {} if it does not answer."""
    try:
        return stats(path)
    except (OSError, ValueError, http.client.HTTPException):
        return {}


def sets(settings: dict) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def load(folder: Path, first: str, name: str, settings: dict) -> tuple[list[dict], dict]:
    """Runs a generator to its end; what each step offered and completed, and its result."""
    admin, result = folder / f"{name}.sock", folder / f"{name}.json"
    settings = {"hugepages": "never", "admin.socket": admin, "close.first": first,
                "time_wait.hold": "1s", "time_wait.capacity": "3M",
                "connections.capacity": "2M", "load.timeout": "500ms",
                "sources.addresses": "198.18.1.1-198.18.1.250",
                "ports.0.device": CLIENT_DEVICE} | settings
    process = subprocess.Popen([BINARY, "load", "-c", ROOT / "conf/load/memif.yaml", "--json",
                                result, *sets(settings)], stdout=subprocess.DEVNULL)
    steps, before, at = [], {}, 0.0
    while process.poll() is None:
        now, seen = time.monotonic(), ask(admin)
        if seen and before:
            span = now - at
            steps.append({key: (seen[key] - before[key]) / span
                          for key in ("offered", "completed")})
        if seen:
            before, at = seen, now
        time.sleep(max(0.0, STEP - (time.monotonic() - now)))
    assert process.wait() in (0, 1)
    return steps, json.loads(result.read_text())


@contextlib.contextmanager
def busy_neighbour(core: int, at_most: int):
    """Another process competes for `core`, for so many seconds at most."""
    program = (f"import os, time; os.sched_setaffinity(0, [{core}])\n"
               f"end = time.monotonic() + {at_most}\n"
               "while time.monotonic() < end: pass")
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--first", choices=("client", "server"), default="client")
    parser.add_argument("--rate", default="2M")
    parser.add_argument("--ramp", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--half-a-core", action="store_true")
    parser.add_argument("--save")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, served = folder / "serve.log", folder / "serve.json"
        settings = {"hugepages": "never", "close.first": options.first, "time_wait.hold": "1s",
                    "time_wait.capacity": "1M"}
        with log.open("w") as output:
            server = subprocess.Popen(
                [BINARY, "serve", "-c", ROOT / "conf/serve/memif.yaml", "--json", served,
                 "--duration", "300s", *sets(settings)], stdout=output, stderr=output)
        try:
            while "\nready" not in log.read_text():
                assert server.poll() is None, log.read_text()
                time.sleep(0.05)
            with (busy_neighbour(0, 120) if options.half_a_core else contextlib.nullcontext()):
                ramp, _ = load(folder, options.first, "ramp", {
                    "load.rate": options.rate, "load.ramp": f"{options.ramp}s",
                    "load.duration": f"{options.seconds}s"})
                peak = max(step["completed"] for step in ramp)
                twice, result = load(folder, options.first, "twice", {
                    "load.rate": f"{2 * peak:.0f}", "load.ramp": "0", "load.duration": "10s"})
                after, calm = load(folder, options.first, "after", {
                    "load.rate": f"{peak / 2:.0f}", "load.ramp": "0", "load.duration": "5s"})
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
        serving = json.loads(served.read_text())
    steps = {"ramp": ramp, "twice": twice, "after": after}
    for title, rows in steps.items():
        for number, step in enumerate(rows):
            print(f"{title} {number * STEP:5.1f} s   offered {step['offered']:12,.0f}"
                  f"   completed {step['completed']:12,.0f}")
    # The last step of a generator holds the time after its end.
    goodput = [step["completed"] / peak for step in twice[:-1]]
    summary = {"peak": peak, "least_of_twice": min(goodput),
               "median_of_twice": statistics.median(goodput),
               "offered_of_twice": statistics.median(step["offered"] for step in twice[:-1]),
               "after_first_second": after[1]["completed"] if len(after) > 1 else 0,
               "after_offered": peak / 2, "latency_us": result["latency_us"],
               "after_latency_us": calm["latency_us"], "failed_after": calm["failed_total"],
               "dropped": {key: value for key, value in serving["drops"].items() if value}
               if isinstance(serving.get("drops"), dict) else serving.get("drops")}
    print(json.dumps(summary, indent=1))
    if options.save:
        path = ROOT / "bench/results" / f"{options.save}.json"
        path.write_text(json.dumps({"command": " ".join(["bench/overload.py", *sys.argv[1:]]),
                                    **machine(), "summary": summary, **steps},
                                   indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
