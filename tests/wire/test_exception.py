"""One interface for Mayfly and the kernel, which has its part of it by a tap."""
import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from cluster import Bird, until
from mayfly import Mayfly, load_settings, merged, serve_settings
from network import LINUX, SERVER, Namespace, Wire, into_namespace
from routed import SERVICE, Routed
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest
from tools import URL, ab, curl, eventually, octets

KERNEL = "198.18.0.3"
BFD_SECONDS = int(os.environ.get("MAYFLY_BFD_SECONDS", "3"))  # doc/cluster.md has a longer run
TAP = "mft0"
SSH = 22


class Shared:
    """A host whose interface has no address: Mayfly serves SERVER on it, the kernel has KERNEL."""

    def __init__(self, wire: Wire, run_mayfly, port: dict) -> None:
        self.peer = wire.peer
        self.host = into_namespace(wire.device)
        # net_af_packet leaves the kernel its copy of every frame: it is to take the tap's instead.
        self.host.write(f"net/ipv4/conf/{wire.device}/arp_ignore", 1)
        self.host.write(f"net/ipv4/conf/{wire.device}/rp_filter", 1)
        settings = serve_settings(f"net_af_packet0,iface={wire.device}")
        settings["ports"][0] |= merged({"exception": {"device": f"net_tap0,iface={TAP}"}}, port)
        self.server: Mayfly = run_mayfly("serve", settings, namespace=self.host).wait_ready()
        self.host.ip("address", "add", f"{KERNEL}/15", "dev", TAP)

    def mac(self, device: str) -> str:
        words = self.host.ip("-o", "link", "show", device).split()
        return words[words.index("link/ether") + 1]


@pytest.fixture
def share(wire, run_mayfly):
    made: list[Shared] = []

    def start(port: dict | None = None) -> Shared:
        made.append(Shared(wire, run_mayfly, port or {}))
        return made[-1]

    yield start
    for each in made:
        each.server.kill()
        each.host.remove()


class Echo:
    """A TCP server of the kernel's own, which sends back what it gets."""

    def __init__(self, host: Namespace) -> None:
        self.listener = host.new_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind((KERNEL, SSH))
        self.listener.listen()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            while text := connection.recv(65536):
                connection.sendall(text)
        self.listener.close()


def ping(place: Namespace, address: str) -> None:
    """Three echoes, and an answer to each."""
    if ":" in address:
        raw = place.new_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        message, reply, header = ICMPv6EchoRequest(id=7), 129, 0
    else:
        raw = place.new_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        message, reply, header = ICMP(id=7), 0, 20
    raw.settimeout(5)
    with raw:
        for number in range(3):
            message.seq = number
            raw.sendto(bytes(message / b"echo"), (address, 0))
            while (answer := raw.recv(2048)[header:]) and (
                    answer[0] != reply or answer[4:8] != bytes((0, 7, 0, number))):
                pass


def echoed(peer: Namespace, text: bytes) -> bytes:
    connection = peer.connect(SSH, KERNEL)
    answer = b""
    with connection:
        sender = threading.Thread(target=connection.sendall, args=(text,))
        sender.start()
        while len(answer) < len(text):
            piece = connection.recv(65536)
            assert piece, len(answer)
            answer += piece
        sender.join()
    return answer


def test_both_are_reached_by_one_interface(share, wire, tmp_path: Path):
    shared = share()
    assert shared.mac(TAP) == shared.mac(wire.device)
    file = tmp_path / "seen.pcap"
    capture = shared.peer.start("tcpdump", "-U", "--immediate-mode", "-i", wire.peer_device, "-w",
                                str(file), "src", KERNEL, "or", "src", SERVER)
    eventually(file.exists)
    ping(shared.peer, KERNEL)
    ping(shared.peer, SERVER)
    Echo(shared.host)
    assert echoed(shared.peer, octets(300_000)) == octets(300_000)
    assert curl(shared.peer, URL) == "hello, mayfly\n"
    eventually(lambda: b"hello, mayfly" in file.read_bytes())
    capture.terminate()
    capture.wait(5)
    said = shared.peer.run("tcpdump", "-nvv", "-r", str(file))
    assert f"{KERNEL}.{SSH} >" in said and f"{SERVER}.80 >" in said
    assert "(correct)" in said and "incorrect" not in said and "bad cksum" not in said
    report = shared.server.stop()
    assert report["exception"]["to_kernel"] > 20 and report["exception"]["from_kernel"] > 20
    assert not {"exception_limited", "exception_refused", "not_our_ip"} & set(report["drops"])


def test_the_kernel_reaches_others_by_itself(share):
    shared = share()
    ping(shared.host, LINUX)  # its ARP request goes out, and the reply comes back


def test_each_has_its_ipv6_addresses(share, wire):
    wire.peer_speaks_ipv6("2001:db8::9/64")
    shared = share({"addresses": [f"{SERVER}/15", "2001:db8::1/64"]})
    shared.host.write(f"net/ipv6/conf/{TAP}/disable_ipv6", 0)
    shared.host.ip("link", "set", TAP, "addrgenmode", "none")
    shared.host.ip("address", "add", "2001:db8::3/64", "dev", TAP, "nodad")
    eventually(lambda: "hello" in shared.peer.run("curl", "-s", "-m", "1", "http://[2001:db8::1]/",
                                                  check=False))  # after its duplicate detection
    ping(shared.peer, "2001:db8::3")
    ping(shared.host, "2001:db8::9")


def flood(peer: Namespace, device: str, mac: str, stop: threading.Event) -> None:
    """UDP to the kernel's address, as fast as it goes."""
    raw = peer.new_socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    ip = bytes.fromhex("45000030000000004011") + bytes(2) + socket.inet_aton(LINUX) \
        + socket.inet_aton(KERNEL)
    frame = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1\x08\0" + ip + bytes(28)
    while not stop.is_set():
        for _ in range(100):
            raw.send(frame)
        time.sleep(0.001)


def test_a_flood_to_the_kernel_is_bounded(share, wire):
    shared = share({"exception": {"rate": 1_000}})
    stop = threading.Event()
    flooding = threading.Thread(target=flood, args=(
        shared.peer, wire.peer_device, shared.mac(TAP), stop))
    flooding.start()
    begin = time.monotonic()
    try:
        done = ab(shared.peer, "-n", "300", "-c", "10")
    finally:
        stop.set()
        flooding.join()
    seconds = time.monotonic() - begin
    assert done["Failed requests"] == 0 and done["Complete requests"] == 300
    report = shared.server.stop()
    assert report["drops"]["exception_limited"] > 0
    assert report["exception"]["to_kernel"] <= 1_000 * (seconds + 2) + 50


# -- xdp: share --

class SharedByXdp:
    """A host whose kernel has KERNEL on the interface itself, as any host; Mayfly has SERVER."""

    def __init__(self, wire: Wire, run_mayfly, port: dict) -> None:
        self.peer, self.device, self.run_mayfly = wire.peer, wire.device, run_mayfly
        self.host = into_namespace(wire.device)
        self.host.ip("address", "add", f"{KERNEL}/15", "dev", wire.device)
        self.settings = serve_settings(f"net_af_xdp0,iface={wire.device}")
        self.settings["ports"][0] |= {"xdp": "share"} | port
        self.start()

    def start(self) -> None:
        self.server: Mayfly = self.run_mayfly("serve", self.settings, namespace=self.host)
        self.server.wait_ready()


@pytest.fixture
def share_by_xdp(wire, run_mayfly):
    made: list[SharedByXdp] = []

    def start(port: dict | None = None) -> SharedByXdp:
        made.append(SharedByXdp(wire, run_mayfly, port or {}))
        return made[-1]

    yield start
    for each in made:
        each.server.kill()
        each.host.remove()


def test_an_xdp_program_leaves_the_kernel_its_addresses(share_by_xdp):
    shared = share_by_xdp()
    ping(shared.peer, KERNEL)
    ping(shared.peer, SERVER)
    Echo(shared.host)
    assert echoed(shared.peer, octets(300_000)) == octets(300_000)
    assert ab(shared.peer, "-n", "200", "-c", "10")["Failed requests"] == 0
    ping(shared.host, LINUX)
    report = shared.server.stop()
    assert "not_our_ip" not in report["drops"] and report["completed"] >= 200
    assert "xdp" not in shared.host.ip("link", "show", shared.device), "nothing stays behind"
    ping(shared.peer, KERNEL)


def test_an_xdp_program_tells_ipv6_addresses_apart(share_by_xdp, wire):
    wire.peer_speaks_ipv6("2001:db8::9/64")
    shared = share_by_xdp({"addresses": [f"{SERVER}/15", "2001:db8::1/64"]})
    shared.host.write(f"net/ipv6/conf/{shared.device}/disable_ipv6", 0)
    shared.host.ip("address", "add", "2001:db8::3/64", "dev", shared.device, "nodad")
    eventually(lambda: "hello" in shared.peer.run("curl", "-s", "-m", "1", "http://[2001:db8::1]/",
                                                  check=False))
    ping(shared.peer, "2001:db8::3")
    ping(shared.host, "2001:db8::9")


def test_an_xdp_program_ends_with_its_process(share_by_xdp):
    shared = share_by_xdp()
    second = shared.run_mayfly("serve", shared.settings, namespace=shared.host)
    assert second.wait() != 0
    assert "has an XDP program already" in second.said()
    assert curl(shared.peer, URL) == "hello, mayfly\n"
    shared.server.kill()
    assert "xdp" not in shared.host.ip("link", "show", shared.device), "killed as it was"
    ping(shared.peer, KERNEL)
    shared.start()
    assert curl(shared.peer, URL) == "hello, mayfly\n"


def test_xdp_share_is_refused_for_other_devices(wire, run_mayfly):
    settings = serve_settings(f"net_af_packet0,iface={wire.device}")
    settings["ports"][0]["xdp"] = "share"
    server = run_mayfly("serve", settings)
    assert server.wait() == 2
    assert "ports.0.device: xdp: share is for net_af_xdp" in server.said()


def test_a_tap_that_cannot_be_is_refused_at_its_place(wire, run_mayfly):
    settings = serve_settings(f"net_af_packet0,iface={wire.device}")
    settings["ports"][0]["exception"] = {"device": "net_tap0,iface=x,speed=1"}
    server = run_mayfly("serve", settings)
    assert server.wait() == 2
    assert "ports.0.exception.device: net_tap has no argument \"speed\"" in server.said()


class OneInterface(Routed):
    """generator --- router --- host: one interface of the host for its BIRD and for Mayfly.
    198.18.1.2 is the host's kernel's, on a tap."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.host = self.space(), self.space()
        self.link(self.generator, "down0", 0)
        self.link(self.host, "down1", 1)
        self.host.write("net/ipv4/conf/down1/arp_ignore", 1)
        self.host.write("net/ipv4/conf/down1/rp_filter", 1)


@pytest.fixture
def routed():
    made = OneInterface()
    yield made
    made.remove()


def up_since(bird: Bird) -> float:
    """When its BFD session came up, in seconds of the day; 0 = it is down."""
    shown = re.search(r" Up +(\d+):(\d+):([\d.]+)", bird.ask("show", "bfd", "sessions"))
    return 3600 * int(shown[1]) + 60 * int(shown[2]) + float(shown[3]) if shown else 0


@pytest.mark.time_limit(30 + BFD_SECONDS)
def test_bfd_over_the_exception_path_lives_under_full_load(routed, run_mayfly, tmp_path):
    server = run_mayfly("serve", serve_settings("net_af_packet0,iface=down1", {
        "ports": [{"device": "net_af_packet0,iface=down1", "gateway": "198.18.1.1",
                   "addresses": ["198.18.1.3/24", {"range": f"{SERVICE}/32", "arp": False}],
                   "exception": {"device": f"net_tap0,iface={TAP}"}}]}),
        namespace=routed.host).wait_ready()
    routed.host.ip("address", "add", "198.18.1.2/24", "dev", TAP)
    router = Bird(routed.router, tmp_path / "router", "bird-router.conf", TABLE=254)
    beside = Bird(routed.host, tmp_path / "host", "bird-server.conf")
    beside.ask("enable", "mayfly")
    until(lambda: SERVICE in routed.router.ip("route", "show"), "the router has the route")
    until(lambda: up_since(router) > 0, "BFD is up")
    before = up_since(router)
    load = run_mayfly("load", load_settings("net_af_packet0,iface=down0", SERVICE, {
        "ports": [{"device": "net_af_packet0,iface=down0", "gateway": "198.18.0.1",
                   "addresses": ["198.18.0.10-198.18.0.19/24"]}],
        "sources": {"addresses": "198.18.0.10-198.18.0.19", "ports": "1024-65535"},
        "load": {"rate": 0, "concurrency": 64, "duration": f"{BFD_SECONDS}s"},
        "time_wait": {"hold": "1s"}}), namespace=routed.generator)
    report = load.report() if load.wait(20 + BFD_SECONDS) == 0 else pytest.fail(load.said())
    assert report["completed"] > 1_000 * BFD_SECONDS
    # BIRD rounds anew each time it is asked; a session that was down was so for 150 ms and more.
    assert abs(up_since(router) - before) < 0.1, "the session is that of the beginning: no flap"
    assert server.stop()["exception"]["from_kernel"] > 10 * BFD_SECONDS
