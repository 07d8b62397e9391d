"""Text that arrives out of order, twice, too late, or marked as urgent."""
from script import Peer, Scenario, scenario


def opened(s: Scenario, **offers) -> Peer:
    p = Peer(s, port=7, **offers)
    p.opens()
    return p


@scenario()
def out_of_order(s: Scenario):
    """The second piece comes first: a duplicate ACK at once; with the first, both are echoed.

    RFC 9293 3.10.7.4, seventh; RFC 5681 4.2.
    """
    p = opened(s)
    p.text("world", seq=7)
    p.text("hello ", seq=1)


@scenario()
def out_of_order_with_sack(s: Scenario):
    """Two gaps: the blocks tell what has come, the newest first; the ACKs follow as gaps are
    filled.

    RFC 2018 4.
    """
    p = opened(s, sack=True)
    p.text("cc", seq=5)
    p.text("ee", seq=9)
    p.text("ff", seq=11)
    p.text("aa", seq=1)
    p.text("bb", seq=3)
    p.text("dd", seq=7)
    p.acks(3)


@scenario()
def overlapping(s: Scenario):
    """Pieces that overlap what is there: only what is new of them is taken.

    RFC 9293 3.10.7.4: segments are trimmed to the window.
    """
    p = opened(s, sack=True)
    p.text("abcd", seq=1)
    p.text("CDEF", seq=3, ack=5)
    p.text("JKLM", seq=10)
    p.text("ghijklmno", seq=7)
    p.acks(7)


@scenario()
def duplicate(s: Scenario):
    """Text that had arrived before is not taken twice; it is answered with an ACK.

    RFC 9293 3.10.7.4, first.
    """
    p = opened(s)
    p.text("ping")
    p.acks(5)
    p.text("ping", seq=1)


@scenario("tcp.receive_window=1500")
def beyond_the_window(s: Scenario):
    """A segment that reaches beyond the window is cut at its edge; one behind it is not taken.

    RFC 9293 3.10.7.4, first and seventh.
    """
    p = Peer(s, port=9)
    p.opens()
    p.text("x" * 1400, seq=1001)
    p.text("x" * 1000, seq=1)
    p.text("x" * 10, seq=5000)


@scenario()
def far_away(s: Scenario):
    """Text far outside the window is answered with an ACK; nothing of it counts, its ACK neither.

    RFC 9293 3.10.7.4, first.
    """
    p = opened(s)
    p.text("ping")
    p.text("far away", seq=70_000, ack=5)
    p.text("pong", seq=5, ack=1)


@scenario()
def old_timestamp(s: Scenario):
    """Text with a timestamp older than the last one is an old duplicate, even with the right
    number.

    RFC 7323 5.3 (R1): PAWS.
    """
    p = opened(s, stamps=True)
    p.text("ping")
    p.text("evil", stamp=4000, ack=5)
    p.text("pong", seq=5)


@scenario()
def timestamp_wrapped(s: Scenario):
    """The peer's clock wraps while the connection is open: newer is newer modulo 2^32.

    RFC 7323 5.2.
    """
    p = Peer(s, port=7, stamps=True)
    p.syn(stamp=0xffffffff)
    p.acks(1, stamp=0)
    p.text("ping", stamp=1)


@scenario()
def timestamps_blanked(s: Scenario):
    """Timestamps were agreed and a middlebox blanks them: the text is taken, and ours go on.

    RFC 7323 3.2 (SHOULD drop; doc/conformance.md says why not).
    """
    p = opened(s, stamps=True)
    p.stamps = False
    p.text("ping")


@scenario("tcp.timestamps_missing=drop")
def without_timestamp(s: Scenario):
    """Timestamps were agreed and a segment has none: dropped in silence, the connection goes on.

    RFC 7323 3.2.
    """
    p = opened(s, stamps=True)
    p.stamps = False
    p.text("ping")
    p.stamps = True
    p.text("ping", seq=1)


@scenario()
def urgent(s: Scenario):
    """Urgent text is delivered in its place with the rest.

    RFC 9293 3.8.5 (MUST-30, MUST-31).
    """
    p = opened(s)
    p.sends("PAU", "stop!", urgptr=4)


@scenario()
def numbers_wrap(s: Scenario):
    """The peer's sequence numbers wrap in the middle of a segment.

    RFC 9293 3.4: all arithmetic is modulo 2^32.
    """
    p = opened(s, iss=0xfffffffc)
    p.text("hello, wrap")
    p.text("world", seq=17, ack=12)
    p.text(" and ", seq=12)


@scenario("connections.receive_buffers=1")
def no_room_to_keep(s: Scenario):
    """There is one buffer for text out of order, and another connection has it: the text is not
    kept, and the peer has to send it again.

    RFC 9293 3.10.7.4, seventh: segments that are not kept are not acknowledged.
    """
    first, second = opened(s, sport=40001), opened(s, sport=40002)
    first.text("world", seq=7)
    second.text("world", seq=7)
    second.text("hello ", seq=1)
    second.text("world", seq=7, ack=7)
