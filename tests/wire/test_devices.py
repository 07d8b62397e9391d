"""The same smoke test over every software device that DPDK has for a Linux interface."""
import time
from pathlib import Path

import pytest
from mayfly import MEGABYTE, serve_settings
from network import LINUX, Namespace, add_address
from tools import URL, ab, curl, octets, sha256


def smoke(peer: Namespace, folder: Path, server) -> None:
    """A page, a file of 5 MB and 500 connections."""
    assert curl(peer, URL) == "hello, mayfly\n"
    curl(peer, "-o", str(folder / "copy"), URL + "files/random.bin")
    assert sha256(folder / "copy") == sha256(folder / "www/random.bin")
    assert ab(peer, "-n", "500", "-c", "20")["Failed requests"] == 0
    report = server.stop()
    assert report["completed"] == report["accepted"] >= 502


def smoke_settings(device: str, folder: Path) -> dict:
    (folder / "www").mkdir()
    (folder / "www/random.bin").write_bytes(octets(5 * MEGABYTE))
    return serve_settings(device, {"http": {"routes": [
        {"path": "/", "body": "hello, mayfly\n"},
        {"path": "/files/", "folder": str(folder / "www")}]}})


@pytest.mark.parametrize("driver", ["net_af_packet", "net_af_xdp", "net_pcap"])
def test_a_veth_is_served_by(wire, run_mayfly, tmp_path, driver):
    settings = smoke_settings(f"{driver}0,iface={wire.device}", tmp_path)
    smoke(wire.peer, tmp_path, run_mayfly("serve", settings).wait_ready())


def test_a_tap_is_served(wire, run_mayfly, tmp_path):
    wire.peer.ip("link", "delete", wire.peer_device)
    settings = smoke_settings("net_tap0,iface=mft0", tmp_path)
    server = run_mayfly("serve", settings, namespace=wire.peer).wait_ready()
    add_address(wire.peer, "mft0", f"{LINUX}/15")
    time.sleep(0.1)
    smoke(wire.peer, tmp_path, server)
