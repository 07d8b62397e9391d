"""virtio, the card of most virtual machines: both of its ends as processes of our own.

One process plays the guest (net_virtio_user), the other the host (net_vhost); either may serve.
"""
import time
from pathlib import Path

import pytest
from mayfly import Mayfly, load_settings, merged, serve_settings
from tools import eventually

FEW = {"load": {"rate": "500", "duration": "2s"}}
LONG = {"load": {"rate": "500", "duration": "60s"}}


def host(folder: Path, more: str = "") -> str:
    return f"net_vhost0,iface={folder}/vhost.sock{more}"


def guest(folder: Path, more: str = "") -> str:
    return f"net_virtio_user0,path={folder}/vhost.sock{more}"


def several_cores(queues: int) -> dict:
    return {} if queues == 1 else {"cores": list(range(queues))}


class Ends:
    """Who serves and who loads, on which end of the device."""

    def __init__(self, run_mayfly, folder: Path, guest_serves: bool, queues: int = 1,
                 more: str = "") -> None:
        self.run, self.queues, self.guest_serves = run_mayfly, queues, guest_serves
        pairs = f",queues={queues}"
        self.devices = (guest(folder, pairs + more), host(folder, pairs))

    def serve(self) -> Mayfly:
        device = self.devices[0] if self.guest_serves else self.devices[1]
        return self.started("serve", serve_settings(device, several_cores(self.queues)))

    def load(self, changes: dict) -> Mayfly:
        device = self.devices[1] if self.guest_serves else self.devices[0]
        cores = several_cores(self.queues) or {"cores": [1]}
        return self.started("load", load_settings(device, "198.18.0.1", merged(cores, changes)))

    def started(self, command: str, settings: dict) -> Mayfly:
        if self.queues > 1:
            settings["ports"][0]["queues"] = self.queues
        return self.run(command, settings)


def both(ends: Ends, changes: dict) -> tuple[Mayfly, Mayfly]:
    """The host's end makes the socket, so it comes first."""
    if ends.guest_serves:
        load = ends.load(changes)
        return ends.serve().wait_ready(), load
    server = ends.serve().wait_ready()
    return server, ends.load(changes)


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("guest_serves", [True, False], ids=["guest-serves", "host-serves"])
@pytest.mark.parametrize("more", [",mrg_rxbuf=1", ",mrg_rxbuf=0", ",mrg_rxbuf=1,packed_vq=1"])
def test_every_connection_over_virtio_completes(run_mayfly, tmp_path, guest_serves, more):
    ends = Ends(run_mayfly, tmp_path, guest_serves, more=more)
    server, load = both(ends, FEW)
    report = load.report()
    assert report["completed"] > 300 and not any(report["failed"].values()), report["failed"]
    assert not server.stop()["drops"].get("tcp_checksum", 0)
    for process in (server, load):
        assert "sent IPv4 in software, TCP by the device" in process.said()


@pytest.mark.time_limit(90)
@pytest.mark.parametrize("guest_serves", [True, False], ids=["guest-serves", "host-serves"])
def test_two_queue_pairs_bring_each_flow_to_its_core(run_mayfly, tmp_path, guest_serves):
    ends = Ends(run_mayfly, tmp_path, guest_serves, queues=2)
    server, load = both(ends, {"load": {"rate": "100", "duration": "2s", "timeout": "10s"}})
    report = load.report()
    assert report["completed"] > 50 and not any(report["failed"].values()), report["failed"]
    cores = server.stop()["cores"]
    assert len(cores) == 2 and all(core["accepted"] > 10 for core in cores)
    assert "2 receive and 2 transmit queues" in server.said()


@pytest.mark.time_limit(90)
def test_a_host_serves_one_guest_after_the_other(run_mayfly, tmp_path):
    # Of one address: ARP would find a new one only after a while.
    ends = Ends(run_mayfly, tmp_path, guest_serves=False, more=",mac=02:00:00:00:00:77")
    server = ends.serve().wait_ready()
    for guests in range(1, 4):
        load = ends.load(LONG).wait_ready()
        eventually(lambda: server.said().count("well again") >= guests)
        time.sleep(0.5)
        load.kill()
        eventually(lambda: server.said().count("nobody is connected") > guests)
        assert server.process.poll() is None, server.said()
    load = ends.load(FEW)
    assert load.numbers()["completed"] > 300
    assert server.stop()["accepted"] > 300


@pytest.mark.time_limit(90)
def test_a_guest_that_listens_serves_one_host_after_the_other(run_mayfly, tmp_path):
    server = run_mayfly("serve", serve_settings(guest(tmp_path, ",server=1,mrg_rxbuf=1")))
    settings = load_settings(host(tmp_path, ",client=1"), "198.18.0.1", LONG)
    for gone in range(1, 4):
        load = run_mayfly("load", settings).wait_ready()
        server.wait_ready()
        # A host that finds nobody tries again after a second.
        eventually(lambda: server.said().count("well again") >= gone - 1)
        time.sleep(0.5)
        load.kill()
        eventually(lambda: server.said().count("nobody is connected") >= gone)
        assert server.process.poll() is None, server.said()
    last = load_settings(host(tmp_path, ",client=1"), "198.18.0.1", FEW)
    assert run_mayfly("load", last).numbers()["completed"] > 300
    server.stop()
