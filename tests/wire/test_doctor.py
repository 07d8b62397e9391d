"""`mayfly doctor`, by hand: what it says of a wire, and the command that mends it."""
import json
import subprocess
from pathlib import Path

import pytest
from mayfly import BINARY, serve_settings
from network import LINUX


@pytest.fixture
def doctor(tmp_path: Path):
    def examine(settings: dict, namespace=None) -> tuple[int, str]:
        (tmp_path / "c.yaml").write_text(json.dumps(settings))
        words = [str(BINARY), "doctor", "-c", str(tmp_path / "c.yaml")]
        if namespace:
            words = ["ip", "netns", "exec", namespace.name, *words]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        return done.returncode, done.stdout

    return examine


def on(device: str, **port) -> dict:
    settings = serve_settings(device)
    settings["ports"][0] |= port
    return settings


def test_a_gateway_is_asked_for_its_address(wire, doctor):
    status, said = doctor(on(f"net_af_packet0,iface={wire.device}", gateway=LINUX))
    assert status == 0 and f"{LINUX} answers ARP on {wire.device}" in said, said
    status, said = doctor(on(f"net_af_packet0,iface={wire.device}", gateway="198.18.9.9"))
    assert status == 1 and f"BAD   198.18.9.9 does not answer ARP on {wire.device}" in said, said


def test_a_gateway_of_ipv6_is_asked_for_its_address(wire, doctor):
    device = wire.peer_device
    wire.peer.write(f"net/ipv6/conf/{device}/disable_ipv6", 0)
    wire.peer.ip("address", "add", "2001:db8::2/64", "dev", device, "nodad")
    for gateway, answer, expected in (("2001:db8::2", "answers", 0),
                                      ("2001:db8::9", "does not answer", 1)):
        status, said = doctor(on(f"net_af_packet0,iface={wire.device}",
                                 addresses=["2001:db8::1/64"], gateway=gateway))
        assert f"{gateway} {answer} neighbour discovery on {wire.device}" in said, said
        assert status == expected, said


def test_the_other_end_of_a_veth_has_to_send_whole_frames(wire, doctor):
    wire.peer.run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there")
    for end in ("here", "there"):
        wire.peer.run("ip", "link", "set", end, "up")
    status, said = doctor(on("net_af_packet0,iface=here"), wire.peer)
    assert status == 1 and "BAD   there, the other end of here" in said
    remedy = next(line for line in said.splitlines() if "ethtool -K there" in line)
    wire.peer.run(*remedy.split())
    status, said = doctor(on("net_af_packet0,iface=here"), wire.peer)
    assert "there, the other end of here, sends whole frames" in said


def test_a_driver_that_is_not_there_and_an_occupied_page_are_named(doctor, run_mayfly, tmp_path):
    status, said = doctor(on("net_afpacket0,iface=lo"))
    assert status == 1 and "DPDK has no driver net_afpacket\n        device: net_af_packet0" in said
    path = str(tmp_path / "ctl")
    run_mayfly("serve", serve_settings("net_null0", {"admin": {"socket": path}})).wait_ready()
    status, said = doctor(serve_settings("net_null0", {"admin": {"socket": path}}))
    assert status == 1 and f"another process listens on {path}" in said
