"""TIME_WAIT: what it answers, what ends it, what comes back."""
from script import ANSWER, GET, Peer, Scenario, scenario

FIRST = "close.first=server"


def held(s: Scenario, **offers) -> Peer:
    """A connection that the server has closed first: it holds TIME_WAIT."""
    p = Peer(s, **offers)
    p.opens()
    p.text(GET)
    p.acks(2 + ANSWER)
    p.fin()
    s.wait(0.1)
    return p


def lives(fresh: Peer) -> None:
    """The new incarnation's handshake, completed, and a request."""
    fresh.acks(1)
    fresh.text(GET)


@scenario(FIRST, run="3s")
def fin_again(s: Scenario):
    """The last ACK was lost: the FIN comes again after 1.5 s, is acknowledged, and the hold of 2 s
    starts anew: the FIN that comes 1.5 s after that is acknowledged too.

    RFC 9293 3.10.7.4, eighth.
    """
    p = held(s)
    for _ in range(2):
        s.wait(1.5)
        p.fin(seq=p.seq - 1)


@scenario(FIRST, run="3s")
def late_fin(s: Scenario):
    """The hold is over and the FIN comes once more: nobody knows it, and RST answers.

    RFC 9293 3.6.1: what TIME_WAIT is there to prevent; 3.10.7.1.
    """
    p = held(s)
    s.wait(2.0)
    p.fin(seq=p.seq - 1)


@scenario(FIRST)
def old_text(s: Scenario):
    """Old text gets an ACK and does not restart the hold.

    RFC 9293 3.10.7.4, first.
    """
    p = held(s)
    p.text("old", seq=1)


@scenario(FIRST)
def old_ack(s: Scenario):
    """A bare ACK where it belongs calls for no answer: two ends could go on for ever.

    RFC 1337 2.2 (H2), RFC 9293 3.10.7.4.
    """
    p = held(s)
    p.acks(2 + ANSWER)


@scenario(FIRST)
def ack_of_nothing_sent(s: Scenario):
    """An ACK of more than was sent is answered with an ACK.

    RFC 9293 3.10.7.4, fifth.
    """
    p = held(s)
    p.acks(5000)


@scenario(FIRST)
def rst_ignored(s: Scenario):
    """RST does not end TIME_WAIT, as it answers no SYN: the FIN after it is still acknowledged.

    RFC 1337 3, fix F1.
    """
    p = held(s)
    p.rst()
    p.fin(seq=p.seq - 1)


@scenario(FIRST, "time_wait.rst=accept")
def rst_accepted(s: Scenario):
    """Where the policy says so, an RST at RCV.NXT ends TIME_WAIT: the FIN after it gets an RST.

    RFC 9293 3.10.7.4, second; RFC 1337 2 calls it assassination.
    """
    p = held(s)
    p.rst()
    p.fin(seq=p.seq - 1)


@scenario(FIRST, "time_wait.rst=accept")
def rst_challenged(s: Scenario):
    """An RST inside the window but not at its edge is only challenged.

    RFC 5961 3.2.
    """
    p = held(s)
    p.rst(seq=p.seq + 10)


@scenario(FIRST)
def newer_timestamp(s: Scenario):
    """RFC 6191 2, row 1: there were timestamps and that of the SYN is newer, so a new connection
    opens although its sequence number is old. The new ISN is above all numbers of the old
    connection (RFC 9293 MAY-2).
    """
    p = held(s, stamps=True)
    fresh = p.again(iss=p.iss - 5000)
    fresh.syn()
    lives(fresh)


@scenario(FIRST)
def equal_timestamp_and_newer_sequence(s: Scenario):
    """RFC 6191 2, row 2: the SYN's timestamp equals the last one seen, its number is after it."""
    p = held(s, stamps=True)
    fresh = p.again()
    fresh.syn(stamp=p.stamp_now() - 101)
    lives(fresh)


@scenario(FIRST)
def no_timestamp_and_newer_sequence(s: Scenario):
    """RFC 6191 2, row 3: there were timestamps, the SYN has none, but its number is after the
    last."""
    p = held(s, stamps=True)
    fresh = p.again(stamps=False)
    fresh.syn()
    lives(fresh)


@scenario(FIRST)
def older_timestamp(s: Scenario):
    """RFC 6191 2, row 4: an older timestamp opens nothing, even with a newer number. Where the RFC
    is silent, an ACK says so (RFC 5961 4.2); the FIN that comes again finds TIME_WAIT as it was.
    """
    p = held(s, stamps=True)
    p.again().syn(stamp=4000)
    p.fin(seq=p.seq - 1)


@scenario(FIRST, "time_wait.refuse_syn=drop")
def older_timestamp_in_silence(s: Scenario):
    """RFC 6191 2, row 4, to the letter: "silently drop the incoming SYN segment"."""
    p = held(s, stamps=True)
    p.again().syn(stamp=4000)
    p.fin(seq=p.seq - 1)


@scenario(FIRST)
def no_timestamp_and_older_sequence(s: Scenario):
    """RFC 6191 2, row 4: no timestamp where there were some, and an old number: refused with an
    ACK (RFC 5961 4.2)."""
    p = held(s, stamps=True)
    p.again(stamps=False, iss=p.iss - 5000).syn()


@scenario(FIRST)
def first_timestamp(s: Scenario):
    """RFC 6191 2, row 5: there were no timestamps and the SYN has one: a new connection."""
    p = held(s)
    fresh = p.again(stamps=True, iss=p.iss - 5000)
    fresh.syn()
    lives(fresh)


@scenario(FIRST)
def newer_sequence(s: Scenario):
    """RFC 6191 2, row 6: no timestamps on either, and the number is after the last one seen."""
    p = held(s)
    fresh = p.again()
    fresh.syn()
    lives(fresh)


@scenario(FIRST, "time_wait.rst=ignore")
def older_sequence(s: Scenario):
    """RFC 6191 2, row 7: no timestamps, and an old number: challenged (RFC 5961 4.2). The peer,
    which has no such connection, answers the challenge with RST, which is ignored (RFC 1337 F1).
    """
    p = held(s)
    old = p.again(iss=p.iss - 5000)
    old.syn()
    old.rst(seq=5000 + p.seq)


def refused(s: Scenario, held_by: Peer, **changed) -> Peer:
    """Another host behind the same NAT sends its SYN, and resets what the ACK tells it of."""
    fresh = held_by.again(iss=held_by.iss - 5000, **changed)
    fresh.syn(stamp=4000 if fresh.stamps else None)
    fresh.rst(seq=5000 + held_by.seq)
    return fresh


@scenario(FIRST)
def newcomer(s: Scenario):
    """A newcomer: another clock and older numbers on the four-tuple. Its SYN gets an ACK, its RST
    to that ends the entry, and its SYN opens. The new ISN is far above the old numbers: the FIN
    of the old connection, which comes now, acknowledges what is far behind and changes nothing.

    RFC 9293 3.10.7.3, first, is the newcomer's RST; RFC 5961 4.2 and 5.2; decisions/0011.
    """
    p = held(s, stamps=True)
    far = p.irs + ANSWER + 2 + 1_640_531_527
    fresh = refused(s, p, stamps=True, irs=far & 0xffffffff)
    s.wait(0.01)
    fresh.syn(stamp=4011)
    fresh.acks(1, stamp=4012)
    p.fin(seq=p.seq - 1)
    fresh.text(GET, stamp=4014)


@scenario(FIRST, "time_wait.hold=10s")
def late_rst_of_a_newcomer(s: Scenario):
    """Two seconds after the ACK of a SYN no RST is the answer to it, and none ends TIME_WAIT: the
    FIN that comes again is acknowledged.

    RFC 1337 3, fix F1.
    """
    p = held(s)
    fresh = p.again(iss=p.iss - 5000)
    fresh.syn()
    s.wait(2.0)
    fresh.rst(seq=5000 + p.seq)
    p.fin(seq=p.seq - 1)


@scenario(FIRST)
def old_syn_is_no_newcomer(s: Scenario):
    """An old duplicate of the SYN, whose sender is CLOSED, draws the RST that ends the entry. When
    the duplicate comes once more it opens, the RST that answers this time gives the entry back, and
    the FIN that comes again is acknowledged.

    RFC 9293 3.6.1, MAY-2 (b).
    """
    p = held(s)
    old = p.again(iss=p.iss)
    old.syn()
    old.rst(seq=p.seq)
    old.syn()
    old.rst(seq=1)
    p.fin(seq=p.seq - 1)


@scenario(FIRST, "time_wait.reopen=off")
def never_reopened(s: Scenario):
    """The policy lets no SYN in: each is challenged.

    RFC 5961 4.2; RFC 9293 3.10.7.4, fourth (MAY-2 is not used).
    """
    held(s).again().syn()


@scenario(FIRST, run="3s")
def restored_by_reset(s: Scenario):
    """The SYN was an old duplicate: the peer answers our SYN-ACK with RST, and TIME_WAIT is back.
    The FIN of the old connection is still acknowledged.

    RFC 9293 3.6.1, MAY-2 (b).
    """
    p = held(s)
    old = p.again(iss=p.iss + p.seq)
    old.syn()
    old.rst()
    p.fin(seq=p.seq - 1)


@scenario(FIRST, "tcp.syn_ack_retries=1", run="5s")
def restored_in_silence(s: Scenario):
    """The SYN was an old duplicate and nobody answers our SYN-ACK: TIME_WAIT is back for 2MSL.

    RFC 9293 3.6.1, MAY-2 (b).
    """
    p = held(s)
    p.again().syn()
    s.wait(4.0)
    p.fin(seq=p.seq - 1)


@scenario(FIRST)
def syn_again(s: Scenario):
    """The SYN that ends a TIME_WAIT is answered itself; when it comes again, so is that.

    RFC 9293 3.10.7.4, first; RFC 6191 2.
    """
    p = held(s)
    fresh = p.again()
    fresh.syn()
    s.wait(0.5)
    fresh.syn()
    lives(fresh)


@scenario(FIRST)
def syn_ack(s: Scenario):
    """A SYN-ACK opens nothing: it is challenged.

    RFC 5961 4.2.
    """
    p = held(s)
    p.sends("SA", seq=p.seq + 1000)


@scenario(FIRST, "tcp.timestamps_missing=drop")
def older_timestamp_of_text(s: Scenario):
    """An old segment by its timestamp gets an ACK; one without a timestamp nothing at all.

    RFC 7323 5.3 (R1) and 3.2.
    """
    p = held(s, stamps=True)
    p.text("old", stamp=4000)
    p.stamps = False
    p.text("old")


@scenario(FIRST, "time_wait.capacity=1")
def evicted(s: Scenario):
    """There is room for one entry: a second connection's pushes out the first one's, whose FIN,
    come again, gets an RST.

    RFC 9293 3.6.1 is broken here, as the policy wants it and counts it.
    """
    first = held(s, sport=40001)
    second = held(s, sport=40002)
    first.fin(seq=first.seq - 1)
    second.fin(seq=second.seq - 1)


@scenario(FIRST, "time_wait.capacity=1", "time_wait.on_full=close")
def skipped_when_full(s: Scenario):
    """There is room for one entry and the policy closes the second connection without any.

    RFC 9293 3.6.1 is broken here, as the policy wants it and counts it.
    """
    first = held(s, sport=40001)
    second = held(s, sport=40002)
    first.fin(seq=first.seq - 1)
    second.fin(seq=second.seq - 1)


@scenario(FIRST, "time_wait.capacity=1", "time_wait.on_full=refuse")
def refused_when_full(s: Scenario):
    """There is room for one entry, and it is taken: a new connection is not answered.

    RFC 9293 3.6.1 is kept, at the price of the client's wait.
    """
    held(s, sport=40001)
    Peer(s, sport=40002).syn()


@scenario(FIRST, "time_wait.hold=0")
def no_hold(s: Scenario):
    """Without TIME_WAIT the FIN that comes again, its ACK lost, gets an RST.

    RFC 9293 3.6.1, reason 1 to hold.
    """
    p = held(s)
    p.fin(seq=p.seq - 1)


@scenario("time_wait.hand_over=true")
def taken_over(s: Scenario):
    """The peer closed first; the server, in LAST_ACK, takes the TIME_WAIT over and frees the peer's
    entry with RST. The peer's old FIN is now the server's to answer.

    Faber, Touch and Yue, INFOCOM 1999; RFC 9293 3.6.1.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin()
    p.acks(2)
    p.fin(seq=1)
