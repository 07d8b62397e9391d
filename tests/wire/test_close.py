"""Who closes first, and who therefore holds the TIME_WAIT: both orders, counted on both ends."""
import pytest
from tools import URL, ab, curl, eventually, wrk

REQUEST = b"GET / HTTP/1.1\r\nHost: mayfly\r\nConnection: close\r\n\r\n"
CLIENT_FIRST = {"close": {"first": "client", "grace": "300ms"}}


def test_the_server_that_closes_first_holds_every_time_wait(wire, serve):
    server = serve()
    ab(wire.peer, "-n", "500", "-c", "10")
    theirs = wire.peer.sockets("time-wait")
    report = server.stop()
    assert (report["time_wait"]["opened"], report["time_wait"]["peak"]) == (500, 500)
    assert theirs == report["accepted"] - 500  # ab opens one too many at times, and closes it


def test_the_client_that_closes_first_holds_every_time_wait(wire, serve):
    server = serve(CLIENT_FIRST)
    for _ in range(5):
        curl(wire.peer, URL)
    eventually(lambda: wire.peer.sockets("time-wait") == 5)
    report = server.stop()
    assert (report["completed"], report["time_wait"]["opened"]) == (5, 0)


def test_a_busy_client_that_closes_first_leaves_the_server_without_time_wait(wire, serve):
    server = serve(CLIENT_FIRST)
    done = wrk(wire.peer, "-c", "20", "-d", "1s", "-H", "Connection: close")
    assert done.keys() == {"requests"}
    assert wire.peer.sockets("time-wait") > 0
    assert server.stop()["time_wait"]["opened"] == 0


def test_a_client_that_waits_for_the_server_is_closed_when_the_grace_ends(wire, serve):
    server = serve(CLIENT_FIRST)
    counts = ab(wire.peer, "-n", "20", "-c", "10")  # ab reads until the server's FIN
    assert (counts["Complete requests"], counts["Failed requests"]) == (20, 0)
    report = server.stop()
    assert report["time_wait"]["opened"] == 20
    assert report["service"]["closes"]["grace_ended"] == 20


def test_time_wait_entries_end_after_the_hold(wire, serve):
    server = serve({"time_wait": {"hold": "500ms"}})
    ab(wire.peer, "-n", "100", "-c", "10")
    wire.peer.run("sleep", "1")
    time_wait = server.stop()["time_wait"]
    assert (time_wait["opened"], time_wait["expired"], time_wait["now"]) == (100, 100, 0)


def test_a_full_time_wait_evicts_its_oldest_and_serves_on(wire, serve):
    server = serve({"time_wait": {"capacity": 50, "on_full": "evict_oldest"}})
    assert ab(wire.peer, "-n", "500", "-c", "10")["Failed requests"] == 0
    time_wait = server.stop()["time_wait"]
    assert (time_wait["opened"], time_wait["evicted"], time_wait["peak"]) == (500, 450, 50)


def test_a_retransmitted_fin_in_time_wait_is_acknowledged_again(serve, peer):
    server = serve()
    flow = in_time_wait(peer)
    fin = {"seq": flow.seq - 1}
    for _ in range(3):
        flow.send("FA", **fin)
        again = flow.expect("A")
        assert (again["TCP"].seq, again["TCP"].ack) == (flow.ack, flow.seq)
    assert server.stop()["time_wait"]["opened"] == 1


def test_a_reset_does_not_end_time_wait(serve, peer):
    serve()
    flow = in_time_wait(peer)
    flow.send("R")
    flow.silent(0.2)
    flow.send("FA", seq=flow.seq - 1)
    flow.expect("A")


def test_a_newer_syn_opens_the_connection_again(serve, peer):
    server = serve()
    flow = in_time_wait(peer)
    old_end = flow.ack
    flow.seq += 1_000
    flow.open()
    assert (flow.ack - old_end) % 2**32 < 2**31, "the new sequence numbers are after the old ones"
    flow.send("A", REQUEST)
    assert flow.read_until("FA").endswith(b"hello, mayfly\n")
    assert server.stop()["time_wait"]["reopened"] == 1


def test_an_older_syn_opens_nothing(serve, peer):
    server = serve()
    flow = in_time_wait(peer)
    flow.send("S", seq=flow.seq - 500)
    answers = list(flow.arrived(0.3))
    assert all(str(answer["TCP"].flags) == "A" for answer in answers)  # a challenge ACK at the most
    report = server.stop()
    assert report["time_wait"]["reopened"] == 0
    assert report["drops"]["time_wait_syn"] == 1


def test_a_half_closed_peer_still_gets_its_answer(serve, peer):
    server = serve()
    flow = peer.flow(80).open()
    flow.send("FA", REQUEST)
    assert flow.read_until("FA").endswith(b"hello, mayfly\n")
    flow.send("A")
    flow.silent(0.3)
    report = server.stop()
    assert (report["completed"], report["time_wait"]["opened"]) == (1, 0)


def test_both_ends_may_close_at_the_same_time(serve, peer):
    server = serve()
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    flow.read_until("FA")
    flow.send("FA", ack=flow.ack - 1)  # sent before the server's FIN had arrived
    closing = flow.expect("A")
    assert closing["TCP"].ack == flow.seq
    flow.send("A")
    flow.silent(0.3)
    assert server.stop()["time_wait"]["opened"] == 1


def test_a_peer_that_never_closes_is_given_up_after_fin_wait_2(serve, peer):
    server = serve({"fin_wait_2": {"hold": "500ms"}})
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    flow.read_until("FA")
    flow.send("A")
    flow.silent(1)
    flow.send("FA")
    assert flow.expect("R")["TCP"].seq == flow.ack, "nobody is there any more"
    assert server.stop()["time_wait"]["opened"] == 0


def test_an_abortive_server_resets_with_exactly_its_next_sequence_number(serve, peer):
    serve({"close": {"abort": True}})
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    assert flow.read_until("A").startswith(b"HTTP/1.1 200")
    flow.send("A")
    reset = next(flow.arrived(2))
    assert "R" in reset["TCP"].flags and reset["TCP"].seq == flow.ack


def in_time_wait(peer):
    """A flow that the server has closed first, both FINs acknowledged."""
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    flow.read_until("FA")
    flow.send("FA")
    assert flow.expect("A")["TCP"].ack == flow.seq
    return flow
