"""TIME_WAIT between Mayfly and Linux: opened anew, acknowledged again, reset and handed over."""
import socket
import time

import pytest
from network import Wire
from test_load import nginx, veth_settings  # noqa: F401  (nginx is a fixture)
from tools import BODY, REQUEST, ask

CONNECTIONS = 2_000


def use_ports(wire: Wire, count: int, timestamps: int = 1) -> None:
    """The Linux client has so few source ports, and may use one again from its own TIME_WAIT."""
    wire.peer.write("net/ipv4/ip_local_port_range", f"20000 {20_000 + count - 1}")
    wire.peer.write("net/ipv4/tcp_tw_reuse", 1)
    wire.peer.write("net/ipv4/tcp_timestamps", timestamps)


# -- a Linux client opens a four-tuple anew --

@pytest.mark.time_limit(60)
@pytest.mark.parametrize("timestamps", [1, 0], ids=["by timestamp", "by sequence number"])
def test_linux_reopens_mayflys_time_waits_2000_times_from_20_ports(wire, serve, timestamps):
    server = serve({"time_wait": {"hold": "60s"}})
    use_ports(wire, 20, timestamps)
    for _ in range(CONNECTIONS):
        with wire.peer.connect(80, seconds=3) as connection:
            ask(connection)
            assert connection.recv(1) == b"", "the server closes first"
    report = server.stop()
    time_wait = report["time_wait"]
    assert report["completed"] == report["accepted"] == time_wait["opened"] == CONNECTIONS
    assert time_wait["reopened"] >= CONNECTIONS - 20
    assert time_wait["peak"] <= 20
    assert wire.peer.sockets("time-wait") == 0


@pytest.mark.time_limit(60)
def test_linux_reopens_its_own_time_waits_after_their_delay(wire, serve):
    """tcp_tw_reuse_delay is 1 s: 600 ports are enough for 500 connections a second."""
    server = serve({"close": {"first": "client", "grace": "2s"}})
    use_ports(wire, 600)
    begin = time.monotonic()
    for number in range(CONNECTIONS):
        time.sleep(max(0, begin + number / 500 - time.monotonic()))
        with wire.peer.connect(80, seconds=3) as connection:
            ask(connection)
    assert 0 < wire.peer.sockets("time-wait") <= 600
    report = server.stop()
    assert report["completed"] == report["accepted"] == CONNECTIONS
    assert report["time_wait"]["opened"] == 0


# -- what arrives in TIME_WAIT --

def in_time_wait(peer):
    """A flow that the server has closed first, both FINs acknowledged."""
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    assert flow.read_until("FA").endswith(BODY)
    flow.send("FA")
    assert flow.expect("A")["TCP"].ack == flow.seq
    return flow


def send_fin_again(flow) -> str:
    """The flags of the answer to a retransmitted FIN."""
    flow.send("FA", seq=flow.seq - 1)
    return str(next(flow.arrived(2))["TCP"].flags)


def test_a_retransmitted_fin_holds_time_wait_anew(serve, peer):
    server = serve({"time_wait": {"hold": "1s"}})
    flow = in_time_wait(peer)
    for _ in range(3):
        time.sleep(0.6)
        assert send_fin_again(flow) == "A"
    time.sleep(1.3)
    assert send_fin_again(flow) == "R", "nobody remembers the connection"
    time_wait = server.stop()["time_wait"]
    assert (time_wait["opened"], time_wait["expired"], time_wait["now"]) == (1, 1, 0)


def test_old_text_in_time_wait_is_acknowledged_and_holds_nothing_anew(serve, peer):
    server = serve({"time_wait": {"hold": "1s"}})
    flow = in_time_wait(peer)
    time.sleep(0.6)
    flow.send("A", b"old", seq=flow.seq - 50)
    assert flow.expect("A")["TCP"].ack == flow.seq
    time.sleep(0.7)
    assert send_fin_again(flow) == "R"
    assert server.stop()["time_wait"]["expired"] == 1


@pytest.mark.parametrize(("rst", "killed", "then"), [("accept", 1, "R"), ("ignore", 0, "A")])
def test_a_reset_in_time_wait_ends_it_only_where_it_is_accepted(serve, peer, rst, killed, then):
    server = serve({"time_wait": {"rst": rst}})
    flow = in_time_wait(peer)
    flow.send("R")
    flow.silent(0.1)
    assert send_fin_again(flow) == then
    time_wait = server.stop()["time_wait"]
    assert (time_wait["killed"], time_wait["now"]) == (killed, 1 - killed)


# -- the client takes the server's TIME_WAIT over --

HAND_OVER = {"close": {"first": "server"}, "time_wait": {"hand_over": True}}


def test_linux_keeps_no_time_wait_that_was_handed_over(wire, nginx, run_mayfly):  # noqa: F811
    """But for a few at most: Linux acknowledges our FIN a moment before its TIME_WAIT is there, and
    a reset that comes between the two finds neither the connection nor what is left of it."""
    wire.peer.write("net/ipv4/tcp_rfc1337", 0)
    report = run_mayfly("load", veth_settings(wire, HAND_OVER)).report()
    assert report["completed"] == report["opened"] > 3_000
    assert report["time_wait"]["peak"] == report["completed"]
    assert wire.peer.sockets("time-wait") <= report["completed"] / 100


def test_linux_keeps_its_time_waits_where_it_ignores_resets(wire, nginx, run_mayfly):  # noqa: F811
    wire.peer.write("net/ipv4/tcp_rfc1337", 1)
    report = run_mayfly("load", veth_settings(wire, HAND_OVER)).report()
    assert report["completed"] == report["opened"] > 3_000
    assert wire.peer.sockets("time-wait") == report["completed"]
