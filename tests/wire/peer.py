"""A scripted TCP peer: sends and expects single segments, over a raw socket in a namespace.

Its address belongs to no kernel, so that none answers for it; it answers ARP and neighbour
solicitations itself.
"""
import itertools
import select
import socket
import time
from collections.abc import Iterator

from network import SERVER, SERVER6, Namespace
from scapy.layers.inet import ICMP, IP, TCP  # noqa: F401  (ICMP: for those who import it here)
from scapy.layers.inet6 import (
    ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import NoPayload, Packet

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8  # of <linux/if_packet.h>; Python does not name them
TP_STATUS_VLAN_VALID = 0x10
FIRST_PORT = 20_000


def flags_of(packet: Packet) -> str:
    """The flags in the usual letters, without PSH: nothing hangs on it."""
    return str(packet[TCP].flags).replace("P", "")


def payload_of(packet: Packet) -> bytes:
    """The TCP text, without the Ethernet padding behind it."""
    tcp = packet[TCP]
    segment = packet[IPv6].plen if IPv6 in packet else packet[IP].len - 4 * packet[IP].ihl
    length = segment - 4 * tcp.dataofs
    return bytes(tcp.payload)[:length] if not isinstance(tcp.payload, NoPayload) else b""


def source_of(packet: Packet) -> str:
    return packet[IPv6].src if IPv6 in packet else packet[IP].src


class Peer:
    """A station on the wire, of the family of its address. `vlan` tags what it sends, and then only
    tagged frames are seen."""

    def __init__(self, namespace: Namespace, device: str, address: str = "198.18.0.77",
                 mac: str = "02:00:00:00:00:77", vlan: int | None = None) -> None:
        self.address, self.mac, self.vlan = address, mac, vlan
        self.is_six = ":" in address
        self.server = SERVER6 if self.is_six else SERVER
        self.ports = itertools.count(FIRST_PORT)
        self.server_mac: str | None = None
        with namespace.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((device, 0))
        if vlan is not None:  # the kernel takes the tag off and hands it over beside the frame
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def ip(self, src: str | None = None, dst: str | None = None) -> Packet:
        """An IP header, from this station to the server where nothing else is said."""
        family = IPv6 if self.is_six else IP
        return family(src=src or self.address, dst=dst or self.server)

    def send_frame(self, payload: Packet, to: str) -> None:
        ether = Ether(src=self.mac, dst=to)
        tagged = ether / Dot1Q(vlan=self.vlan) if self.vlan is not None else ether
        self.socket.send(bytes(tagged / payload))

    def send(self, packet: Packet) -> None:
        """Sends an IP packet to the server, whose MAC address it asks for the first time."""
        if self.server_mac is None:
            self.resolve()
        self.send_frame(packet, self.server_mac)

    def resolve(self, seconds: float = 2) -> None:
        """Asks for the server's MAC address."""
        request = ARP(op="who-has", hwsrc=self.mac, psrc=self.address, pdst=self.server)
        if self.is_six:
            request = self.ip() / ICMPv6ND_NS(tgt=self.server) / \
                ICMPv6NDOptSrcLLAddr(lladdr=self.mac)
        self.send_frame(request, "ff:ff:ff:ff:ff:ff")
        for frame in self.frames(seconds):
            if ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == self.server:
                self.server_mac = frame[ARP].hwsrc
                return
            if ICMPv6ND_NA in frame and frame[ICMPv6ND_NA].tgt == self.server:
                self.server_mac = frame.src
                return
        raise AssertionError("the server does not say where it is")

    def frames(self, seconds: float) -> Iterator[Packet]:
        """What arrives for this station. Answers who asks for its MAC address by the way."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return
            frame, ancillary, _, sender = self.socket.recvmsg(2048, 64)
            if sender[2] == socket.PACKET_OUTGOING or self.vlan != tag_of(ancillary):
                continue
            packet = Ether(frame)
            if ARP in packet and packet[ARP].op == 1 and packet[ARP].pdst == self.address:
                self.send_frame(ARP(op="is-at", hwsrc=self.mac, psrc=self.address,
                                    hwdst=packet[ARP].hwsrc, pdst=packet[ARP].psrc), packet.src)
            elif ICMPv6ND_NS in packet and packet[ICMPv6ND_NS].tgt == self.address:
                self.send_frame(self.ip(dst=packet[IPv6].src) /
                                ICMPv6ND_NA(tgt=self.address, R=0, S=1, O=1) /
                                ICMPv6NDOptDstLLAddr(lladdr=self.mac), packet.src)
            elif packet.dst == self.mac:
                yield packet

    def receive(self, kind: type[Packet], seconds: float = 2) -> Packet:
        """The next packet to us that has a layer of this kind."""
        for packet in self.frames(seconds):
            if kind in packet and IP in packet and packet[IP].dst == self.address:
                return packet
        raise AssertionError(f"no {kind.__name__} arrived within {seconds} s")

    def flow(self, port: int, **options) -> "Flow":
        return Flow(self, port, next(self.ports), **options)


def tag_of(ancillary: list) -> int | None:
    """The VLAN identifier in struct tpacket_auxdata: status at 0, vlan_tci at 16."""
    for _, _, data in ancillary:
        if int.from_bytes(data[:4], "little") & TP_STATUS_VLAN_VALID:
            return int.from_bytes(data[16:18], "little") & 0x0FFF
    return None


class Flow:
    """One TCP connection, played by hand. `seq` and `ack` are what the next segment will carry."""

    def __init__(self, peer: Peer, port: int, source_port: int, seq: int = 1_000_000,
                 server: str | None = None) -> None:
        self.peer, self.port, self.source_port = peer, port, source_port
        self.server = server or peer.server
        self.seq, self.ack = seq, 0

    def segment(self, flags: str, text: bytes = b"", seq: int | None = None, ack: int | None = None,
                options: list | None = None, window: int = 65_535) -> Packet:
        return self.peer.ip(dst=self.server) / TCP(
            sport=self.source_port, dport=self.port, flags=flags, window=window,
            seq=self.seq if seq is None else seq, options=options or [],
            ack=(self.ack if ack is None else ack) if "A" in flags else 0) / text

    def send(self, flags: str, text: bytes = b"", **fields) -> None:
        """Sends a segment; one without a `seq` of its own moves ours on."""
        self.peer.send(self.segment(flags, text, **fields))
        if "seq" not in fields:
            self.seq = (self.seq + len(text) + ("S" in flags) + ("F" in flags)) % 2**32

    def arrived(self, seconds: float) -> Iterator[Packet]:
        for packet in self.peer.frames(seconds):
            if TCP in packet and source_of(packet) == self.server \
                    and (packet[TCP].sport, packet[TCP].dport) == (self.port, self.source_port):
                yield packet

    def expect(self, flags: str, seconds: float = 2) -> Packet:
        """The next segment, which has to have these flags; PSH aside. Moves our `ack` over it."""
        for packet in self.arrived(seconds):
            tcp = packet[TCP]
            assert flags_of(packet) == flags, f"expected {flags}, got {packet.payload.summary()}"
            if tcp.seq == self.ack or "S" in flags:
                length = len(payload_of(packet)) + ("S" in flags) + ("F" in flags)
                self.ack = (tcp.seq + length) % 2**32
            return packet
        raise AssertionError(f"expected {flags}, but nothing came within {seconds} s")

    def read_until(self, flags: str, seconds: float = 2) -> bytes:
        """Takes text until a segment with these flags has come, and returns the text."""
        text = b""
        for packet in self.arrived(seconds):
            if packet[TCP].seq == self.ack:
                text += payload_of(packet)
                self.ack = (self.ack + len(payload_of(packet)) + ("F" in flags_of(packet))) % 2**32
            if flags_of(packet) == flags:
                return text
        raise AssertionError(f"no {flags} within {seconds} s; the text was {text!r}")

    def read(self, length: int) -> bytes:
        """Takes text until there are so many octets of it, in however many segments."""
        text = b""
        while len(text) < length:
            text += self.read_until("A")
        return text

    def silent(self, seconds: float) -> None:
        """Nothing may come."""
        for packet in self.arrived(seconds):
            raise AssertionError(f"expected silence, got {packet.payload.summary()}")

    def open(self, options: list | None = None) -> "Flow":
        self.send("S", options=options or [("MSS", 1460)])
        self.expect("SA")
        self.send("A")
        return self
