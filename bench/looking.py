#!/usr/bin/python3
"""What it costs to be watched, how soon a busy server answers, and what an idle one uses.

  bench/looking.py [--rounds 8] [--seconds 3] [--save NAME]

"cost": server and generator over net_memif, a closed loop, client closes first. In every second
round a browser's stream of events, /metrics once a second and /api/stats twice a second are read;
compared are the medians of the rounds. "answers": the generator offers twice the most that the
server completed in half a second of a ramp, while three processes compete for the server's core;
the time until /api/stats, /api/policy and `mayfly ctl stats` answer, and until `mayfly --version`
does, which asks nobody. "idle": a server on a veth with idle: poll and idle: adaptive to which
nothing is sent, its share of a core, and then how long a connection takes to open, 10 ms after the
last one: each finds it asleep.
"""
import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from control import stats
from overload import CLIENT_DEVICE, busy_neighbour
from overload import load as open_loop
from rates import BINARY, ROOT, machine

sys.path.insert(0, str(ROOT / "tests/wire"))
from network import SERVER, Wire  # noqa: E402

NEIGHBOURS = 3  # processes that compete for the server's core: with fewer the generator is no match
CLOSED_LOOP = {"load.rate": "0", "load.concurrency": "256", "load.ramp": "0",
               "time_wait.hold": "1s", "time_wait.capacity": "1M", "connections.capacity": "64k",
               "sources.addresses": "198.18.1.1-198.18.1.200", "close.first": "client",
               "hugepages": "never", "ports.0.device": CLIENT_DEVICE}


def sets(settings: dict) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def served(config: Path, folder: Path, settings: dict) -> Iterator[subprocess.Popen]:
    log = folder / "serve.log"
    with log.open("w") as output:
        server = subprocess.Popen([BINARY, "serve", "-c", config, "--duration", "300s",
                                   *sets(settings)], stdout=output, stderr=output)
    try:
        while not any(line.startswith("ready") for line in log.read_text().splitlines()):
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def load(folder: Path, seconds: int, settings: dict) -> dict:
    out = folder / "load.json"
    status = subprocess.run([BINARY, "load", "-c", ROOT / "conf/load/memif.yaml", "--json", out,
                             "--duration", f"{seconds}s", *sets(CLOSED_LOOP | settings)],
                            capture_output=True, timeout=120, check=False).returncode
    assert status in (0, 1)
    return json.loads(out.read_text())


class Watchers:
    """A stream of events, a scrape each second, the statistics twice a second."""

    def __init__(self, port: int) -> None:
        self.port, self.octets, self.over = port, 0, threading.Event()
        self.threads = [threading.Thread(target=work) for work in
                        (self.stream, lambda: self.ask("/metrics", 1),
                         lambda: self.ask("/api/stats", 0.5))]

    def stream(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as one:
            one.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while not self.over.is_set():
                self.octets += len(one.recv(65_536))

    def ask(self, path: str, every: float) -> None:
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self.over.wait(every):
            caller.request("GET", path)
            self.octets += len(caller.getresponse().read())

    def __enter__(self) -> "Watchers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


def cost(folder: Path, rounds: int, seconds: int) -> dict:
    port, control = free_port(), folder / "ctl"
    rates: dict[bool, list[float]] = {False: [], True: []}
    cycles: dict[bool, list[float]] = {False: [], True: []}
    octets = 0
    settings = {"hugepages": "never", "admin.page": f"127.0.0.1:{port}", "admin.socket": control}
    with served(ROOT / "conf/serve/memif.yaml", folder, settings):
        load(folder, 1, {})
        for number in range(2 * rounds):
            is_watched = number % 2 == 1
            before = stats(control)
            with (Watchers(port) if is_watched else contextlib.nullcontext()) as watchers:
                result = load(folder, seconds, {})
            after = stats(control)
            octets += watchers.octets if watchers else 0
            done = after["completed"] - before["completed"]
            rates[is_watched].append(result["completed_cps"])
            cycles[is_watched].append((after["cycles"]["busy"] - before["cycles"]["busy"]) / done)
    assert octets > 0
    ratios = [watched / alone for alone, watched in zip(rates[False], rates[True], strict=True)]
    return {"rounds": rounds,
            "alone_cps": round(statistics.median(rates[False])),
            "watched_cps": round(statistics.median(rates[True])),
            "ratio_of_pairs": {"median": statistics.median(ratios), "least": min(ratios),
                               "most": max(ratios)},
            "alone_cycles": round(statistics.median(cycles[False])),
            "watched_cycles": round(statistics.median(cycles[True])),
            "octets_read": octets}


def milliseconds(what) -> float:
    begin = time.monotonic()
    what()
    return 1e3 * (time.monotonic() - begin)


def summed_up(times: list[float]) -> dict:
    times = sorted(times)
    return {"answers": len(times), "p50_ms": statistics.median(times),
            "p99_ms": times[min(len(times) - 1, int(0.99 * len(times)))], "max_ms": times[-1]}


def answers(folder: Path) -> dict:
    port, control = free_port(), folder / "ctl"

    def page(path: str) -> None:
        caller = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        caller.request("GET", path)
        assert caller.getresponse().read()
        caller.close()

    def ctl() -> None:
        subprocess.run([BINARY, "ctl", "--socket", control, "stats"], stdout=subprocess.DEVNULL,
                       check=True, timeout=10)

    asked = {"/api/stats": lambda: page("/api/stats"), "/api/policy": lambda: page("/api/policy"),
             "/metrics": lambda: page("/metrics"), "socket": lambda: stats(control),
             "mayfly ctl stats": ctl,
             "mayfly --version, which asks nobody": version}
    times: dict[str, list[float]] = {name: [] for name in asked}
    settings = {"hugepages": "never", "admin.page": f"127.0.0.1:{port}", "admin.socket": control,
                "close.first": "client", "time_wait.hold": "1s", "time_wait.capacity": "1M"}
    with served(ROOT / "conf/serve/memif.yaml", folder, settings), contextlib.ExitStack() as busy:
        for _ in range(NEIGHBOURS):
            busy.enter_context(busy_neighbour(0, 60))
        ramp, _ = open_loop(folder, "client", "ramp", {
            "load.rate": "1M", "load.ramp": "8s", "load.duration": "9s"})
        peak = max(step["completed"] for step in ramp)
        steps: list[dict] = []
        worker = threading.Thread(target=lambda: steps.extend(open_loop(
            folder, "client", "twice", {"load.rate": f"{2 * peak:.0f}", "load.ramp": "0",
                                        "load.duration": "12s"})[0][:-1]))
        worker.start()
        time.sleep(2)
        until = time.monotonic() + 9
        while time.monotonic() < until:
            for name, ask in asked.items():
                times[name].append(milliseconds(ask))
            time.sleep(0.05)
        worker.join()
    return {"peak_cps": peak,
            "offered_cps": statistics.median(step["offered"] for step in steps),
            "completed_cps": statistics.median(step["completed"] for step in steps),
            "answered": {name: summed_up(all_of_it) for name, all_of_it in times.items()}}


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(folder: Path, mode: str) -> dict:
    wire = Wire()
    try:
        settings = {"hugepages": "never", "idle": mode, "state": "none",
                    "ports": f'[{{device: "net_af_packet0,iface={wire.device}", '
                             f'addresses: [{SERVER}/15]}}]'}
        with served(ROOT / "conf/serve/veth.yaml", folder, settings) as server:
            wire.peer.connect(7).close()
            time.sleep(1)
            before, begin = processor_seconds(server.pid), time.monotonic()
            time.sleep(5)
            share = (processor_seconds(server.pid) - before) / (time.monotonic() - begin)
            times = []
            for _ in range(400):
                time.sleep(0.01)
                with wire.peer.new_socket(socket.AF_INET, socket.SOCK_STREAM) as one:
                    times.append(milliseconds(lambda: one.connect((SERVER, 7))))
        return {"share_of_a_core": share, **summed_up(times)}
    finally:
        wire.remove()


def version() -> str:
    return subprocess.run([BINARY, "--version"], text=True, capture_output=True,
                          check=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--parts", default="cost,answers,idle")
    parser.add_argument("--save")
    options = parser.parse_args()
    found: dict = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "cost" in options.parts:
            found["cost"] = cost(folder, options.rounds, options.seconds)
        if "answers" in options.parts:
            found["answers"] = answers(folder)
        if "idle" in options.parts:
            found["idle"] = {mode: idle(folder, mode) for mode in ("poll", "adaptive")}
    print(json.dumps(found, indent=1))
    if options.save:
        path = ROOT / "bench/results" / f"{options.save}.json"
        path.write_text(json.dumps({"command": " ".join(["bench/looking.py", *sys.argv[1:]]),
                                    **machine(), "binary": version(), **found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
