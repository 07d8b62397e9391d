"""What the captures of the golden scenarios are made with: a peer that says, frame by frame, what a
script tells it to say.

The peer models nothing. Numbers in a script are relative, as in the texts: 0 is the SYN, 1 the
first octet of text, in either direction. What the server's own numbers are follows from its fixed
secret and the simulated clock, by the function of RFC 6528.
"""
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from struct import pack, unpack

from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

__all__ = ["ARP", "ICMP", "IP", "TCP", "UDP", "Dot1Q", "Ether", "Raw", "fragment", "scenario",
           "Scenario", "Peer", "PEER", "SERVER", "PEER_MAC", "SERVER_MAC", "GET", "GET_BIG",
           "ANSWER", "BIG"]

SERVER, PEER = "198.18.0.1", "198.18.1.1"
SERVER_MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
GET = "GET / HTTP/1.1\r\nHost: mayfly\r\n\r\n"
GET_BIG = "GET /big HTTP/1.0\r\n\r\n"
ANSWER = 129  # octets of the answer to GET, where the connection ends with it
BIG = 20_000 + 117  # and of the answer to GET_BIG

# As in replay.cc.
START_US = 1_000_000
SECRET = (0x0123456789abcdef, 0xfedcba9876543210)


def times_x(b: int) -> int:
    """FIPS 197 4.2.1."""
    return b << 1 ^ (0x11b if b & 0x80 else 0)


def make_s_box() -> list[int]:
    """FIPS 197 5.1.1: the inverse in GF(2^8) by its logarithm to base 3, then an affine map."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ times_x(powers[-1]))
    inverse = {0: 0} | {p: powers[-i % 255] for i, p in enumerate(powers)}

    def affine(b: int) -> int:
        return 0x63 ^ b ^ (b * 0x101 >> 7 ^ b * 0x101 >> 6 ^ b * 0x101 >> 5 ^ b * 0x101 >> 4) & 0xff

    return [affine(inverse[b]) for b in range(256)]


S_BOX = make_s_box()


def aes128(block: bytes, key: bytes) -> bytes:
    """The block, encrypted (FIPS 197 5.1)."""
    words = [list(key[at:at + 4]) for at in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        last = words[-1]
        if i % 4 == 0:
            last = [S_BOX[b] for b in last[1:] + last[:1]]
            last[0] ^= constant
            constant = times_x(constant)
        words.append([a ^ b for a, b in zip(words[-4], last)])
    keys = [sum(words[at:at + 4], []) for at in range(0, 44, 4)]
    state = [a ^ b for a, b in zip(block, keys[0])]
    for turn in range(1, 11):
        state = [S_BOX[state[(at + 4 * (at % 4)) % 16]] for at in range(16)]  # SubBytes, ShiftRows
        if turn < 10:  # MixColumns
            columns = [state[at:at + 4] for at in range(0, 16, 4)]
            state = [times_x(c[i] ^ c[i - 3]) ^ c[i] ^ c[0] ^ c[1] ^ c[2] ^ c[3]
                     for c in columns for i in range(4)]
        state = [a ^ b for a, b in zip(state, keys[turn])]
    return bytes(state)


def keyed_words(four_tuple: bytes) -> tuple[int, ...]:
    """The words that flow/flow_secret.h makes of a four-tuple."""
    key = pack("<QQ", SECRET[0] ^ 0x666c6f7720686173, SECRET[1])
    return unpack("<4I", aes128(four_tuple, key))


def address(ip: str) -> bytes:
    return IPv4Address(ip).packed


def initial_sequence(port: int, peer: str, peer_port: int, at_us: int) -> int:
    """RFC 6528 3: the server's ISN for a connection that is opened at this time."""
    key = address(SERVER) + address(peer) + pack("!HHI", port, peer_port, 0)
    return (at_us // 4 + keyed_words(key)[1]) & 0xffffffff


def server_stamp(peer: str, at_us: int) -> int:
    """RFC 7323 5.4: the server's TSval, with the host pair's own offset."""
    offset = keyed_words(address(SERVER) + address(peer) + bytes(8))[2]
    return (at_us // 1000 + offset) & 0xffffffff


@dataclass
class Scenario:
    """What arrives, and when. Times are in microseconds."""
    name: str
    header: str
    arrivals: list[tuple[int, bytes]] = field(default_factory=list)
    now: int = START_US
    gap: int = 1000  # from one frame to the next

    def wait(self, seconds: float) -> None:
        """So much later than it would be, comes the next frame."""
        self.now += round(seconds * 1e6)

    def frame(self, packet: Packet) -> None:
        """A frame arrives."""
        self.arrivals.append((self.now, bytes(packet)))
        self.now += self.gap

    def datagram(self, payload: Packet, src: str = PEER, dst: str = SERVER, **ip) -> None:
        """An IPv4 datagram arrives from the peer's MAC address."""
        self.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) / IP(src=src, dst=dst, **ip) / payload)

    @contextmanager
    def burst(self) -> Iterator[None]:
        """What is sent within arrives at once."""
        self.gap = 0
        yield
        self.gap = 1000
        self.now += self.gap

    def asks_arp(self) -> None:
        """The peer asks for the server's MAC address, whereby it tells its own."""
        self.frame(Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff") /
                   ARP(op="who-has", hwsrc=PEER_MAC, psrc=PEER, pdst=SERVER))


@dataclass
class Peer:
    """One connection of the peer's, in relative numbers.

    What is not said goes on from before: `seq` is after the last octet sent, `ack` the last one
    said.
    """
    script: Scenario
    port: int = 80
    sport: int = 40000
    iss: int = 100_000
    window: int = 65535
    mss: int | None = 1460
    wscale: int | None = None
    sack: bool = False
    stamps: bool = False  # a clock of 1 ms, which is at 5000 when the script begins
    irs: int | None = None  # the server's ISN
    seq: int = 0
    acked: int = 1
    heard_at: int = START_US

    def stamp_now(self) -> int:
        return 5000 + (self.script.now - START_US) // 1000

    def options(self, flags: str, stamp: int | None, sacks: list) -> list:
        options = []
        if "S" in flags:
            options += [("MSS", self.mss)] if self.mss is not None else []
            options += [("SAckOK", b"")] if self.sack else []
        if self.stamps or stamp is not None:
            echo = server_stamp(PEER, self.heard_at) if "A" in flags else 0
            options += [("NOP", None), ("NOP", None),
                        ("Timestamp", (self.stamp_now() if stamp is None else stamp, echo))]
        if "S" in flags and self.wscale is not None:
            options += [("NOP", None), ("WScale", self.wscale)]
        if sacks:
            edges = [(self.irs + edge) & 0xffffffff for block in sacks for edge in block]
            options += [("NOP", None), ("NOP", None), ("SAck", tuple(edges))]
        return options

    def segment(self, flags: str, text: str = "", *, seq: int | None = None,
                ack: int | None = None, window: int | None = None, stamp: int | None = None,
                sacks: list = (), **fields) -> Packet:
        """The segment, not sent. `fields` are of scapy's TCP header, such as chksum."""
        at = self.seq if seq is None else seq
        self.acked = self.acked if ack is None else ack
        if length := len(text) + flags.count("S") + flags.count("F"):
            self.seq = max(self.seq, at + length)
        header = {"options": self.options(flags, stamp, sacks)} | fields
        return TCP(sport=self.sport, dport=self.port, flags=flags, seq=(self.iss + at) & 0xffffffff,
                   ack=(self.irs + self.acked) & 0xffffffff if "A" in flags else 0,
                   window=self.window if window is None else window, **header) / Raw(text)

    def sends(self, flags: str, text: str = "", **said) -> None:
        """A segment; what can be said of it is as for segment()."""
        if self.irs is None:
            self.irs = initial_sequence(self.port, PEER, self.sport, self.script.now)
        segment = self.segment(flags, text, **said)
        self.heard_at = self.script.now
        self.script.datagram(segment)

    def syn(self, text: str = "", **said) -> None:
        self.sends("S", text, seq=0, **said)

    def acks(self, upto: int, **said) -> None:
        self.sends("A", ack=upto, **said)

    def text(self, text: str, **said) -> None:
        self.sends("PA", text, **said)

    def fin(self, text: str = "", **said) -> None:
        self.sends("FA", text, **said)

    def rst(self, **said) -> None:
        self.sends("R", **said)

    def opens(self) -> None:
        """The handshake."""
        self.syn()
        self.acks(1)

    def opened(self) -> "Peer":
        """The server opens now."""
        self.irs = initial_sequence(self.port, PEER, self.sport, self.script.now)
        self.script.now += self.script.gap
        return self

    def quoted(self, seq: int) -> bytes:
        """As an ICMP error quotes a segment of the server's: its IPv4 header and 8 octets."""
        header = IP(src=SERVER, dst=PEER, proto=6, len=1040, ttl=60)
        return bytes(header) + pack("!HHI", self.port, self.sport, (self.irs + seq) & 0xffffffff)

    def again(self, **changed) -> "Peer":
        """The same four-tuple's next incarnation; its numbers are still those of the old one."""
        fresh = {"iss": self.iss + self.seq + 1000, "mss": self.mss, "wscale": self.wscale,
                 "sack": self.sack, "stamps": self.stamps} | changed
        return Peer(self.script, self.port, self.sport, **fresh)


@dataclass
class Recipe:
    """A scenario before it has been made."""
    name: str
    write: Callable
    directives: list[str]
    arp: bool

    def make(self) -> Scenario:
        lines = inspect.cleandoc(self.write.__doc__).splitlines() + self.directives
        made = Scenario(self.name, "".join(f"# {line}".rstrip() + "\n" for line in lines))
        if self.arp:
            made.asks_arp()
        self.write(made)
        return made


def scenario(*sets: str, run: str = "100ms", opens: str | None = None,
             arp: bool = True) -> Callable:
    """Marks a function of scenarios/ as a scenario's script.

    `sets`: what differs from serve.yaml, as for mayfly's --set. `run`: how long the clock goes on
    after the last frame. `opens`: an active open, "OUR-PORT THEIR-PORT AFTER". `arp`: the peer is
    known to the server from the start, since it asks for its address.
    """
    directives = [f"--set {each}" for each in sets] + [f"--run {run}"]
    directives += [f"--open {opens}"] if opens else []

    def mark(write: Callable) -> Recipe:
        theme = write.__module__.rsplit(".", 1)[-1]
        return Recipe(f"{theme}/{write.__name__}", write, directives, arp)

    return mark
