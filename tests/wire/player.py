"""Plays a script against a stack: sends its segments and judges what comes back.

Silence is not a matter of waiting long: a SYN to a closed port goes behind the segment in question,
and when its RST is there the stack has seen both.
"""
import itertools
import operator
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

from network import SERVER, SERVER6, Namespace
from peer import Peer, flags_of, payload_of, source_of
from scapy.layers.inet import TCP
from scapy.packet import Packet
from script import Script, Step, Term, parse_step

SERVICES = {"echo": 7, "discard": 9, "http": 80, "closed": 1}
REQUEST = b"GET / HTTP/1.1\r\nHost: mayfly\r\nConnection: close\r\n\r\n"
OPTION_NAMES = {"MSS": "mss", "WScale": "ws", "SAckOK": "sackok", "Timestamp": "ts", "SAck": "sack"}
PATIENCE_S = 5.0
SEGMENT_BYTES = 1000
SETTLE_S = 0.06  # for what a service does by itself, and for a delayed ACK
BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = "ff02::1"
IPV6_FOR = {SERVER: SERVER6, "224.0.0.1": ALL_NODES, "198.19.255.255": ALL_NODES}
IPV6_HEADER_IS_LONGER = 20  # octets, so that less text fits into a segment
MODULUS = 2**32
CPU = max(os.sched_getaffinity(0))  # the other end of the list from where the server polls
RELATIONS = {"": operator.eq, "=": operator.eq, ">": operator.gt, "<": operator.lt}


class Unexpected(AssertionError):
    """What came back is not what the script says."""


class Unfit(AssertionError):
    """A segment came, but not the one that is expected."""


def options_of(packet: Packet) -> dict[str, object]:
    """Its options by the names they have in scripts, padding left out."""
    return {OPTION_NAMES.get(kind, str(kind)): value
            for kind, value in packet[TCP].options if kind not in ("NOP", "EOL")}


class Sequence:
    """The sequence numbers of one side, counted from its SYN."""

    def __init__(self, first: int) -> None:
        self.first, self.next = first, 0

    def relative(self, absolute: int) -> int:
        distance = (absolute - self.first) % MODULUS
        return distance - MODULUS if distance >= MODULUS // 2 else distance

    def absolute(self, relative: int) -> int:
        return (self.first + relative) % MODULUS

    def number(self, text: str) -> int:
        """Of `7`, `-3`, `next`, `next+5` or `next-1`."""
        match = re.fullmatch(r"next([+-]\d+)?", text)
        return self.next + int(match[1] or 0) if match else int(text)


@contextmanager
def on_one_cpu() -> Iterator[None]:
    """Each processor has a queue of its own of what a veth carries: with one there is one order."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Player:
    """One scripted peer of one stack. `linux` is the namespace of the stack if that is Linux."""

    def __init__(self, stack: str, peer: Peer, linux: Namespace | None = None) -> None:
        self.stack, self.peer, self.linux = stack, peer, linux
        self.fence_ports = itertools.count(60_000)

    def play(self, script: Script) -> None:
        """Raises Unexpected, with all that passed until then."""
        with on_one_cpu():
            Conversation(self).play(script)

    def set(self, name: str, value: str) -> None:
        if self.linux:
            self.linux.write(f"net/ipv4/{name}", value)


class Conversation:
    """One script being played: a four-tuple and its numbers."""

    def __init__(self, player: Player) -> None:
        self.player, self.peer = player, player.peer
        self.source_port = next(self.peer.ports)
        self.port = 0
        self.ours, self.theirs = Sequence(1_000_000), Sequence(0)
        self.ts: int | None = None  # the TSval that goes with each segment
        self.echo = 0  # the TSval that came last
        self.shut = False  # the stack is left with a window of 0, and may probe it at any time
        self.waiting: deque[Packet] = deque()
        self.log: list[str] = []

    def play(self, script: Script) -> None:
        """Its steps, and silence behind them."""
        try:
            for step in [*script.steps_of(self.player.stack), Step("expect", "nothing")]:
                self.play_step(script, step)
        finally:
            self.send(Step("send", "R"))  # what is left goes, with its timers and its memory

    def play_step(self, script: Script, step: Step) -> None:
        try:
            self.perform(step)
        except AssertionError as failure:
            told = "\n  ".join([script.title, *self.log])
            raise Unexpected(f"{told}\n{self.player.stack}: {step}: {failure}") from None

    def perform(self, step: Step) -> None:
        match step.verb:
            case "to":
                self.port = SERVICES[step.word]
            case "send":
                self.send(step)
            case "expect" if step.word == "nothing":
                left = self.until_quiet()
                assert left is None, f"{self.told(left)} came"
            case "expect":
                self.expect(step)
            case "until":
                self.until(step)
            case "fill":
                self.fill_window()
            case "wait":
                time.sleep(float(step.word))
            case "sysctl":
                self.player.set(*step.word.split("="))

    # What the peer sends.

    def send(self, step: Step) -> None:
        terms = {term.name: term.value for term in step.terms}
        flags = step.word.strip("0")
        text = REQUEST if "get" in terms else b"x" * int(terms.get("len", 0))
        seq = self.ours.number(terms.get("seq", "next"))
        ack = self.theirs.absolute(self.theirs.number(terms.get("ack", "next")))
        tcp = TCP(sport=self.source_port, dport=self.port, flags=flags,
                  seq=self.ours.absolute(seq), ack=ack if "A" in flags else 0,
                  window=int(terms.get("win", 65_535)), urgptr=int(terms.get("urg", 0)),
                  options=self.options(flags, terms))
        source = self.address(terms.get("src"))
        if source == self.peer.server:
            tcp.sport = self.port  # the "land" attack
        packet = self.peer.ip(source, self.address(terms.get("dst"))) / tcp
        if "opt" in terms:
            packet = with_raw_options(packet, bytes.fromhex(terms["opt"]))
        packet = packet / text
        if terms.get("sum") == "bad":
            packet[TCP].chksum = type(packet)(bytes(packet))[TCP].chksum ^ 1
        self.log.append(str(step))
        self.peer.send_frame(packet, BROADCAST if "ether" in terms else self.peer.server_mac)
        if "seq" not in terms:
            self.ours.next += len(text) + ("S" in flags) + ("F" in flags)

    def address(self, written: str | None) -> str | None:
        """An address of a script, or what stands for it in this family."""
        return IPV6_FOR[written] if written and self.peer.is_six else written

    def options(self, flags: str, terms: dict[str, str]) -> list[tuple]:
        """Those that the step names, and timestamps if they have been agreed on."""
        options: list[tuple] = []
        if "mss" in terms:
            options.append(("MSS", int(terms["mss"])))
        if "sackok" in terms:
            options.append(("SAckOK", b""))
        if "ws" in terms:
            options.append(("WScale", int(terms["ws"])))
        if (value := terms.get("ts", self.ts)) not in (None, "none"):
            if "ts" in terms and "seq" not in terms:
                self.ts = int(value)
            echo = int(terms.get("ecr", self.echo if "A" in flags else 0))
            options.append(("Timestamp", (int(value), echo)))
        if "sack" in terms:
            edges = re.split("[:,]", terms["sack"])
            options.append(("SAck", tuple(self.theirs.absolute(int(edge)) for edge in edges)))
        return options

    def fill_window(self) -> None:
        """Two segments at a time, so that no ACK is delayed. Our own window stays closed."""
        unread, before = self.theirs.next, len(self.log)
        window = SEGMENT_BYTES * 2
        while window > 0:
            for length in (window + 1) // 2, window // 2:
                self.send(parse_step(f"send A win=0 len={length}")[0])
            while self.ours.relative((last := self.receive())[TCP].ack) < self.ours.next:
                pass
            self.theirs.next = unread  # a probe may have carried the ACK: its octet is not taken
            window = min(last[TCP].window, SEGMENT_BYTES * 2)
        self.log[before:-1] = ["send ..."]
        self.shut = True

    # What comes back.

    def arrived(self, seconds: float) -> Packet | None:
        """The next segment of this flow, or one to a fence."""
        for packet in self.peer.frames(seconds):
            if TCP not in packet or source_of(packet) != self.peer.server:
                continue
            ports = packet[TCP].sport, packet[TCP].dport
            if is_fence(packet) or ports == (self.port, self.source_port) \
                    and not self.is_probe(packet):
                return packet
        return None

    def is_probe(self, packet: Packet) -> bool:
        """A probe of our closed window: old, or an octet of text."""
        old = self.theirs.relative(packet[TCP].seq) < self.theirs.next
        return self.shut and (old or len(payload_of(packet)) == 1)

    def receive(self) -> Packet:
        """The next segment; moves the numbers on."""
        packet = self.waiting.popleft() if self.waiting else self.arrived(PATIENCE_S)
        assert packet is not None, "nothing came"
        tcp, flags = packet[TCP], flags_of(packet)
        self.log.append(f"    {self.told(packet)}")
        if "S" in flags:
            self.theirs = Sequence(tcp.seq)
        if self.theirs.relative(tcp.seq) == self.theirs.next and "R" not in flags:
            self.theirs.next += len(payload_of(packet)) + ("S" in flags) + ("F" in flags)
        if "ts" in (options := options_of(packet)):
            self.echo = options["ts"][0]
        return packet

    def expect(self, step: Step) -> None:
        before = copy(self.theirs)
        packet = self.receive()
        if flags_of(packet) != step.word:
            raise Unfit(f"{self.told(packet)} came")
        for term in step.terms:
            found, wanted = self.compared(term, packet, before)
            if not RELATIONS[term.relation](found, wanted):
                raise Unfit(f"{term.name} is {found}, not {term.relation}{wanted}: "
                            f"{self.told(packet)} came")

    def until(self, step: Step) -> None:
        """Passes over what is not expected. Fails when no more comes."""
        while True:
            try:
                return self.expect(step)
            except Unfit:
                pass

    def compared(self, term: Term, packet: Packet, before: Sequence) -> tuple[object, object]:
        """What a field is, and what it should be. `before` is how numbers stood before it came."""
        options = options_of(packet)
        if term.name == "options":
            return set(options), set(term.value.split(",")) - {"none"}
        if term.name == "sack":
            edges = [str(self.ours.relative(edge)) for edge in options.get("sack", ())]
            blocks = map(":".join, zip(edges[::2], edges[1::2]))
            return ",".join(blocks), term.value.removeprefix("none")
        if not term.relation:
            return term.name in options, True
        base = {"seq": before, "ack": self.ours}.get(term.name, Sequence(0))
        wanted = base.number(term.value)
        if term.name == "mss" and self.peer.is_six:
            wanted -= IPV6_HEADER_IS_LONGER
        return self.field(term.name, packet, before), wanted

    def field(self, name: str, packet: Packet, before: Sequence) -> int:
        tcp, options = packet[TCP], options_of(packet)
        match name:
            case "seq": return before.relative(tcp.seq)
            case "ack": return self.ours.relative(tcp.ack)
            case "win": return tcp.window
            case "len": return len(payload_of(packet))
            case "ts": return options.get("ts", (-1, -1))[0]
            case "ecr": return options.get("ts", (-1, -1))[1]
            case _: return options.get(name, -1)

    def until_quiet(self) -> Packet | None:
        """A segment that came, or none although the stack has seen all that was sent."""
        if self.waiting:
            return self.receive()
        fence = next(self.player.fence_ports)
        self.peer.send(self.peer.ip() / TCP(sport=fence, dport=SERVICES["closed"], flags="S"))
        while (packet := self.arrived(PATIENCE_S)) is not None and not is_fence(packet):
            self.waiting.append(packet)
        assert packet is not None, "the stack does not even refuse a connection"
        if not self.waiting and (late := self.arrived(SETTLE_S)) is not None:
            self.waiting.append(late)
        return self.receive() if self.waiting else None

    def told(self, packet: Packet) -> str:
        """A segment in the words of a script."""
        tcp = packet[TCP]
        words = [flags_of(packet) or "0", f"seq={self.theirs.relative(tcp.seq)}"]
        if "A" in flags_of(packet):
            words.append(f"ack={self.ours.relative(tcp.ack)}")
        words += [f"len={len(payload_of(packet))}", f"win={tcp.window}"]
        options = options_of(packet)
        if "sack" in options:
            words.append(f"sack={[self.ours.relative(edge) for edge in options['sack']]}")
        return " ".join(words + [f"options={','.join(options) or 'none'}"])


def is_fence(packet: Packet) -> bool:
    return TCP in packet and packet[TCP].sport == SERVICES["closed"] \
        and packet[TCP].dport >= 60_000


def with_raw_options(packet: Packet, options: bytes) -> Packet:
    """The segment with these octets as its options, however little sense they make."""
    assert len(options) % 4 == 0, "options come in words"
    packet[TCP].dataofs = 5 + len(options) // 4
    return packet / options
