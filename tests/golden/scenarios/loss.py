"""What is lost in the network: time-outs, fast retransmit, SACK; and the silence of a peer."""
from script import BIG, GET_BIG, Peer, Scenario, scenario


def asks(s: Scenario, **offers) -> Peer:
    """A connection on which an answer of twenty segments of 1000 octets is under way."""
    p = Peer(s, **offers)
    p.opens()
    p.text(GET_BIG)
    s.wait(0.01)
    return p


@scenario("tcp.retries=4", run="10s")
def time_outs(s: Scenario):
    """Nothing is acknowledged: the first segment goes again after 0.2, 0.4, 0.8 and 1.6 s, then the
    server gives up.

    RFC 6298 5.4 to 5.6; RFC 9293 3.8.3 (MUST-20).
    """
    p = Peer(s, port=7)
    p.opens()
    p.text("ping")


@scenario(run="300ms")
def time_out_then_go_back(s: Scenario):
    """All ten segments of the first window are lost: after the time-out one goes, then slow start.

    RFC 6298 5, RFC 5681 3.1.
    """
    p = asks(s)
    s.wait(0.25)
    p.acks(1001)
    p.acks(2001)
    p.acks(5001)


@scenario()
def fast_retransmit(s: Scenario):
    """The first segment is lost; the third duplicate ACK brings it again without a time-out.

    RFC 5681 3.2.
    """
    p = asks(s)
    for _ in range(3):
        p.acks(1)
    p.acks(12001)


@scenario()
def limited_transmit(s: Scenario):
    """The first two duplicate ACKs let a new segment go each.

    RFC 3042.
    """
    p = asks(s)
    p.acks(1)
    p.acks(1)


@scenario()
def partial_ack(s: Scenario):
    """Two segments are lost and there is no SACK: the partial ACK brings the second one again.

    RFC 6582 3.2, step 3.
    """
    p = asks(s)
    for _ in range(4):
        p.acks(1)
    p.acks(4001)
    p.acks(12001)


@scenario()
def sack_recovery(s: Scenario):
    """The first and the fourth segment are lost, and the tail's probe: just these go again.

    RFC 8985 6.2, 7.3.
    """
    p = asks(s, sack=True)
    p.acks(1, sacks=[(1001, 2001)])
    p.acks(1, sacks=[(1001, 3001)])
    p.acks(1, sacks=[(4001, 5001), (1001, 3001)])
    p.acks(1, sacks=[(4001, 6001), (1001, 3001)])
    p.acks(1, sacks=[(4001, 7001), (1001, 3001)])
    p.acks(3001, sacks=[(4001, 10001)])
    p.acks(10001)


@scenario()
def sack_of_nothing_sent(s: Scenario):
    """Blocks of what was never sent, or was acknowledged before, say nothing.

    RFC 2018 4, RFC 2883 4.
    """
    p = asks(s, sack=True)
    for _ in range(3):
        p.acks(2001, sacks=[(1, 1001), (50_001, 60_001)])


@scenario(run="400ms")
def sacked_text_after_a_time_out(s: Scenario):
    """What the peer SACKs is not sent again, and that it came by itself undoes the time-out.

    RFC 5682 3.1, RFC 6675 5.1.
    """
    p = asks(s, sack=True)
    s.wait(0.25)
    p.acks(1001, sacks=[(2001, 10001)])
    p.acks(10001)


@scenario(run="1s")
def last_segment_lost(s: Scenario):
    """The tail is lost and no duplicate ACK can tell: only the time-out helps.

    RFC 6298 5.
    """
    p = asks(s)
    p.acks(10001)
    p.acks(20001)
    s.wait(0.3)
    p.acks(1 + BIG)


@scenario("tcp.keep_alive.enabled=true", "tcp.keep_alive.idle=2s", "tcp.keep_alive.interval=1s",
          "tcp.keep_alive.probes=3", run="6s")
def keep_alive(s: Scenario):
    """An idle connection is probed with an empty segment just before the window. The first probe is
    answered and no other: after three more the connection is dropped.

    RFC 9293 3.8.4 (MUST-29: not for one unanswered probe).
    """
    p = Peer(s, port=9)
    p.opens()
    s.wait(2.0)
    p.acks(1)
