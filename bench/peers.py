"""What Mayfly is held against in bench/table.py: the kernel's TCP, and dperf if there is one.

dperf is in no Debian package. DPERF names a binary of it that takes the arguments of DPDK's EAL
from the environment (DPERF_EAL) and, where its configuration has a PCI address, the name of a
virtual device; upstream's takes neither, which are two small changes. Server and client take
2 GB of hugepages together.
"""
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rates import ROOT

sys.path.insert(0, str(ROOT / "tests/wire"))
from mayfly import Mayfly, serve_settings  # noqa: E402
from network import LINUX, SERVER, Namespace, Wire, add_address, sh  # noqa: E402
from nginx import start_nginx  # noqa: E402

PAGE = 'location / { default_type text/plain; return 200 "hello, mayfly\\n"; }'
# Opens, asks, reads and closes first, as fast as one core goes; prints what it did in each second.
CLOSER = """
import socket, sys, time
address, seconds = (sys.argv[1], 80), int(sys.argv[2])
counts, errors = [0] * seconds, 0
begin = time.monotonic()
while (second := int(time.monotonic() - begin)) < seconds:
    try:
        with socket.socket() as s:
            s.connect(address)
            s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
            s.recv(4096)
        counts[second] += 1
    except OSError:
        errors += 1
print(*counts, errors)
"""


@contextmanager
def nginx_behind_a_veth() -> Iterator[tuple[Namespace, Wire]]:
    """A namespace for clients; nginx is in the wire's peer, at LINUX."""
    with tempfile.TemporaryDirectory() as folder:
        wire, clients = Wire(), Namespace()
        try:
            sh("ip", "link", "set", wire.device, "netns", clients.name)
            add_address(clients, wire.device, f"{SERVER}/15")
            start_nginx(wire, Path(folder), PAGE)
            yield clients, wire
        finally:
            wire.remove()
            clients.remove()


def wrk(client: Namespace, address: str, seconds: int) -> dict[str, float]:
    """Every request has a connection of its own, which the server closes first."""
    said = client.run("wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", "-H",
                      "Connection: close", f"http://{address}/", timeout=seconds + 30)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    unit = {"us": 1.0, "ms": 1e3, "s": 1e6}
    return {"connections_s": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
            "p99_us": float(p99[1]) * unit[p99[2]]}


def kernel_server(seconds: int) -> dict[str, float]:
    with nginx_behind_a_veth() as (clients, _):
        return wrk(clients, LINUX, seconds)


def mayfly_over_a_veth(seconds: int) -> dict[str, float]:
    """The same client against Mayfly, at the other end of such a wire."""
    with tempfile.TemporaryDirectory() as folder:
        wire = Wire()
        device = f"net_af_packet0,iface={wire.device},framecnt=4096,blocksz=65536,framesz=2048"
        server = Mayfly("serve", serve_settings(device), Path(folder))
        try:
            server.wait_ready()
            figures = wrk(wire.peer, SERVER, seconds)
            server.stop()
            return figures
        finally:
            server.kill()
            wire.remove()


def kernel_client_closes_first(seconds: int) -> dict[str, float]:
    """A Linux client of 4,000 ports: what it does until they are used up, and after."""
    with nginx_behind_a_veth() as (clients, _):
        clients.write("net/ipv4/ip_local_port_range", "40000 43999")
        said = clients.run(sys.executable, "-c", CLOSER, LINUX, str(seconds), timeout=seconds + 30)
    *counts, errors = map(int, said.split())
    return {"first_second": counts[0], "later_second": statistics.median(counts[2:]),
            "refused": errors}


# -- dperf --

RING = "socket-abstract=no,rsize=14,bsize=640"
SLOW_START = 10  # s; dperf takes no less


def dperf_lines(mode: str, core: int, seconds: int, rate: int) -> str:
    ours, theirs = ("198.18.0.254", "198.18.0.1")[::1 if mode == "server" else -1]
    lines = [f"mode {mode}", f"cpu {core}", f"duration {seconds}s", "protocol tcp", "tx_burst 128",
             f"port net_memif0 {ours} {theirs}", "client 198.18.0.1 100", "server 198.18.0.254 1",
             "listen 80 1", "client_port_range 1 65535"]
    if mode == "client":
        lines += ["launch_num 10", f"cps {rate}", "wait 3", f"slow_start {SLOW_START}"]
    return "\n".join(lines) + "\n"


def start_dperf(mode: str, folder: Path, seconds: int, rate: int) -> subprocess.Popen:
    core = 0 if mode == "server" else 1
    config = folder / f"{mode}.conf"
    config.write_text(dperf_lines(mode, core, seconds, rate))
    mac = "02:00:00:00:00:fe" if mode == "server" else "02:00:00:00:00:01"
    device = f"net_memif0,role={mode},id=0,socket={folder}/memif.sock,{RING},mac={mac}"
    eal = f"--no-pci --file-prefix=dperf{mode} --single-file-segments --vdev={device}"
    with (folder / f"{mode}.log").open("w") as log:
        return subprocess.Popen(["taskset", "-c", str(core), os.environ["DPERF"], "-c", config],
                                env=os.environ | {"DPERF_EAL": eal}, stdout=log, stderr=log)


def dperf_seconds(log: str) -> list[dict[str, int]]:
    """Per cent of the core, connections closed and what went wrong, of each second it reports."""
    wrong = ("synRt", "finRt", "ackRt", "pushRt", "skErr", "dropTx")
    seconds = []
    for block in re.split(r"\n(?=seconds )", log.partition("Total Numbers:")[0]):
        busy = re.match(r"seconds \d+\s+cpuUsage (\d+)", block)
        counts = {key: int(value.replace(",", ""))
                  for key, value in re.findall(r"(\w+)\s+([\d,]+)", block)}
        if busy and {"skClose", *wrong} <= counts.keys():  # the last one may lack its end
            seconds.append({"busy": int(busy[1]), "closed": counts["skClose"],
                            "wrong": sum(counts[key] for key in wrong)})
    return seconds


def end(process: subprocess.Popen) -> None:
    """A server that no client has come to does not end when it is asked to."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_dperf(seconds: int, rate: int) -> dict[str, list[dict[str, int]]]:
    """What server and client report, from a slow start to the rate and some seconds of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = start_dperf("server", folder, seconds + SLOW_START + 30, rate)
        client = None
        try:
            time.sleep(7)
            client = start_dperf("client", folder, seconds, rate)
            client.wait(seconds + SLOW_START + 60)
        finally:
            for process in filter(None, (client, server)):
                end(process)
        return {mode: dperf_seconds((folder / f"{mode}.log").read_text())
                for mode in ("server", "client")}


def dperf(seconds: int, hz: float, rate: int = 900_000) -> dict[str, float]:
    """A pair of it over memif; the client's FIN comes last, and there is no TIME_WAIT."""
    rows = run_dperf(seconds + 2, rate)
    full = {mode: [one for one in every if one["closed"] > 0.9 * max(o["closed"] for o in every)]
            for mode, every in rows.items()}
    cycles = {f"{mode}_cycles": statistics.median(one["busy"] / 100 * hz / one["closed"]
                                                  for one in some) for mode, some in full.items()}
    return {"connections_s": statistics.median(one["closed"] for one in full["client"]), **cycles}


def dperf_ramp(rate: int = 2_000_000) -> dict[str, float]:
    """The most that it closes in a second in which nothing is lost, sent again or refused."""
    clean = [one["closed"] for one in run_dperf(2, rate)["client"] if one["wrong"] == 0]
    assert clean and max(clean) > 0, "dperf had no clean second"
    return {"connections_s": max(clean)}
