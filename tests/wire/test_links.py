"""Links that do not work: told at the start or within two seconds, and seen in the numbers."""
import json
import struct
import subprocess
import time

import pytest
from mayfly import BINARY, load_settings, serve_settings
from network import SERVER, own_host_end, sh
from tools import URL, curl, eventually, octets

WITHIN_S = 2


def says(process, *words: str) -> None:
    eventually(lambda: all(word in process.said() for word in words), WITHIN_S)


@pytest.fixture
def links(tmp_path):
    """What the control socket says of the first link."""
    def first() -> dict:
        asked = subprocess.run([BINARY, "ctl", "--socket", tmp_path / "ctl", "stats"],
                               capture_output=True, text=True, timeout=10, check=True)
        return json.loads(asked.stdout)["links"][0]
    return first


@pytest.fixture
def served(serve, tmp_path):
    return serve({"admin": {"socket": str(tmp_path / "ctl")}})


def test_a_link_that_works_is_not_spoken_of(wire, served, links):
    time.sleep(0.5)
    state = links()
    assert (state["state"], state["mtu"], state["changes"]) == ("up", 1500, 0)
    assert "mayfly:" not in served.said()


def test_an_interface_that_is_switched_off_is_told_and_comes_back(wire, served, links):
    sh("ip", "link", "set", wire.device, "down")
    says(served, f"interface {wire.device} is down", f"ip link set dev {wire.device} up")
    state = links()
    assert state["state"] == "down" and state["last_change_s"] < WITHIN_S
    sh("ip", "link", "set", wire.device, "up")
    says(served, "well again")
    assert links()["state"] == "up"
    assert curl(wire.peer, "--retry", "3", "--retry-all-errors", URL) == "hello, mayfly\n"


def test_a_lost_carrier_is_told(wire, served, links):
    wire.peer.ip("link", "set", wire.peer_device, "down")
    says(served, f"interface {wire.device} has no carrier")
    assert links()["state"] == "no_carrier"
    wire.peer.ip("link", "set", wire.peer_device, "up")
    says(served, "well again")


def test_a_deleted_interface_is_told_and_the_server_lives_on(wire, served, links):
    sh("ip", "link", "delete", wire.device)
    says(served, f"interface {wire.device} was deleted")
    assert links()["state"] == "gone"
    assert served.stop()["links"][0]["state"] == "gone"


def test_an_mtu_that_is_lowered_is_told_and_refused_frames_are_counted(wire, serve, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www/file").write_bytes(octets(100_000))
    served = serve({"http": {"routes": [{"path": "/files/", "folder": str(tmp_path / "www")}]}})
    sh("ip", "link", "set", wire.device, "mtu", "1000")
    says(served, "MTU of 1000", f"ip link set dev {wire.device} mtu 1500")
    wire.peer.run("curl", "-s", "-m", "2", "-o", "/dev/null", URL + "files/file", check=False)
    report = served.stop()
    assert report["links"][0]["mtu"] == 1000
    assert report["drops"]["device_refused"] > 0


@pytest.mark.parametrize("driver", ["net_af_packet", "net_af_xdp", "net_pcap"])
def test_an_mtu_below_the_ports_is_refused_at_the_start(wire, run_mayfly, driver):
    sh("ip", "link", "set", wire.device, "mtu", "1000")
    server = run_mayfly("serve", serve_settings(f"{driver}0,iface={wire.device}"))
    assert server.wait() == 2
    for words in ("MTU of 1000", "below the port's mtu of 1500", "mtu: 1000", "ports.0.device"):
        assert words in server.said()


def test_an_interface_that_is_down_at_the_start_is_told_and_waited_for(wire, serve):
    sh("ip", "link", "set", wire.device, "down")
    served = serve()
    says(served, f"interface {wire.device} is down")
    own_host_end(wire.device)
    says(served, "well again")
    assert curl(wire.peer, "--retry", "3", "--retry-all-errors", URL) == "hello, mayfly\n"


@pytest.mark.parametrize("driver", ["net_af_packet", "net_af_xdp", "net_pcap"])
def test_a_missing_interface_is_called_missing(run_mayfly, driver):
    server = run_mayfly("serve", serve_settings(f"{driver}0,iface=nosuch0"))
    assert server.wait() == 2
    assert 'there is no interface "nosuch0"' in server.said()
    assert "not permitted" not in server.said()


def test_a_capture_of_another_kind_of_frames_is_refused(run_mayfly, tmp_path):
    cooked = tmp_path / "cooked.pcap"
    cooked.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 113))
    server = run_mayfly("serve", serve_settings(
        f"net_pcap0,rx_pcap={cooked},tx_pcap={tmp_path}/out.pcap"))
    assert server.wait() == 2
    assert "link type 113, not of Ethernet frames" in server.said()


def test_a_server_without_any_link_gives_up_if_it_is_to(wire, serve):
    served = serve({"links": {"give_up": "1s"}})
    sh("ip", "link", "set", wire.device, "down")
    began = time.monotonic()
    assert served.wait(10) == 1
    assert time.monotonic() - began > 0.8
    assert "no link has worked for 1 s (links.give_up)" in served.said()
    assert served.numbers()["links"][0]["state"] == "down"


def test_a_target_that_does_not_answer_arp_is_told(wire, run_mayfly):
    load = run_mayfly("load", load_settings(f"net_af_packet0,iface={wire.device}", "198.18.0.77",
                                            {"load": {"rate": "100", "duration": "3s"}}))
    load.wait_ready()
    says(load, "nobody answers ARP for 198.18.0.77, the target")
    load.wait()
    assert "198.18.0.77" in load.numbers()["links"][0]["problem"]


def test_a_gateway_that_does_not_answer_arp_is_told_before_it_is_needed(wire, serve):
    served = serve(port={"gateway": "198.18.0.254"})
    says(served, "nobody answers ARP for 198.18.0.254, the gateway")


def test_a_gateway_that_answers_is_not_spoken_of(wire, serve):
    served = serve(port={"gateway": "198.18.0.2"})
    time.sleep(WITHIN_S)
    assert "ARP" not in served.said()


def test_a_server_of_shared_memory_says_that_nobody_is_connected(run_mayfly, tmp_path):
    device = f"net_memif0,role=server,socket={tmp_path}/memif.sock,socket-abstract=no"
    server = run_mayfly("serve", serve_settings(device)).wait_ready()
    says(server, "nobody is connected")
    assert SERVER in server.said()
