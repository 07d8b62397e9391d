"""A preset named after Linux acts like Linux: the same TIME_WAITs, the same segments, at a kernel
and at Mayfly. A difference that presets.DIFFERENCES does not declare fails the test, and so does a
declared one that is no longer there."""
import functools
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mayfly import Mayfly, serve_settings
from network import SERVER, SERVER6, Namespace, Wire, add_address, add_address6, sh
from peer import TCP, Ether, Flow, Peer, flags_of
from presets import DIFFERENCES, SITUATIONS, Old, Situation

SERVICES = Path(__file__).with_name("linux_server.py")
FIRST_PORT = 46_000
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
ANSWER_S, PATIENCE_S = 0.1, 2.5
UNLIMITED = {"tcp": {"challenge_ack_interval": "0"}}
PRESETS = ("linux-default", "linux-tw-reuse", "linux-max-buckets")


@dataclass(frozen=True)
class Family:
    """The addresses of the server, and of the client that a script and a kernel are in turn."""
    name: str
    number: int
    server: str
    client: str
    prefix: int


IPV4 = Family("IPv4", socket.AF_INET, SERVER, "198.18.0.77", 15)
IPV6 = Family("IPv6", socket.AF_INET6, SERVER6, "2001:db8::77", 64)


class Stack:
    """A server, and at the other end of the wire one address that a script and a real client have
    in turn."""

    def __init__(self, wire: Wire, family: Family) -> None:
        self.client, self.device, self.family = wire.peer, wire.peer_device, family
        link = wire.peer.ip("-o", "link", "show", self.device)
        self.mac = link.split("link/ether ")[1].split()[0]
        self.client.write("net/ipv4/tcp_syn_linear_timeouts", 0)

    @contextmanager
    def connection(self, port: int) -> Iterator[None]:
        """The real client's, while it has the address; it ends by a reset."""
        family, address = self.family, f"{self.family.client}/{self.family.prefix}"
        if family is IPV6:
            add_address6(self.client, self.device, address)
        else:
            self.client.ip("address", "add", address, "dev", self.device)
        try:
            with self.client.new_socket(family.number, socket.SOCK_STREAM) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                client.bind((family.client, port))
                client.settimeout(PATIENCE_S)
                client.connect((family.server, 80))
                yield
            time.sleep(0.01)  # the reset is on its way
        finally:
            self.client.ip("address", "delete", address, "dev", self.device)

    def syn_of_the_client(self, port: int) -> TCP:
        with self.client.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            tap.bind((self.device, 0))
        with tap, self.connection(port):
            tap.settimeout(2)
            while True:
                packet = Ether(tap.recv(2048))
                if TCP in packet and packet[TCP].flags == "S" and packet[TCP].sport == port:
                    return packet[TCP]

    def play(self, situation: Situation, port: int) -> str:
        """The answer, the state after it, and how long a real client waits that looks older."""
        self.client.write("net/ipv4/tcp_timestamps", 1 if situation.had_stamps else 0)
        syn = self.syn_of_the_client(port)
        own = dict(option for option in syn.options if option[1]).get("Timestamp", (0, 0))[0]
        with Peer(self.client, self.device, self.family.client, self.mac) as peer:
            flow = Flow(peer, 80, port, seq=(syn.seq + 2**30) % 2**32)
            old = leave_time_wait(flow, (own + 1_000_000) % 2**32 if situation.had_stamps else None)
            situation.play(old)
            answer = heard(flow, old)
            state = "SYN_RECEIVED" if answer == "SYN-ACK" else state_of(old)
        return f"{answer}; {state}; {self.wait_of_a_client(port)}"

    def wait_of_a_client(self, port: int) -> str:
        begin = time.monotonic()
        try:
            with self.connection(port):
                took = time.monotonic() - begin
        except OSError as error:
            return "refused" if isinstance(error, ConnectionError) else f"over {PATIENCE_S} s"
        return "at once" if took < 0.5 else "after a second"


def leave_time_wait(flow: Flow, stamp: int | None) -> Old:
    """The server closes first, and both FINs are acknowledged."""
    old = Old(flow, stamp, 0)
    options = [] if stamp is None else old.options()
    flow.send("S", options=[("MSS", 1460), *options])
    theirs = dict(option for option in flow.expect("SA")[TCP].options if option[1])
    old.echo = theirs["Timestamp"][0] if stamp is not None else 0
    options = [] if stamp is None else old.options()
    flow.send("A", REQUEST, options=options)
    flow.read_until("FA")
    flow.send("FA", options=options)
    flow.expect("A")
    return old


def state_of(old: Old) -> str:
    """TIME_WAIT answers a FIN again with an ACK, CLOSED with an RST."""
    old.send("FA", ahead=-1, stamp=None if old.stamp is None else 0)
    return {"RST": "CLOSED", "ACK": "TIME_WAIT"}.get(heard(old.flow, old), "unknown")


def heard(flow: Flow, old: Old) -> str:
    """What came back: the old connection's ACK, another one, a SYN-ACK, an RST, or nothing."""
    answers = []
    for packet in flow.arrived(ANSWER_S):
        flags, is_old = flags_of(packet), packet[TCP].ack == old.flow.seq
        answers.append({"SA": "SYN-ACK", "R": "RST", "RA": "RST"}.get(
            flags, "ACK" if is_old else "another ACK"))
        if answers[-1] != "RST":
            break
    return " and ".join(answers) or "nothing"


@functools.cache
def table_of_linux(family: Family) -> dict[str, str]:
    """What the kernel does in each situation."""
    with ExitStack() as stack:
        wire = Wire()
        stack.callback(wire.remove)
        server = Namespace()
        stack.callback(server.remove)
        sh("ip", "link", "set", wire.device, "netns", server.name)
        add_address(server, wire.device, f"{SERVER}/15")
        add_address6(server, wire.device, f"{SERVER6}/64")
        for name, value in {"tcp_invalid_ratelimit": 0, "tcp_rfc1337": 0,
                            "tcp_challenge_ack_limit": 1_000_000_000}.items():
            server.write(f"net/ipv4/{name}", value)
        services = server.start("/usr/bin/python3", str(SERVICES), stdout=subprocess.PIPE,
                                text=True)
        assert services.stdout.readline() == "ready\n"
        return table_of(Stack(wire, family))


def table_of(stack: Stack) -> dict[str, str]:
    return {situation.name: stack.play(situation, FIRST_PORT + number)
            for number, situation in enumerate(SITUATIONS)}


@pytest.mark.time_limit(200)
@pytest.mark.parametrize(("preset", "family"), [
    *((preset, IPV4) for preset in PRESETS), (PRESETS[0], IPV6)], ids=lambda each: getattr(
        each, "name", each))
def test_a_preset_named_after_linux_acts_like_linux(preset, family, tmp_path):
    with ExitStack() as stack:
        wire = Wire()
        stack.callback(wire.remove)
        settings = serve_settings(f"net_af_packet0,iface={wire.device}", UNLIMITED)
        settings["ports"][0] |= {"addresses": [f"{SERVER}/15", f"{SERVER6}/64"],
                                 "detect_duplicates": False}
        server = Mayfly("serve", settings, tmp_path / "serve", "--policy", preset)
        stack.callback(server.kill)
        server.wait_ready()
        mayfly = table_of(Stack(wire, family))
    kernel = table_of_linux(family)
    apart = {name: (kernel[name], mayfly[name]) for name in kernel if kernel[name] != mayfly[name]}
    assert apart == {name: (each.linux, each.mayfly) for name, each in DIFFERENCES.items()}


def test_there_are_situations_enough():
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS) >= 24
