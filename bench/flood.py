#!/usr/bin/python3
"""What a flood to the kernel's part of an interface costs Mayfly's: short connections over a veth
(net_af_packet) whose kernel has the exception path, in interleaved rounds.

  bench/flood.py [--rounds 8] [--seconds 3] [--rate 20000] [--save NAME]

Each round runs every way once: no flood, UDP to the kernel's address, and as many frames to another
station's MAC address, which both ends drop at once: what such a flood costs any server. A closed
loop of 64; server on core 0, generator and flood on core 1. As root. MAYFLY names the binary.
"""
import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/wire"))

from ab import span  # noqa: E402
from mayfly import Mayfly, load_settings, serve_settings  # noqa: E402
from network import LINUX, SERVER, Namespace, Wire, into_namespace, remove_leftovers  # noqa: E402
from rates import machine  # noqa: E402

KERNEL, TAP = "198.18.0.3", "mft0"
WAYS = ("none", "to the kernel", "to another station")
OTHER_STATION = "02:00:00:00:00:99"
SLICE_S = 0.001


def frame_to(mac: str) -> bytes:
    """UDP to the kernel's address, without a checksum."""
    udp = (9).to_bytes(2, "big") * 2 + (26).to_bytes(2, "big") + bytes(2 + 18)
    ip = bytes.fromhex("4500002e0000000040110000") + \
        socket.inet_aton(LINUX) + socket.inet_aton(KERNEL)
    total = sum(int.from_bytes(ip[i:i + 2], "big") for i in range(0, 20, 2))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + (~(total + (total >> 16)) & 0xffff).to_bytes(2, "big") + ip[12:]
    return bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1\x08\0" + ip + udp


def flood(peer: Namespace, device: str, frame: bytes, rate: int, over: threading.Event,
          sent: list[int]) -> None:
    os.sched_setaffinity(0, {1})
    raw = peer.new_socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    begin, count = time.monotonic(), 0
    while not over.is_set():
        due = int((time.monotonic() - begin) * rate)
        for _ in range(due - count):
            raw.send(frame)
        count = due
        time.sleep(SLICE_S)
    raw.close()
    sent.append(count)


def turn(way: str, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    wire = Wire()
    host = into_namespace(wire.device)
    host.write(f"net/ipv4/conf/{wire.device}/arp_ignore", 1)
    host.write(f"net/ipv4/conf/{wire.device}/rp_filter", 1)
    settings = serve_settings(f"net_af_packet0,iface={wire.device}")
    settings["ports"][0]["exception"] = {"device": f"net_tap0,iface={TAP}", "rate": options.limit}
    server = Mayfly("serve", settings, folder / "serve", namespace=host)
    over, sent = threading.Event(), []
    try:
        server.wait_ready()
        host.ip("address", "add", f"{KERNEL}/15", "dev", TAP)
        mac = host.run("cat", f"/sys/class/net/{TAP}/address").strip()
        frame = frame_to(OTHER_STATION if way == WAYS[2] else mac)
        flooding = threading.Thread(target=flood, args=(
            wire.peer, wire.peer_device, frame, options.rate, over, sent))
        if way != WAYS[0]:
            flooding.start()
        load = Mayfly("load", load_settings(f"net_af_packet0,iface={wire.peer_device}", SERVER, {
            "load": {"rate": 0, "concurrency": 64, "duration": f"{options.seconds}s"},
            "time_wait": {"hold": "1s"}}), folder / "load", namespace=wire.peer)
        done = load.report()
        over.set()
        if way != WAYS[0]:
            flooding.join()
        served = server.stop()
    finally:
        over.set()
        server.kill()
        host.remove()
        wire.remove()
    return {"connections/s": done["completed_cps"],
            "failed": sum(done["failed"].values()),
            "server cycles": served["cycles_per_connection"],
            "to_kernel": served["exception"]["to_kernel"],
            "limited": served["drops"].get("exception_limited", 0),
            "flood": sum(sent)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=20_000, help="frames a second of the flood")
    parser.add_argument("--limit", type=int, default=20_000, help="exception.rate")
    parser.add_argument("--save", metavar="NAME")
    options = parser.parse_args()
    remove_leftovers()
    turns: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, runs in turns.items():
            with tempfile.TemporaryDirectory() as folder:
                runs.append(turn(way, options, Path(folder)))
            print(f"{way:20}", runs[-1], flush=True)
    rows = {way: {"connections/s": span([one["connections/s"] for one in runs]),
                  "ratio": span([one["connections/s"] / base["connections/s"]
                                 for one, base in zip(runs, turns[WAYS[0]], strict=True)])}
            for way, runs in turns.items()}
    for way, row in rows.items():
        print(f"{way:20}", "  ".join(f"{name} {one['median']:,.3f} ({one['min']:,.3f} .. "
                                     f"{one['max']:,.3f})" for name, one in row.items()))
    if options.save:
        (ROOT / "bench/results" / f"{options.save}.json").write_text(json.dumps(
            {"command": " ".join(["bench/flood.py", *sys.argv[1:]]), **machine(),
             "results": rows, "turns": turns}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
