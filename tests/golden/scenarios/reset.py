"""RST and SYN where they do not belong: closed ports, blind attacks, challenges."""
from script import Peer, Scenario, scenario


def established(s: Scenario) -> Peer:
    p = Peer(s, port=7)
    p.opens()
    p.text("ping")
    p.acks(5)
    return p


@scenario()
def at_the_edge(s: Scenario):
    """An RST with exactly RCV.NXT ends the connection.

    RFC 9293 3.10.7.4, second; RFC 5961 3.2 (2).
    """
    established(s).rst()


@scenario()
def inside_the_window(s: Scenario):
    """An RST inside the window, not at its edge, is challenged; the peer, if it is who it says,
    answers with the right number.

    RFC 5961 3.2 (3).
    """
    p = established(s)
    p.rst(seq=p.seq + 100)
    p.rst(seq=p.seq)


@scenario()
def outside_the_window(s: Scenario):
    """An RST before or behind the window is dropped, and the connection goes on.

    RFC 5961 3.2 (1).
    """
    p = established(s)
    p.rst(seq=p.seq - 1)
    p.rst(seq=p.seq + 70_000)
    p.text("pong", seq=5)


@scenario()
def syn_in_established(s: Scenario):
    """A SYN on an open connection is challenged. The peer had crashed and begun anew: it answers
    the challenge with an RST of the right number, and then its SYN opens.

    RFC 5961 4.2, RFC 9293 3.5.1.
    """
    p = established(s)
    fresh = p.again()
    fresh.syn()
    p.rst()
    fresh.irs = None
    fresh.syn()
    fresh.acks(1)


@scenario(run="6s")
def challenges_are_limited(s: Scenario):
    """Twelve challenges are called for at once and ten are given; later there are more again.

    RFC 5961 7.
    """
    p = established(s)
    for _ in range(12):
        p.rst(seq=p.seq + 100)
    s.wait(5)
    p.rst(seq=p.seq + 100)


@scenario()
def ack_of_nothing_sent(s: Scenario):
    """An ACK of what was never sent is answered with an ACK, and its text is not taken.

    RFC 9293 3.10.7.4, fifth; RFC 5961 5.2.
    """
    p = established(s)
    p.text("blind", ack=5000)


@scenario()
def ack_from_long_ago(s: Scenario):
    """An ACK from before the largest window ever offered is a guess, and its text with it.

    RFC 5961 5.2.
    """
    p = established(s)
    p.text("blind", ack=-70_000)


@scenario()
def no_ack_bit(s: Scenario):
    """Text without an ACK is dropped.

    RFC 9293 3.10.7.4, fifth.
    """
    p = established(s)
    p.sends("P", "text")


@scenario()
def closed_port_without_ack(s: Scenario):
    """A SYN for a port where nobody listens: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.

    RFC 9293 3.10.7.1.
    """
    p = Peer(s, port=81)
    p.syn()
    p.syn("text")


@scenario()
def closed_port_with_ack(s: Scenario):
    """A segment with an ACK for no connection: <SEQ=SEG.ACK><CTL=RST>.

    RFC 9293 3.10.7.1.
    """
    Peer(s, port=81).text("text", seq=1, ack=1)


@scenario()
def listening_port_with_ack(s: Scenario):
    """An ACK in LISTEN belongs to nobody's connection, and is answered alike.

    RFC 9293 3.10.7.2, second.
    """
    Peer(s, port=80).text("text", seq=1, ack=1)


@scenario()
def of_nothing(s: Scenario):
    """An RST without a connection is never answered, whether somebody listens or not.

    RFC 9293 3.10.7.1 and 3.10.7.2.
    """
    Peer(s, port=81).rst(seq=1)
    Peer(s, port=80).rst(seq=1)
    Peer(s, port=80).sends("RA", seq=1)
