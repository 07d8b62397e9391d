#!/usr/bin/python3
"""Loss recovery beside the kernel's: the same client behind the same faulty wire.

  bench/recovery.py [--rounds 7] [--answers 600] [--only MIX ...] [--linux cubic|bbr] [--save NAME]

A relay process (bench/relay) joins two namespaces; the server behind it is Mayfly or a program on
the kernel's own stack, the client always the kernel. For each mix of faults and each round both
download 1 MB five times in a row; the medians of the sums and their ratio are printed. Then short
answers of three segments, many at a time, at 1 % loss: median and p99. --save writes
bench/results/NAME.json.
"""
import argparse
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
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/wire"))
from network import OFFLOADS_OFF, Namespace  # noqa: E402

SERVER, CLIENT = "198.18.0.1", "198.18.0.2"
BIG, SHORT = 1_000_000, 4_000
MIXES = {
    "loss 0.1 %": "delay=5 loss=0.1",
    "loss 1 %": "delay=5 loss=1",
    "loss 5 %": "delay=5 loss=5",
    "reordering 1 %": "delay=5 reorder=1 late=3",
    "reordering 10 %": "delay=5 reorder=10 late=3",
    "jitter 5 ms": "delay=5 jitter=5",
    "duplication 5 %": "delay=5 duplicate=5",
    "bursts of 8": "delay=5 burst=0.2 length=8",
    "loss and jitter": "delay=5 jitter=2 loss=1",
    "no fault": "delay=5",
}
SHORT_MIXES = {"short, loss 1 %": "delay=5 loss=1", "short, tail loss 10 %": "delay=5 tail=10"}


class Lane:
    """Server, relay and client, each in a namespace of its own."""

    def __init__(self, relay: Path, folder: Path) -> None:
        self.relay_binary, self.folder = relay, folder
        self.server, self.middle, self.client = Namespace(), Namespace(), Namespace()
        self.number = str(self.server.name.split("-", 1)[1])
        self.devices = {}
        for side, end in (("s", self.server), ("c", self.client)):
            near, far = f"v{side}{self.number}"[:14], f"w{side}{self.number}"[:14]
            end.ip("link", "add", near, "type", "veth", "peer", "name", far, "netns",
                   self.middle.name)
            for space, device in ((end, near), (self.middle, far)):
                space.ip("link", "set", device, "up")
                space.run("ethtool", "-K", device, *OFFLOADS_OFF)
            self.devices[side] = (near, far)
        self.client.ip("addr", "add", f"{CLIENT}/15", "dev", self.devices["c"][0])
        for space in (self.server, self.client):
            space.write("net/ipv4/tcp_no_metrics_save", 1)
        self.process = None

    def wire(self, faults: str, seed: int) -> None:
        self.unwire()
        self.process = self.middle.start(self.relay_binary, self.devices["s"][1],
                                         self.devices["c"][1], *faults.split(), f"seed={seed}",
                                         stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def unwire(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def remove(self) -> None:
        self.unwire()
        for space in (self.server, self.middle, self.client):
            space.remove()


def fetch(lane: Lane, path: str, size: int) -> float:
    """Seconds from connect to the last octet of the answer."""
    with lane.client.new_socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(60)
        begin = time.perf_counter()
        s.connect((SERVER, 80))
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        got = 0
        while data := s.recv(1 << 18):
            got += len(data)
        took = time.perf_counter() - begin
    assert got > size, f"{got} octets of {size}"
    return took


@contextmanager
def mayfly(lane: Lane, binary: Path, extra: list[str]):
    settings = {
        "hugepages": "never", "cores": [0],
        "ports": [{"device": f"net_af_packet0,iface={lane.devices['s'][0]},framecnt=4096,"
                             "blocksz=65536,framesz=2048", "addresses": [f"{SERVER}/15"]}],
        "listen": [{"port": 80, "service": "http"}],
        "http": {"routes": [{"path": "/big", "bytes": BIG}, {"path": "/short", "bytes": SHORT}]},
        "connections": {"capacity": "8k"}, "close": {"first": "server"}}
    config, log = lane.folder / "serve.json", lane.folder / "serve.log"
    config.write_text(json.dumps(settings))
    with log.open("w") as output:
        process = lane.server.start(binary, "serve", "-c", config, *extra, stdout=output,
                                    stderr=output)
    try:
        while "ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def serve_from_kernel(congestion: str) -> None:
    """A server on the kernel's own stack, a thread a connection; it closes first."""
    listener = socket.create_server((SERVER, 80), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())

    def answer(connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                if not (part := connection.recv(65536)):
                    return
                request += part
            body = b"x" * (BIG if request.startswith(b"GET /big") else SHORT)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    print("ready", flush=True)
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


@contextmanager
def kernel(lane: Lane, congestion: str):
    device = lane.devices["s"][0]
    lane.server.ip("addr", "add", f"{SERVER}/15", "dev", device)
    process = lane.server.start(sys.executable, __file__, "--serve", congestion,
                                stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait(20)
        lane.server.ip("addr", "flush", "dev", device)


def five(lane: Lane, faults: str, seed: int) -> float:
    lane.wire(faults, seed)
    return sum(fetch(lane, "/big", BIG) for _ in range(5))


def many(lane: Lane, faults: str, seed: int, answers: int) -> list[float]:
    lane.wire(faults, seed)
    took: list[float] = []

    def client(count: int) -> None:
        for _ in range(count):
            took.append(fetch(lane, "/short", SHORT))

    threads = [threading.Thread(target=client, args=(answers // 10,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--answers", type=int, default=600, help="short answers a round")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--linux", default="cubic", help="the kernel's congestion control")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/app/mayfly")
    parser.add_argument("--set", action="append", default=[], help="for mayfly")
    parser.add_argument("--save")
    parser.add_argument("--serve", metavar="CONTROL", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve_from_kernel(args.serve)
    extra = [word for each in args.set for word in ("--set", each)]
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        relay = folder / "relay"
        subprocess.run(["c++", "-O2", "-std=c++20", "-o", relay, ROOT / "bench/relay/relay.cc"],
                       check=True)
        lane = Lane(relay, folder)
        try:
            figures = {mix: {"mayfly": [], "linux": []} for mix in (*MIXES, *SHORT_MIXES)
                       if not args.only or mix in args.only}
            for seed in range(args.rounds):
                for who in ("mayfly", "linux"):
                    with mayfly(lane, args.binary, extra) if who == "mayfly" \
                            else kernel(lane, args.linux):
                        for mix, both in figures.items():
                            if mix in MIXES:
                                both[who].append(five(lane, MIXES[mix], seed))
                            else:
                                both[who] += many(lane, SHORT_MIXES[mix], seed, args.answers)
        finally:
            lane.remove()
    for mix, both in figures.items():
        ours, theirs = statistics.median(both["mayfly"]), statistics.median(both["linux"])
        row = {"mayfly_ms": ours * 1e3, "linux_ms": theirs * 1e3, "ratio": ours / theirs}
        if mix in SHORT_MIXES:
            for who in ("mayfly", "linux"):
                both[who].sort()
                row[f"{who}_p99_ms"] = both[who][int(len(both[who]) * 0.99)] * 1e3
        results[mix] = {key: round(value, 3) for key, value in row.items()}
        print(f"{mix:24}", *(f"{key} {value:10.2f}" for key, value in row.items()), flush=True)
    if args.save:
        about = {"command": " ".join(sys.argv), "kernel": os.uname().release, "linux": args.linux,
                 "rounds": args.rounds}
        path = ROOT / "bench/results" / f"{args.save}.json"
        path.write_text(json.dumps({"about": about, "mixes": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
