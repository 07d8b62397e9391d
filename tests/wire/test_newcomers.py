"""A newcomer to a four-tuple in TIME_WAIT: whatever its clock, its NAT and its port, a real client
gets in within a second (time_wait.refuse_syn, time_wait.rst)."""
import socket
import struct
import time

import pytest
from network import LINUX, SERVER, Namespace, Wire, add_address
from peer import TCP, Ether, Flow, Peer

NEIGHBOUR = "198.18.0.77"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BODY = b"hello, mayfly\n"
PATIENCE_S = 1.1
FAR = 1 << 30  # the kernel's ISN clock does that in 69 s
LATER_MS = 1_000_000
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
IMPATIENT = {"time_wait": {"hold": "60s"}}


def connect_from(namespace: Namespace, address: str, port: int) -> socket.socket:
    """The kernel's connection from this source; its SYN goes again by the kernel's own rules."""
    connection = namespace.new_socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind((address, port))
    connection.settimeout(5)
    connection.connect((SERVER, 80))
    return connection


class SharedAddress:
    """One address and one MAC address that a scripted host has first, and then a real one."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.namespace, self.device = wire, wire.peer, wire.peer_device
        link = self.namespace.ip("-o", "link", "show", self.device)
        self.mac = link.split("link/ether ")[1].split()[0]

    def scripted(self) -> Peer:
        return Peer(self.namespace, self.device, NEIGHBOUR, self.mac)

    def connect(self, port: int) -> socket.socket:
        return connect_from(self.namespace, NEIGHBOUR, port)

    def own(self) -> None:
        self.namespace.ip("address", "add", f"{NEIGHBOUR}/15", "dev", self.device)

    def disown(self) -> None:
        self.namespace.ip("address", "delete", f"{NEIGHBOUR}/15", "dev", self.device)

    def syn_of_the_kernel(self, port: int) -> TCP:
        """What its SYN from this port looks like: its numbers and its clock, a moment later, are a
        little higher."""
        with self.namespace.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            tap.bind((self.device, 0))
        self.own()
        with tap, self.connect(port) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            tap.settimeout(2)
            while True:
                packet = Ether(tap.recv(2048))
                if TCP in packet and packet[TCP].flags == "S" and packet[TCP].sport == port:
                    break
        self.disown()
        return packet[TCP]


def stamp_option(flow: Flow, stamp: int | None, echo: int = 0) -> list:
    return [] if stamp is None else [("NOP", None), ("NOP", None), ("Timestamp", (stamp, echo))]


def leave_time_wait(flow: Flow, stamp: int | None) -> None:
    """The server closes first, and both FINs are acknowledged."""
    flow.send("S", options=[("MSS", 1460), *stamp_option(flow, stamp)])
    options = dict(option for option in flow.expect("SA")[TCP].options if option[1])
    echo = options["Timestamp"][0] if stamp is not None else 0
    flow.send("A", REQUEST, options=stamp_option(flow, stamp, echo))
    assert flow.read_until("FA").endswith(BODY)
    flow.send("FA", options=stamp_option(flow, stamp, echo))
    flow.expect("A")


def answer_to(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    answer = b""
    while piece := connection.recv(4096):
        answer += piece
    return answer


# The neighbour's clock, the client's, and whether the client's numbers are higher.
CLOCKS = {"a clock that is behind": LATER_MS, "a clock that is ahead": -LATER_MS,
          "a clock where there was none": None, "no clock where there was one": 0,
          "no clock on either side": None}


@pytest.mark.parametrize("higher", [True, False], ids=["higher numbers", "lower numbers"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_a_linux_client_gets_its_neighbours_four_tuple(wire, serve, clock, higher):
    server = serve(IMPATIENT)
    shared, port = SharedAddress(wire), 45_000
    wire.peer.write("net/ipv4/tcp_timestamps", 0 if clock.startswith("no clock") else 1)
    syn = shared.syn_of_the_kernel(port)
    own_stamp = dict(option for option in syn.options if option[1]).get("Timestamp", (7_000, 0))[0]
    ahead = CLOCKS[clock]
    stamp = None if ahead is None else (own_stamp + ahead) % 2**32
    seq = (syn.seq + (-FAR if higher else FAR)) % 2**32
    with shared.scripted() as neighbour:
        leave_time_wait(Flow(neighbour, 80, port, seq=seq), stamp)
    shared.own()
    begin = time.monotonic()
    with shared.connect(port) as connection:
        took = time.monotonic() - begin
        assert answer_to(connection).endswith(BODY)
    assert took < PATIENCE_S
    report = server.stop()
    time_wait = report["time_wait"]
    assert time_wait["killed"] == time_wait["killed_after_syn"]
    assert time_wait["killed"] + time_wait["reopened"] == 1
    assert report["completed"] == 2


def test_a_newcomer_is_kept_out_by_the_letter_of_rfc_6191(wire, serve):
    """What the default is compared with: silence for as long as the hold."""
    server = serve({"time_wait": {"hold": "60s", "refuse_syn": "drop", "rst": "ignore"}})
    shared, port = SharedAddress(wire), 45_000
    syn = shared.syn_of_the_kernel(port)
    stamp = dict(option for option in syn.options if option[1])["Timestamp"][0]
    with shared.scripted() as neighbour:
        leave_time_wait(Flow(neighbour, 80, port), (stamp + LATER_MS) % 2**32)
    shared.own()
    with pytest.raises(TimeoutError):
        shared.connect(port)
    time_wait = server.stop()["time_wait"]
    assert time_wait["syn_refused"] >= 2
    assert (time_wait["syn_answered"], time_wait["killed"]) == (0, 0)


def test_a_reset_that_answers_no_syn_ends_no_time_wait(serve, peer):
    server = serve(IMPATIENT)
    flow = peer.flow(80)
    leave_time_wait(flow, None)
    flow.send("A", b"old", seq=flow.seq - 50)  # its ACK draws a reset from a host that is CLOSED
    asked = flow.expect("A")[TCP].ack
    flow.send("R", seq=asked)
    flow.silent(0.1)
    flow.send("S", seq=flow.seq - 5_000)
    assert flow.expect("A")[TCP].ack == asked
    time.sleep(2.1)
    flow.send("R", seq=asked)  # too late for that SYN
    flow.silent(0.1)
    flow.send("FA", seq=flow.seq - 1)
    flow.expect("A")
    time_wait = server.stop()["time_wait"]
    assert (time_wait["rst_ignored"], time_wait["killed"], time_wait["now"]) == (2, 0, 1)


# -- two hosts behind one NAT with eight ports --

FIRST_PORT, PORTS = 40_000, 8

@pytest.fixture
def behind_a_nat(wire: Wire):
    """Two clients, 198.19.1.2 and 198.19.2.2; the wire's Linux peer routes, keeps a client's port
    if it has it, and gives it again after a second."""
    clients = [Namespace(), Namespace()]
    try:
        for number, client in enumerate(clients, 1):
            inner, outer = f"inner{number}", f"outer{number}"
            wire.peer.ip("link", "add", inner, "type", "veth", "peer", "name", outer,
                         "netns", client.name)
            add_address(wire.peer, inner, f"198.19.{number}.1/24")
            add_address(client, outer, f"198.19.{number}.2/24")
            client.ip("route", "add", "default", "via", f"198.19.{number}.1")
        wire.peer.write("net/ipv4/ip_forward", 1)
        for words in ("add table ip nat",
                      "add chain ip nat post { type nat hook postrouting priority 100; }",
                      f"add rule ip nat post oifname {wire.peer_device} ip protocol tcp "
                      f"masquerade to :{FIRST_PORT}-{FIRST_PORT + PORTS - 1}"):
            wire.peer.run("nft", *words.split())
        for state in ("time_wait", "close", "last_ack"):
            wire.peer.write(f"net/netfilter/nf_conntrack_tcp_timeout_{state}", 1)
        yield clients
    finally:
        for client in clients:
            client.remove()


@pytest.mark.time_limit(60)
def test_a_nat_may_give_a_port_again_within_the_hold(serve, behind_a_nat):
    server = serve(IMPATIENT, port={"addresses": [f"{SERVER}/24"], "gateway": LINUX})
    waits = []
    for number in range(32):
        host = number % 2  # a port goes from host to host
        port = FIRST_PORT + (number // 8 + number) % PORTS
        begin = time.monotonic()
        with connect_from(behind_a_nat[host], f"198.19.{host + 1}.2", port) as connection:
            waits.append(time.monotonic() - begin)
            assert answer_to(connection).endswith(BODY)
        time.sleep(1.2 if number % PORTS == PORTS - 1 else 0)  # the ports have been used up
    assert max(waits) < PATIENCE_S, waits
    report = server.stop()
    assert report["completed"] == 32
    assert report["time_wait"]["peak"] <= PORTS
    assert report["time_wait"]["killed_after_syn"] > 0, "some of them looked older"
