"""Flow control: the peer's window, the server's own, small segments, delayed ACKs."""
from script import BIG, GET_BIG, Peer, Scenario, scenario


@scenario(run="2s")
def shut_and_probed(s: Scenario):
    """The window is shut while text waits: it is probed with one octet, ever more rarely.

    RFC 9293 3.8.6.1 (MUST-35, MUST-36, SHLD-30).
    """
    p = Peer(s, window=0)
    p.opens()
    p.text(GET_BIG)


@scenario(run="500ms")
def shut_while_the_peer_sends(s: Scenario):
    """The peer's window is shut and has been probed, and the peer goes on sending: the ACKs of its
    text stay inside the window, at 1. At 2, behind the probe, it would not take them.

    RFC 9293 3.10.7.4, first: with a zero window only SEG.SEQ = RCV.NXT is acceptable.
    """
    p = Peer(s, port=7, window=0)
    p.opens()
    p.text("ping")
    s.wait(0.25)
    p.text("pong")
    p.text("pong")
    p.acks(1, window=1000)


@scenario("tcp.retries=3", run="1s")
def shut_for_long(s: Scenario):
    """A shut window is no reason to end the connection while the peer answers the probes, however
    often; three are allowed without an answer here, and six are sent.

    RFC 9293 3.8.6.1 (MUST-37).
    """
    p = Peer(s, window=0)
    p.opens()
    p.text(GET_BIG)
    for wait in (0.25, 0.4, 0.8, 1.6, 3.2, 6.4):
        s.wait(wait)
        p.acks(1)


@scenario(run="300ms")
def reopened(s: Scenario):
    """The window opens again: text goes out at once.

    RFC 9293 3.8.6.1.
    """
    p = Peer(s, window=0)
    p.opens()
    p.text(GET_BIG)
    s.wait(0.3)
    p.acks(2, window=3000)


@scenario(run="500ms")
def shrunk(s: Scenario):
    """The right edge moves to the left while text is in flight: nothing more is sent, and what is
    outstanding goes again only as a probe.

    RFC 9293 3.8.6 (MUST-34): a sender must be robust against it.
    """
    p = Peer(s)
    p.opens()
    p.text(GET_BIG)
    p.acks(2001, window=0)
    s.wait(0.3)
    p.acks(10001, window=4000)


@scenario(run="1500ms")
def silly(s: Scenario):
    """The window opens by 100 octets: too little to be worth a segment, until the override
    time-out.

    RFC 9293 3.8.6.2.1 (MUST-38).
    """
    p = Peer(s, window=2000)
    p.opens()
    p.text(GET_BIG)
    p.acks(2001, window=100)


@scenario()
def older_segment(s: Scenario):
    """An old segment arrives late, with an old window: it does not move the window back.

    RFC 9293 3.10.7.4, fifth: SND.WL1 and SND.WL2.
    """
    p = Peer(s, window=2000)
    p.opens()
    p.text(GET_BIG)
    p.acks(2001, window=3000)
    p.acks(1, window=500)
    p.acks(5001, window=3000)


@scenario("tcp.receive_window=4000", "connections.send_chunks=90", run="500ms")
def of_the_servers(s: Scenario):
    """The echo is not acknowledged, so its queue fills, text is no longer taken, and the server's
    window shuts: the peer's probes are answered with ACKs, and are no duplicate ACKs of their own
    (RFC 5681 2). It opens when the echo is acknowledged.

    RFC 9293 3.8.6.2.2: the right edge never moves to the left, and opens in steps worth a segment.
    """
    p = Peer(s, port=7)
    p.opens()
    for _ in range(27):
        p.text("x" * (1400 if p.seq < 36401 else 112), ack=1)
    for _ in range(4):
        p.text("?", seq=36513)
    p.acks(10001, seq=36513)


@scenario(run="300ms")
def nagle(s: Scenario):
    """While text is in flight small pieces wait, and go together when it is acknowledged.

    RFC 9293 3.7.4 (SHLD-7).
    """
    p = Peer(s, port=7)
    p.opens()
    for piece in ("a", "b", "c", "d"):
        p.text(piece, ack=1)
    p.acks(2)


@scenario("tcp.nagle=false")
def no_nagle(s: Scenario):
    """With Nagle's algorithm off each piece goes at once.

    RFC 9293 3.7.4 (MUST-17).
    """
    p = Peer(s, port=7)
    p.opens()
    for piece in ("a", "b", "c", "d"):
        p.text(piece, ack=1)


@scenario(run="300ms")
def delayed_ack(s: Scenario):
    """A lone segment is acknowledged after 40 ms, every second one at once.

    RFC 9293 3.8.6.3 (SHLD-18, SHLD-19, MUST-40).
    """
    p = Peer(s, port=9)
    p.opens()
    p.text("one")
    s.wait(0.1)
    p.text("two")
    p.text("three")


@scenario()
def one_ack_for_a_burst(s: Scenario):
    """Eight segments in one burst are acknowledged once, or at least every second one.

    RFC 9293 3.8.6.3 (SHLD-19); one ACK a burst is what a batching receiver gives.
    """
    p = Peer(s, port=9)
    p.opens()
    with s.burst():
        for _ in range(8):
            p.text("x" * 500)


@scenario()
def whole_answer(s: Scenario):
    """Slow start over a clean network, to the end of an answer: ten segments, then two for each
    acknowledged.

    RFC 6928 2, RFC 5681 3.1.
    """
    p = Peer(s)
    p.opens()
    p.text(GET_BIG)
    s.wait(0.01)
    for upto in (2001, 10001, 20001, 1 + BIG):
        p.acks(upto)
