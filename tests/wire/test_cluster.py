"""Servers with one secret: what one of them has begun, another goes on with."""
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY, Mayfly, secret_at, serve_settings
from network import Wire, into_namespace
from peer import Flow, Peer
from routed import SERVICE, SERVICE6, Routed
from scapy.layers.inet import TCP
from tools import say

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HALF = 2**31
NUMBERS = (1, 2, 3)


@pytest.fixture
def wires():
    made = [Wire() for _ in range(3)]
    for wire in made:
        wire.host = into_namespace(wire.device)
    yield made
    for wire in made:
        wire.host.remove()
        wire.remove()


def member(run_mayfly, wire: Wire, secret: str, core: int = 0, **changes) -> Mayfly:
    settings = serve_settings(f"net_af_packet0,iface={wire.device}", {
        "cores": [core], "cluster": {"secret": secret}, "connections": {"capacity": "1k"},
        "time_wait": {"capacity": "1k"}} | changes)
    return run_mayfly("serve", settings, namespace=wire.host).wait_ready()


def test_a_cookie_of_one_server_opens_a_connection_at_another(wires, run_mayfly, tmp_path):
    secret, other = secret_at(tmp_path / "secret"), secret_at(tmp_path / "other")
    always = {"connections": {"capacity": "1k", "syn_cookies": "always"}}
    servers = [member(run_mayfly, wires[0], secret, 0, **always),
               member(run_mayfly, wires[1], secret, 1), member(run_mayfly, wires[2], other, 1)]
    with Peer(wires[0].peer, wires[0].peer_device) as first, \
            Peer(wires[1].peer, wires[1].peer_device) as second, \
            Peer(wires[2].peer, wires[2].peer_device) as third:
        first.resolve(10)
        begun = first.flow(80)
        begun.send("S", options=[("MSS", 1460)])
        begun.expect("SA")
        second.resolve(10)
        moved = second.flow(80)
        moved.source_port, moved.seq, moved.ack = begun.source_port, begun.seq, begun.ack
        moved.send("A", REQUEST)
        assert moved.read_until("FA").startswith(b"HTTP/1.1 200 OK")
        third.resolve(10)
        stray = third.flow(80)
        stray.source_port, stray.seq, stray.ack = begun.source_port, begun.seq, begun.ack
        stray.send("A", REQUEST)
        stray.expect("R")
    assert servers[1].stop()["syn"]["cookies_accepted"] == 1


def numbers_at(wire: Wire) -> tuple[int, int]:
    """The ISN and the TSval that a server gives to one four-tuple, which it never opens."""
    with Peer(wire.peer, wire.peer_device) as peer:
        peer.resolve(10)
        flow = peer.flow(80)
        flow.source_port = 4_242
        flow.send("S", options=[("MSS", 1460), ("Timestamp", (1, 0))])
        answer = flow.expect("SA")[TCP]
        flow.send("R", seq=flow.seq)
        return answer.seq, dict(option for option in answer.options if option[0] == "Timestamp"
                                )["Timestamp"][0]


def test_numbers_of_a_four_tuple_rise_from_server_to_server_and_over_restarts(
        wires, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    seen = []
    for _ in range(2):
        servers = [member(run_mayfly, wire, secret, i % 2) for i, wire in enumerate(wires)]
        for wire in wires + wires:
            seen.append(numbers_at(wire))
            time.sleep(0.02)  # more than the time stamp counters are apart
        for server in servers:
            server.kill()
    for before, after in zip(seen, seen[1:], strict=False):
        for one, next_one in zip(before, after, strict=True):
            assert 0 < (next_one - one) % 2**32 < HALF, seen


def test_a_secret_that_others_may_read_is_refused(run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    (tmp_path / "secret").chmod(0o644)
    server = run_mayfly("serve", serve_settings("net_null0", {"cluster": {"secret": secret}}))
    assert server.wait() == 2
    assert "chmod 600" in server.said()


def closed_first(peer: Peer) -> Flow:
    """A connection that the server has closed first, and holds."""
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    flow.read_until("FA")
    flow.send("FA")
    flow.expect("A")
    return flow


@pytest.mark.time_limit(90)
def test_what_a_killed_server_held_is_held_by_another_after_an_import(wires, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    left = Path(f"/dev/shm/mayfly-import-{os.getpid()}")
    first = member(run_mayfly, wires[0], secret, 0, time_wait_file=str(left),
                   time_wait={"capacity": "3k"})
    control = str(tmp_path / "second.sock")
    second = member(run_mayfly, wires[1], secret, 1, admin={"socket": control})
    try:
        with Peer(wires[0].peer, wires[0].peer_device) as peer:
            peer.resolve(10)
            held = [closed_first(peer) for _ in range(100)]
        first.kill()
        handed = subprocess.run([BINARY, "state", "import", "--json", "--socket", control,
                                 f"{left}.0", str(tmp_path / "secret")],
                                capture_output=True, text=True, timeout=20)
    finally:
        Path(f"{left}.0").unlink(missing_ok=True)
    answer = json.loads(handed.stdout)
    assert handed.returncode == 1 and "no TIME_WAIT file" in answer["files"][1]["error"]
    assert (answer["taken"], answer["refused"]) == (100, 0), answer
    with Peer(wires[1].peer, wires[1].peer_device) as peer:
        peer.resolve(10)
        for flow in held:
            moved = peer.flow(80)
            moved.source_port, moved.seq, moved.ack = flow.source_port, flow.seq, flow.ack
            moved.send("FA", seq=(flow.seq - 1) % 2**32)
            assert moved.expect("A").ack == flow.seq
    report = second.stop()
    assert report["time_wait"]["imported"] == 100
    assert report["time_wait"]["fin_again"] == 100
    assert report["rst_sent"] == 0


# -- a router that moves flows --

class Servers(Routed):
    """A client, a router, and three hosts for servers, on a link each or on one that is a LAN."""

    def __init__(self, *, six: bool = False, on_lan: bool = False) -> None:
        super().__init__(ipv6=six)
        self.add_client()
        self.six, self.on_lan = six, on_lan
        self.service = SERVICE6 if six else SERVICE
        self.hosts = {f"down{number}": self.space() for number in NUMBERS}
        if on_lan:
            self.lan(1, self.hosts)
        else:
            for number, (device, host) in zip(NUMBERS, self.hosts.items(), strict=True):
                self.link(host, device, number)

    def link_of(self, number: int) -> int:
        return 1 if self.on_lan else number

    def own(self, number: int) -> str:
        """The address that a server has alone."""
        network = f"2001:db8:{self.link_of(number)}::" if self.six else \
            f"198.18.{self.link_of(number)}."
        return f"{network}{2 + number}"

    def spread_over(self, *numbers: int) -> None:
        self.route(*(self.own(number) for number in numbers))

    def connect(self, count: int) -> list[socket.socket]:
        connections = [self.client.connect(7, self.service) for _ in range(count)]
        assert all(say(connection, b"one\n") for connection in connections)
        return connections


@pytest.fixture
def routed(request):
    """Servers(); another network by indirect parametrisation."""
    made = Servers(**getattr(request, "param", {}))
    yield made
    made.remove()


def start(run_mayfly, routed: Servers, number: int, secret: str, *, hops: int = 2,
          cores: list[int] | None = None) -> Mayfly:
    settings = serve_settings(f"net_af_packet0,iface=down{number}", {
        "hugepages": "never", "cores": cores or [number % 2], "connections": {"capacity": "1k"},
        "time_wait": {"capacity": "1k"},
        "cluster": {"secret": secret, "hops": hops,
                    "members": [routed.own(n) for n in NUMBERS]}})
    link = routed.link_of(number)
    length, whole, gateway = (64, 128, f"2001:db8:{link}::1") if routed.six else \
        (24, 32, f"198.18.{link}.1")
    settings["ports"][0] |= {
        "addresses": [f"{routed.own(number)}/{length}",
                      {"range": f"{routed.service}/{whole}", "arp": False}],
        "gateway": gateway, "detect_duplicates": False}
    return run_mayfly("serve", settings, namespace=routed.hosts[f"down{number}"]).wait_ready()


def total(reports: list[dict], key: str) -> int:
    return sum(report["cluster"][key] for report in reports)


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("routed", [{}, {"six": True}], ids=["IPv4", "IPv6"], indirect=True)
def test_connections_survive_a_router_that_moves_them(routed, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    # What comes from the others is led to the right one of the second's two cores.
    servers = [start(run_mayfly, routed, number, secret, cores=[0, 1] if number == 2 else None)
               for number in NUMBERS]
    routed.spread_over(1, 2, 3)
    connections = routed.connect(30)
    routed.spread_over(1, 3)  # plain ECMP: others than the second's are moved, too
    assert all(say(connection, b"two\n") for connection in connections)
    routed.spread_over(2)
    assert all(say(connection, b"three\n") for connection in connections)
    for connection in connections:
        connection.close()
    time.sleep(0.3)
    reports = [server.stop() for server in servers]
    assert sum(report["accepted"] for report in reports) == 30
    assert total(reports, "ours") >= 20
    # On a busy machine a FIN is sent again, when nobody knows of the connection any more.
    assert total(reports, "last_reset") <= len(connections)
    assert all(report["reset"] == 0 for report in reports)


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("routed", [{"on_lan": True}, {"on_lan": True, "six": True}],
                         ids=["IPv4", "IPv6"], indirect=True)
def test_a_dead_server_of_the_link_is_passed_over(routed, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    first, second, third = (start(run_mayfly, routed, number, secret) for number in NUMBERS)
    routed.spread_over(3)
    connections = routed.connect(5)
    second.kill()
    routed.spread_over(1)
    assert all(say(connection, b"two\n") for connection in connections)
    second = start(run_mayfly, routed, 2, secret)
    time.sleep(1.5)  # the first hears of it
    assert all(say(connection, b"three\n") for connection in connections)
    reports = [server.stop() for server in (first, second, third)]
    assert reports[0]["cluster"]["skipped"] >= 5
    assert reports[1]["cluster"]["taken_in"] >= 5, "it is asked again"
    assert reports[2]["cluster"]["ours"] >= 10
    assert total(reports, "last_reset") == 0


def retransmitted(host) -> int:
    """Segments that the host's TCP has sent again."""
    names, values = [line.split() for line in host.run("cat", "/proc/net/snmp").splitlines()
                     if line.startswith("Tcp:")]
    return int(values[names.index("RetransSegs")])


@pytest.mark.time_limit(60)
def test_a_segment_that_no_server_knows_gets_one_reset(routed, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    servers = [start(run_mayfly, routed, number, secret) for number in NUMBERS]
    routed.spread_over(1, 2, 3)
    connections = routed.connect(10)
    for server in servers:
        server.kill()
    again = [start(run_mayfly, routed, number, secret) for number in NUMBERS]
    before = retransmitted(routed.client)
    for connection in connections:
        connection.settimeout(10)
        assert not say(connection, b"two\n")
    time.sleep(0.3)
    # A client that has waited too long for the reset, on a busy machine, has sent its text again.
    most = len(connections) + retransmitted(routed.client) - before
    reports = [server.stop() for server in again]
    resets = total(reports, "last_reset")
    assert len(connections) <= resets <= most
    assert sum(report["rst_sent"] for report in reports) == resets
