"""Opening: options, repeated and odd SYNs, in both directions."""
from script import GET, GET_BIG, ICMP, Peer, Raw, Scenario, scenario


@scenario()
def plain(s: Scenario):
    """A connection opens with no option but MSS, and an echo comes back.

    RFC 9293 3.5, figure 6.
    """
    p = Peer(s, port=7)
    p.opens()
    p.text("ping")


@scenario()
def all_options(s: Scenario):
    """MSS, SACK, timestamps and window scale are offered, and each is agreed to.

    RFC 9293 3.7.1, RFC 2018 2, RFC 7323 2.2 and 3.2.
    """
    p = Peer(s, port=7, sack=True, stamps=True, wscale=7, window=500)
    p.opens()
    p.text("ping")


@scenario("tcp.receive_window=128k")
def scaled_window_of_the_servers(s: Scenario):
    """A receive window above 64k is scaled on every segment but those with a SYN.

    RFC 7323 2.2.
    """
    p = Peer(s, port=7, wscale=0)
    p.opens()
    p.text("ping")


@scenario("tcp.timestamps=false", "tcp.sack=false", "tcp.window_scale=false")
def options_declined(s: Scenario):
    """The peer offers all options to a server that has them off: the SYN-ACK names none of them.

    RFC 7323 1.3 and 3.2, RFC 2018 2.
    """
    p = Peer(s, port=7, sack=True, stamps=True, wscale=7)
    p.syn()
    p.stamps = False
    p.acks(1)
    p.text("ping")


@scenario()
def mss_absent(s: Scenario):
    """A SYN without MSS: segments of the answer carry 536 octets.

    RFC 9293 3.7.1 (MUST-15).
    """
    p = Peer(s, mss=None)
    p.opens()
    p.text(GET_BIG)


@scenario()
def mss_tiny(s: Scenario):
    """An MSS of 1 would make the server send ten thousand frames: it is taken for the least one.

    RFC 9293 3.7.1; RFC 791 3.2 lets every network carry 68 octets, of which 88 - 40 leave room.
    """
    p = Peer(s, mss=1, window=500)
    p.opens()
    p.text(GET)


@scenario()
def wscale_15(s: Scenario):
    """A shift of 15 counts as 14: a window of 1 lets ten segments of 1000 octets go at once.

    RFC 7323 2.3.
    """
    p = Peer(s, wscale=15)
    p.opens()
    p.text(GET_BIG, window=1)


@scenario()
def text_on_the_syn(s: Scenario):
    """Text on a SYN is not acknowledged and not lost: the peer sends it again.

    RFC 9293 3.10.7.2: it may be queued for later; RFC 7413 is not offered.
    """
    p = Peer(s, port=7)
    p.syn("ping")
    p.acks(1, seq=1)
    p.text("ping", seq=1)


@scenario()
def text_with_the_third_ack(s: Scenario):
    """The ACK of the handshake is lost; the text that follows completes it.

    RFC 9293 3.10.7.4, fifth: any segment that acknowledges the SYN will do.
    """
    p = Peer(s, port=7)
    p.syn()
    p.text("ping")


@scenario()
def syn_repeated(s: Scenario):
    """The SYN-ACK is lost: the peer's SYN comes again and is answered again, with the same numbers.

    RFC 9293 3.10.7.4, first; 3.8.1.
    """
    p = Peer(s, port=7)
    p.syn()
    s.wait(0.5)
    p.syn()
    p.acks(1)
    p.text("ping")


@scenario("tcp.syn_ack_retries=3", run="20s")
def syn_ack_unanswered(s: Scenario):
    """Nobody answers the SYN-ACK: it goes again after 1, 2 and 4 s, then the server gives up.

    RFC 6298 2.1 and 5.5, RFC 9293 3.8.3.
    """
    Peer(s, port=7).syn()


@scenario()
def wrong_ack_in_syn_received(s: Scenario):
    """An ACK of what was never sent, in SYN_RECEIVED: RST with its number; the handshake goes on.

    RFC 9293 3.10.7.4, fifth.
    """
    p = Peer(s, port=7)
    p.syn()
    p.acks(500)
    p.acks(1)
    p.text("ping")


@scenario()
def reset_in_syn_received(s: Scenario):
    """RST in SYN_RECEIVED: back to LISTEN, silently, and the next SYN opens.

    RFC 9293 3.10.7.4, second.
    """
    p = Peer(s, port=7)
    p.syn()
    p.rst()
    p.again().opens()


@scenario()
def other_syn_in_syn_received(s: Scenario):
    """A SYN inside the window of SYN_RECEIVED: the peer has begun anew, back to LISTEN.

    RFC 9293 3.10.7.4, fourth.
    """
    p = Peer(s, port=7)
    p.syn()
    fresh = p.again()
    fresh.syn()
    fresh.irs = None
    fresh.syn()
    fresh.acks(1)


@scenario(opens="7 40000 10ms", run="300ms")
def active(s: Scenario):
    """The server's side opens; the peer agrees to what it offers.

    RFC 9293 3.10.7.3.
    """
    s.wait(0.009)
    p = Peer(s, port=7, sack=True, stamps=True, wscale=7).opened()
    s.wait(0.001)
    p.sends("SA", seq=0)
    p.text("ping")


@scenario(opens="7 40000 10ms", run="300ms")
def simultaneous(s: Scenario):
    """The SYNs cross: each side answers the other's with a SYN-ACK, and both are ESTABLISHED.

    RFC 9293 3.5, figure 7 (MUST-10).
    """
    s.wait(0.009)
    p = Peer(s, port=7).opened()
    p.syn()
    p.sends("SA", seq=0)
    p.text("ping")


@scenario(opens="7 40000 10ms", run="300ms")
def active_refused(s: Scenario):
    """RST with the right ACK ends SYN_SENT; one without an ACK, or with a wrong one, does not.

    RFC 9293 3.10.7.3, second; RFC 5961 3.2.
    """
    s.wait(0.009)
    p = Peer(s, port=7).opened()
    p.rst(seq=0)
    p.sends("RA", seq=0, ack=77)
    p.sends("RA", seq=0, ack=1)


@scenario(opens="7 40000 10ms", run="300ms")
def half_open_peer(s: Scenario):
    """The peer remembers an old connection and answers the SYN with an ACK: RST clears it.

    RFC 9293 3.5.1, figure 9.
    """
    s.wait(0.009)
    p = Peer(s, port=7).opened()
    p.acks(5000, seq=300)
    p.sends("SA", seq=0, ack=1)


@scenario(opens="7 40000 10ms", run="300ms")
def active_unreachable(s: Scenario):
    """ICMP port unreachable about the SYN ends an active open.

    RFC 1122 4.2.3.9, RFC 5927 5.2.
    """
    s.wait(0.009)
    p = Peer(s, port=7).opened()
    s.datagram(ICMP(type=3, code=3) / Raw(p.quoted(0)))
