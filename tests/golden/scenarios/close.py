"""Closing: who is first, what crosses, what is lost."""
from script import ANSWER, BIG, GET, GET_BIG, Peer, Scenario, scenario


@scenario()
def by_the_peer(s: Scenario):
    """The peer closes first; the server follows, and keeps nothing.

    RFC 9293 3.6, figure 12: CLOSE_WAIT, LAST_ACK, CLOSED.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin()
    p.acks(2)


@scenario("close.first=server", run="3s")
def by_the_server(s: Scenario):
    """The FIN rides on the answer; the server holds TIME_WAIT for 2MSL, here 2 s.

    RFC 9293 3.6, figure 12, the other side; 3.6.1 (MUST-13).
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.acks(2 + ANSWER)
    p.fin()


@scenario("close.first=server", run="3s")
def simultaneous(s: Scenario):
    """The FINs cross: CLOSING, then TIME_WAIT when ours is acknowledged.

    RFC 9293 3.6, figure 13.
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.fin(ack=1 + ANSWER)
    p.acks(2 + ANSWER)


@scenario(run="3s")
def after_the_grace(s: Scenario):
    """The client should close first but does not: the server does, 200 ms after the answer's ACK.

    RFC 9112 9.6 asks for patience; RFC 9293 3.6 for the rest.
    """
    p = Peer(s)
    p.opens()
    p.text("GET / HTTP/1.0\r\n\r\n")
    p.acks(1 + ANSWER)
    s.wait(0.25)
    p.acks(2 + ANSWER)
    p.fin()


@scenario()
def half_closed_by_the_peer(s: Scenario):
    """The request comes with the FIN: all of the answer goes out in CLOSE_WAIT, then our FIN.

    RFC 9293 3.6 (case 2), RFC 1122 4.2.2.13.
    """
    p = Peer(s, window=4000)
    p.opens()
    p.fin(GET_BIG)
    for upto in (4001, 8001, 12001, 16001, 20001):
        p.acks(upto)
    p.acks(2 + BIG)


@scenario("close.first=server", run="3s")
def half_closed_by_the_server(s: Scenario):
    """A request is refused before it was read to its end: the server half-closes and reads on.

    RFC 9112 9.6; RFC 9293 3.6.1: text is received and acknowledged in FIN_WAIT_2.
    """
    p = Peer(s)
    p.opens()
    p.text("POST / HTTP/1.1\r\nHost: mayfly\r\nContent-Length: 1000\r\n\r\n")
    s.wait(0.01)
    p.acks(174)
    p.text("x" * 500)
    p.text("x" * 500)
    p.fin()


@scenario()
def fin_with_text(s: Scenario):
    """The last text and the FIN in one segment: the echo carries the ACK of both, and our FIN.

    RFC 9293 3.10.7.4, seventh and eighth.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin("the end")
    p.acks(9)


@scenario()
def fin_ahead_of_text(s: Scenario):
    """The FIN overtakes the text before it: it counts only when the gap is filled.

    RFC 9293 3.10.7.4, eighth: the FIN is taken in its turn.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin(seq=5)
    p.text("ping", seq=1)
    p.acks(6)


@scenario(run="3s")
def fin_lost(s: Scenario):
    """Our FIN in LAST_ACK is not acknowledged: it goes again, backed off, until it is.

    RFC 9293 3.8.1, RFC 6298 5.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin()
    s.wait(1.5)
    p.acks(2)


@scenario()
def fin_of_the_peer_again(s: Scenario):
    """The peer did not get the ACK of its FIN: in LAST_ACK its FIN comes again and is answered.

    RFC 9293 3.10.7.4, first: unacceptable, so answered with an ACK.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin()
    s.wait(0.01)
    p.fin(seq=1)
    p.acks(2)


@scenario()
def text_after_the_fin(s: Scenario):
    """Text with numbers behind the peer's FIN is no part of the connection: it is ignored.

    RFC 9293 3.10.7.4, seventh.
    """
    p = Peer(s, port=7)
    p.opens()
    p.fin()
    p.text("more", seq=2)
    p.acks(2)


@scenario("close.first=server", "fin_wait_2.hold=1s", run="2s")
def no_fin_from_the_peer(s: Scenario):
    """The peer acknowledges our FIN and is not heard of again: FIN_WAIT_2 ends after its hold.

    RFC 9293 3.6.1 leaves it to the implementation; RFC 1122 4.2.2.20 (b) knows of no other remedy.
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.acks(2 + ANSWER)


@scenario("close.first=server", run="300ms")
def text_while_the_server_lingers(s: Scenario):
    """Text arrives after the server's FIN: it is acknowledged and dropped, so that no RST destroys
    an answer that is not read yet.

    RFC 9112 9.6.
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.acks(1 + ANSWER)
    p.text("\r\n")
    p.acks(2 + ANSWER)
    p.text(GET)
    p.fin()


@scenario("close.first=server", "close.linger=0", run="300ms")
def text_after_close(s: Scenario):
    """Text arrives after the server has closed both ways: RST tells the peer that it is lost.

    RFC 9293 3.6.1 (SHLD-3), RFC 2525 2.17.
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.acks(2 + ANSWER)
    p.text("and more")


@scenario("close.first=server", "close.abort=true")
def abort(s: Scenario):
    """The server closes with RST once the answer is acknowledged, with exactly SND.NXT.

    RFC 9293 3.10.5; RFC 5961 3.2 is why the number matters.
    """
    p = Peer(s)
    p.opens()
    p.text(GET)
    p.acks(1 + ANSWER)
    p.text("more")
