"""Shared memory whose other end goes away: at any moment, and comes back."""
import os
import random
import subprocess
import time

import pytest
from mayfly import load_settings, serve_settings
from tools import eventually

KILLS = int(os.environ.get("MAYFLY_KILLS", "20"))
OPEN_END = {"load": {"rate": "20k", "duration": "100s"}, "close": {"first": "client"}}


def device(folder, role: str, number: int = 0) -> str:
    """All clients have one address, as ARP would find a new one only after a while."""
    mac = "02:00:00:00:00:55" if role == "client" else f"02:00:00:00:00:5{number}"
    return (f"net_memif{number},id={number},role={role},socket={folder}/memif.sock,"
            f"socket-abstract=no,rsize=12,mac={mac}")


@pytest.fixture
def hog():
    """Takes the server's CPU away from it again and again: also while it is inside the driver."""
    with subprocess.Popen(["taskset", "-c", "0", "sh", "-c", "while :; do :; done"]) as spinning:
        yield spinning
        spinning.kill()


@pytest.mark.time_limit(30 + 3 * KILLS)
def test_a_server_outlives_clients_that_are_killed_under_load(run_mayfly, tmp_path, hog):
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    server = run_mayfly("serve", serve_settings(device(tmp_path, "server"))).wait_ready()
    for kill in range(KILLS):
        load = run_mayfly("load", load_settings(device(tmp_path, "client"), "198.18.0.1", OPEN_END))
        eventually(lambda: "ready" in load.said() or server.process.poll() is not None, 20)
        time.sleep(moments.uniform(0, 0.1))
        load.kill()
        assert server.process.poll() is None, \
            f"died of kill {kill + 1} of {KILLS}, seed {seed}:\n{server.said()}"
    hog.kill()
    # What the dead clients left open fills the server's tables: some of the new ones have to wait.
    last = load_settings(device(tmp_path, "client"), "198.18.0.1",
                         {"load": {"rate": "100", "duration": "1s"}})
    assert run_mayfly("load", last).numbers()["completed"] > 10
    assert server.stop()["accepted"] > KILLS
    print(f"{KILLS} kills, seed {seed}")


@pytest.mark.time_limit(60)
def test_a_client_connects_again_when_its_server_has_come_back(run_mayfly, tmp_path):
    load = {"load": {"rate": "1k", "duration": "6s", "timeout": "1s"}}
    first = run_mayfly("serve", serve_settings(device(tmp_path, "server"))).wait_ready()
    client = run_mayfly("load", load_settings(device(tmp_path, "client"), "198.18.0.1", load))
    client.wait_ready()
    time.sleep(1)
    first.kill()
    time.sleep(0.5)
    assert client.process.poll() is None, client.said()
    second = run_mayfly("serve", serve_settings(device(tmp_path, "server"))).wait_ready()
    client.wait()
    assert client.numbers()["completed"] > 1_000
    assert second.stop()["accepted"] > 500, "the client has found the second server"


def test_two_devices_of_one_server_share_its_socket(run_mayfly, tmp_path):
    settings = serve_settings(device(tmp_path, "server"))
    settings["ports"].append({"device": device(tmp_path, "server", 1),
                              "addresses": ["198.19.255.1/32"]})
    server = run_mayfly("serve", settings).wait_ready()
    few = {"load": {"rate": "500", "duration": "1s"}}
    for _ in range(2):  # the second comes when the first has left
        report = run_mayfly("load", load_settings(device(tmp_path, "client"), "198.18.0.1",
                                                  few)).report()
        assert report["completed"] == report["opened"] > 300
    assert not server.stop()["drops"].get("no_route", 0)
