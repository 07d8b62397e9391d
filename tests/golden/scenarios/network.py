"""Below TCP: ARP, VLAN, IPv4, fragments, ICMP, and frames that are not right."""
from scapy.layers.inet import IPOption_LSRR, IPOption_NOP, IPOption_RR
from script import (ARP, GET_BIG, ICMP, IP, PEER, PEER_MAC, SERVER, SERVER_MAC, TCP, UDP,
                    Dot1Q, Ether, Peer, Raw, Scenario, fragment, scenario)


def asks(s: Scenario) -> Peer:
    p = Peer(s)
    p.opens()
    p.text(GET_BIG)
    return p


@scenario(run="300ms")
def fragmentation_needed(s: Scenario):
    """A router cannot pass what is in flight: from now on segments fit its MTU of 576, and what was
    too big goes again at once.

    RFC 1191 4 and 6.4.
    """
    p = asks(s)
    s.datagram(ICMP(type=3, code=4, nexthopmtu=576) / Raw(p.quoted(1)), src="198.18.0.254")
    p.acks(537)


@scenario()
def fragmentation_needed_by_an_old_router(s: Scenario):
    """A router that does not say its MTU: the next plateau below.

    RFC 1191 5 and 7.1.
    """
    p = asks(s)
    s.datagram(ICMP(type=3, code=4, nexthopmtu=0) / Raw(p.quoted(1)), src="198.18.0.254")


@scenario()
def fragmentation_needed_of_nothing_sent(s: Scenario):
    """A blind attacker's error quotes a segment that is not in flight, or a connection that is not.

    RFC 5927 4.1 and 7.2.
    """
    p = asks(s)
    s.datagram(ICMP(type=3, code=4, nexthopmtu=296) / Raw(p.quoted(60_000)), src="198.18.0.254")
    other = Peer(s, sport=40009, irs=0)
    s.datagram(ICMP(type=3, code=4, nexthopmtu=296) / Raw(other.quoted(1)), src="198.18.0.254")


@scenario()
def unreachable_while_open(s: Scenario):
    """Neither hard nor soft errors end an established connection.

    RFC 1122 4.2.3.9, RFC 5927 5.2 and 6; RFC 9293 3.9.2.2 (MUST-56).
    """
    p = Peer(s, port=7)
    p.opens()
    p.text("ping")
    for code in (0, 1, 2, 3, 5):
        s.datagram(ICMP(type=3, code=code) / Raw(p.quoted(1)), src="198.18.0.254")
    s.datagram(ICMP(type=11, code=0) / Raw(p.quoted(1)), src="198.18.0.254")
    s.datagram(ICMP(type=12, code=0) / Raw(p.quoted(1)), src="198.18.0.254")
    p.text("pong", ack=5)


@scenario()
def unreachable_in_the_handshake(s: Scenario):
    """A hard error about the SYN-ACK ends the handshake; a soft one does not.

    RFC 1122 4.2.3.9, RFC 5927 5.2.
    """
    p = Peer(s, port=7)
    p.syn()
    s.datagram(ICMP(type=3, code=1) / Raw(p.quoted(0)), src="198.18.0.254")
    s.datagram(ICMP(type=3, code=3) / Raw(p.quoted(0)), src="198.18.0.254")
    p.acks(1)


@scenario()
def source_quench(s: Scenario):
    """Source quench and redirects change nothing.

    RFC 6633 3; RFC 1122 3.2.2.2 for hosts with one way out.
    """
    p = asks(s)
    s.datagram(ICMP(type=4, code=0) / Raw(p.quoted(1)), src="198.18.0.254")
    s.datagram(ICMP(type=5, code=1, gw="198.18.0.253") / Raw(p.quoted(1)), src="198.18.0.254")


@scenario()
def echo_request(s: Scenario):
    """An echo request comes back with its identifier, number and data; one to all does not.

    RFC 1122 3.2.2.6.
    """
    s.datagram(ICMP(type=8, id=7, seq=1) / Raw("are you there?"))
    s.frame(Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src=PEER, dst="198.19.255.255") /
            ICMP(type=8, id=7, seq=2))


@scenario()
def udp(s: Scenario):
    """UDP to a port of ours: ICMP port unreachable, with the header that asked for it.

    RFC 1122 3.2.2.1 and 4.1.3.1.
    """
    s.datagram(UDP(sport=5353, dport=53) / Raw("who are you?"))


@scenario()
def other_protocol(s: Scenario):
    """A transport that this host has not: ICMP protocol unreachable.

    RFC 1122 3.2.2.1.
    """
    s.datagram(Raw("SCTP, perhaps"), proto=132)


@scenario()
def udp_flood(s: Scenario):
    """Sixty datagrams at once: the answers stop when the limit is reached.

    RFC 1812 4.3.2.8, RFC 1122 3.2.2.
    """
    with s.burst():
        for _ in range(60):
            s.datagram(UDP(sport=5353, dport=53))


def in_pieces(p: Peer, text: str, size: int = 16) -> list:
    """A segment, cut into IPv4 fragments."""
    segment = IP(src=PEER, dst=SERVER, id=77) / p.segment("PA", text)
    return fragment(segment, fragsize=size)


def arrive(s: Scenario, pieces: list) -> None:
    for piece in pieces:
        s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) / piece)


@scenario()
def fragments(s: Scenario):
    """A segment in fragments is put together.

    RFC 791 3.2, RFC 1122 3.3.2.
    """
    p = Peer(s, port=7)
    p.opens()
    arrive(s, in_pieces(p, "in three pieces"))


@scenario()
def fragments_reversed(s: Scenario):
    """The fragments arrive in reverse order, and one of them twice.

    RFC 791 3.2.
    """
    p = Peer(s, port=7)
    p.opens()
    pieces = in_pieces(p, "in three pieces")
    arrive(s, [pieces[-1], *reversed(pieces)])


@scenario()
def fragments_overlapping(s: Scenario):
    """Fragments that overlap with other contents are an attack: the datagram is given up, whole.

    RFC 5722 4 for IPv6, RFC 1858 3 for IPv4.
    """
    p = Peer(s, port=7)
    p.opens()
    pieces = in_pieces(p, "in three pieces")
    forged = pieces[1].copy()
    forged[Raw].load = b"X" * len(forged[Raw].load)
    arrive(s, [pieces[0], pieces[1], forged, pieces[2]])


@scenario()
def fragments_incomplete(s: Scenario):
    """A fragment is missing: nothing is answered, and the connection goes on.

    RFC 1122 3.3.2.
    """
    p = Peer(s, port=7)
    p.opens()
    arrive(s, in_pieces(p, "in three pieces")[:-1])
    p.text("whole", seq=1)


@scenario()
def wrong_checksums(s: Scenario):
    """A wrong checksum of TCP, of IPv4 or of ICMP: dropped in silence.

    RFC 9293 3.1 (MUST-3), RFC 1122 3.2.1.2, RFC 792.
    """
    p = Peer(s, port=7)
    p.opens()
    p.text("ping", chksum=1)
    s.datagram(p.segment("PA", "ping", seq=1), chksum=1)
    s.datagram(ICMP(type=8, chksum=1))
    p.text("ping", seq=1)


@scenario()
def malformed_options(s: Scenario):
    """Option lengths of 0, of 1, and beyond the header are errors; unknown options are skipped.

    RFC 9293 3.1 (MUST-6, MUST-7).
    """
    for options in (b"\x02\x00\x05\xb4", b"\x02\x01\x05\xb4", b"\x01\x01\x02\x04",
                    b"\xfd\x04\x01\x02\x02\x04\x05\xb4"):
        words = 5 + len(options) // 4
        s.datagram(TCP(sport=40000, dport=7, seq=100_000, flags="S", dataofs=words) / Raw(options))


@scenario()
def odd_headers(s: Scenario):
    """Data offsets that are too small or too large, ports of 0, and flags that exclude each other.

    RFC 9293 3.1; RFC 6335 6 reserves port 0.
    """
    s.datagram(TCP(sport=40000, dport=7, flags="S", dataofs=4))
    s.datagram(TCP(sport=40000, dport=7, flags="S", dataofs=15))
    s.datagram(TCP(sport=0, dport=7, flags="S"))
    for flags in ("", "F", "SF", "SR", "FSRPAU"):
        s.datagram(TCP(sport=40000, dport=7, flags=flags))


@scenario()
def odd_datagrams(s: Scenario):
    """Another IP version, a header shorter than its least, and lengths beyond the frame.

    RFC 1122 3.2.1.1, RFC 791 3.1.
    """
    syn = TCP(sport=40000, dport=7, flags="S")
    s.datagram(syn, version=5)
    s.datagram(syn, ihl=4)
    s.datagram(syn, ihl=15)
    s.datagram(syn, len=15)
    s.datagram(syn, len=1500)
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) / Raw(bytes(IP(src=PEER, dst=SERVER))[:10]))


@scenario()
def odd_addresses(s: Scenario):
    """Sources that cannot be: broadcast, multicast, loopback, our own; and destinations that are
    not ours alone.

    RFC 1122 3.2.1.3, RFC 9293 3.9.2.3 (MUST-57, MUST-63).
    """
    syn = TCP(sport=40000, dport=7, flags="S")
    for source in ("255.255.255.255", "198.19.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0",
                   SERVER):
        s.datagram(syn, src=source)
    for destination in ("198.19.255.255", "224.0.0.1", "198.18.0.2"):
        s.datagram(syn, dst=destination)
    s.frame(Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src=PEER, dst=SERVER) / syn)


@scenario()
def source_route(s: Scenario):
    """A source route is not followed; a record route and no-operations are skipped.

    RFC 1122 3.2.1.8, RFC 7126 4.3.
    """
    for options in ([IPOption_LSRR(routers=[PEER])], [IPOption_NOP(), IPOption_RR(routers=[PEER])]):
        s.datagram(TCP(sport=40000, dport=7, seq=100_000, flags="S"), options=options)


@scenario(arp=False)
def arp(s: Scenario):
    """A request is answered, and so is a probe, which has no address to learn; one for another
    host and malformed ones are not.

    RFC 826; RFC 5227 2.1.1.
    """
    s.asks_arp()
    to_all = Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff")
    s.frame(to_all / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER, pdst="198.18.0.2"))
    s.frame(to_all / ARP(op=1, hwsrc=PEER_MAC, psrc="0.0.0.0", pdst=SERVER))
    s.frame(to_all / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER, pdst=PEER))
    s.frame(to_all / ARP(op=9, hwsrc=PEER_MAC, psrc=PEER, pdst=SERVER))
    s.frame(to_all / ARP(op=1, hwlen=8, hwsrc=PEER_MAC, psrc=PEER, pdst=SERVER))


@scenario(arp=False)
def arp_before_the_answer(s: Scenario):
    """The server does not know the peer's MAC address: it asks, and the SYN-ACK waits for it.

    RFC 1122 2.3.2.2.
    """
    p = Peer(s, port=7)
    p.syn()
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) /
            ARP(op="is-at", hwsrc=PEER_MAC, psrc=PEER, hwdst=SERVER_MAC, pdst=SERVER))
    p.acks(1)


@scenario("tcp.syn_ack_retries=1", arp=False, run="8s")
def arp_unanswered(s: Scenario):
    """Nobody answers for the peer: four requests, a second apart, then what waited is dropped.

    RFC 1122 2.3.2.1: at most one request a second for one host.
    """
    Peer(s, port=7).syn()


@scenario("ports.0.vlan=12", arp=False)
def vlan(s: Scenario):
    """The port is on VLAN 12: frames with its tag are answered with it, others are dropped.

    IEEE 802.1Q 9.6.
    """
    p = Peer(s, port=7)
    tag = Ether(src=PEER_MAC, dst=SERVER_MAC) / Dot1Q(vlan=12)
    s.asks_arp()
    s.frame(tag / ARP(op="who-has", hwsrc=PEER_MAC, psrc=PEER, pdst=SERVER))
    p.syn()
    s.frame(tag / IP(src=PEER, dst=SERVER) / p.segment("S", seq=0))
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) / Dot1Q(vlan=13) / IP(src=PEER, dst=SERVER) /
            p.segment("S", seq=0))


@scenario()
def priority_tag(s: Scenario):
    """A tag of VLAN 0 is a priority only: the frame counts as untagged.

    IEEE 802.1Q 9.6.
    """
    p = Peer(s, port=7)
    p.irs = 0
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) / Dot1Q(vlan=0, prio=5) / IP(src=PEER, dst=SERVER) /
            p.segment("S", seq=0))


@scenario()
def other_frames(s: Scenario):
    """Frames to another station, of another EtherType, and cut short.

    RFC 894, RFC 1122 2.3.3: what is not understood is ignored.
    """
    p = Peer(s, port=7)
    p.irs = 0
    s.frame(Ether(src=PEER_MAC, dst="02:00:00:00:00:09") / IP(src=PEER, dst=SERVER) /
            p.segment("S", seq=0))
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC, type=0x88cc) / Raw(b"\x60" + bytes(39)))
    s.frame(Raw(bytes(10)))


@scenario("ports.0.gateway=198.18.0.254")
def by_the_gateway(s: Scenario):
    """A peer beyond the link: the answer goes to the gateway, for whose MAC address the server
    asks.

    RFC 1122 3.3.1.1.
    """
    s.datagram(ICMP(type=8, id=7, seq=1) / Raw("from afar"), src="192.0.2.1")
    s.frame(Ether(src=PEER_MAC, dst=SERVER_MAC) /
            ARP(op="is-at", hwsrc=PEER_MAC, psrc="198.18.0.254", hwdst=SERVER_MAC, pdst=SERVER))


@scenario()
def no_route(s: Scenario):
    """A peer beyond the link, and no gateway: there is no way to answer.

    RFC 1122 3.3.1.2.
    """
    s.datagram(ICMP(type=8, id=7, seq=1) / Raw("from afar"), src="192.0.2.1")
