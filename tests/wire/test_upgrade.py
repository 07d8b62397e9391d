"""A new process takes over from an old one: beside it on another port, or after it on the same
(doc/restart.md)."""
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cluster import Clients, until
from cluster_events import FinRepeater
from mayfly import BINARY, Mayfly, secret_at, serve_settings
from network import Namespace
from routed import SERVICE, Routed
from tools import say

MEMBERS = ["198.18.1.3", "198.18.2.3"]


class TwoPorts(Routed):
    """client --- router === host: the host has two interfaces, one for each process."""

    def __init__(self) -> None:
        super().__init__()
        self.add_client()
        self.host = self.space()
        for number in (1, 2):
            self.link(self.host, f"down{number}", number)

    def send_to(self, number: int) -> None:
        self.route(MEMBERS[number - 1])


@pytest.fixture
def ports():
    made = TwoPorts()
    yield made
    made.remove()


@pytest.fixture
def held_file():
    name = Path(f"/dev/shm/mayfly-upgrade-{os.getpid()}")
    yield str(name)
    for file in name.parent.glob(f"{name.name}.*"):
        file.unlink()


def start(run_mayfly, ports: TwoPorts, number: int, folder: Path, **changes) -> Mayfly:
    settings = serve_settings(f"net_af_packet0,iface=down{number}", {
        "hugepages": "never", "cores": [number % 2], "connections": {"capacity": "1k"},
        "time_wait": {"hold": "4s", "capacity": "4k"}, "drain_timeout": "20s",
        "cluster": {"secret": str(folder / "secret"), "members": MEMBERS},
        "http": {"routes": [{"path": "/", "body": f"server {number}\n"}]},
        "admin": {"socket": str(folder / f"control{number}")}} | changes)
    settings["ports"][0] |= {"gateway": f"198.18.{number}.1", "addresses": [
        f"{MEMBERS[number - 1]}/24", {"range": f"{SERVICE}/32", "arp": False}]}
    return run_mayfly("serve", settings, namespace=ports.host).wait_ready()


def ctl(folder: Path, number: int, *words: str) -> str:
    return subprocess.run([BINARY, "ctl", "--socket", folder / f"control{number}", *words],
                          check=True, capture_output=True, text=True, timeout=10).stdout


@pytest.mark.time_limit(60)
def test_an_upgrade_beside_the_old_process_loses_nothing(ports, run_mayfly, tmp_path):
    secret_at(tmp_path / "secret")
    old = start(run_mayfly, ports, 1, tmp_path)
    ports.send_to(1)
    lasting = [ports.client.connect(7, SERVICE) for _ in range(20)]
    assert all(say(connection, b"one\n") for connection in lasting)
    repeater = FinRepeater(ports)
    clients = Clients(ports, 100, 20)
    try:
        time.sleep(1)
        new = start(run_mayfly, ports, 2, tmp_path)
        ctl(tmp_path, 2, "health")
        ctl(tmp_path, 1, "drain", "--linger", "3s")
        ports.send_to(2)
        time.sleep(1.5)
        assert all(say(connection, b"two\n") for connection in lasting), "by the ring"
        repeater.repeat(set(repeater.fins), 20)
        time.sleep(0.5)
        seen = clients.end()
    finally:
        repeater.end()
    for connection in lasting:
        connection.close()
    was = old.report()
    assert {end for _, _, end in seen["short"]} == {"ok"} and len(seen["short"]) > 200
    assert {end for _, end in seen["lasting"]} == {"ok"}
    assert repeater.acknowledged == repeater.asked != set() and not repeater.reset
    held = was["time_wait"]
    assert held["opened"] == held["expired"] + held["reopened"] > 0, "held to its end"
    assert was["cluster"]["ours"] > 20 and was["drops"].get("tcp_draining", 0) == 0
    assert was["harm"]["rst_to_last_ack"] == 0
    assert new.stop()["accepted"] > 50


def connects(place: Namespace, seen: list[str], is_over: threading.Event) -> None:
    """One connection after the other: what became of each."""
    while not is_over.is_set():
        connection = place.new_socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect((SERVICE, 80))
            seen.append("ok")
        except OSError as error:
            seen.append(str(error))
        connection.close()
        time.sleep(0.002)


@pytest.mark.time_limit(60)
def test_an_upgrade_on_the_same_port_only_makes_syns_come_again(
        ports, run_mayfly, tmp_path, held_file):
    secret_at(tmp_path / "secret")
    changes = {"time_wait_file": held_file, "drain_syns": "ignore"}
    old = start(run_mayfly, ports, 1, tmp_path, **changes)
    ports.send_to(1)
    ports.client.run("ab", "-q", "-n", "500", "-c", "10", f"http://{SERVICE}/")
    seen: list[str] = []
    is_over = threading.Event()
    threads = [threading.Thread(target=connects, args=(ports.client, seen, is_over))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    old.process.send_signal(signal.SIGTERM)
    was = old.report()
    before = len(seen)
    new = start(run_mayfly, ports, 1, tmp_path, **changes)
    until(lambda: len(seen) > before + 20, "connections are opened again")
    is_over.set()
    for thread in threads:
        thread.join()
    assert set(seen) == {"ok"}
    now = new.stop()["time_wait"]
    assert now["carried_over"] >= was["time_wait"]["now"] - 50 > 100
    assert now["restored_unclean"] == 0
