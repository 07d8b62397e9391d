"""No answer is lost at the end of a connection, whatever the client still sends."""
import re
import socket
import time

import pytest
from mayfly import MEGABYTE
from tools import eventually

GET = b"GET / HTTP/1.1\r\nHost: mayfly\r\n\r\n"
GET_BIG = b"GET /big HTTP/1.1\r\nHost: mayfly\r\n\r\n"
ROUTES = {"http": {"routes": [{"path": "/", "body": "hello, mayfly\n"},
                              {"path": "/big", "bytes": "1M"}]}}
CLIENT_FIRST = ROUTES | {"close": {"first": "client"}, "drain_timeout": "5s"}


def read_slowly(connection) -> bytes:
    """All until the FIN; the first 200 kB in small sips, so that the server has to wait."""
    text = b""
    while part := connection.recv(65_536):
        text += part
        if len(text) < 200_000:
            time.sleep(0.002)
    return text


def body_of(answer: bytes) -> bytes:
    head, body = answer.split(b"\r\n\r\n", 1)
    assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1]), head
    return body


@pytest.mark.parametrize("more", [b"\r\n", GET, b"x" * 20_000], ids=["CR LF", "request", "much"])
@pytest.mark.parametrize("first", ["server", "client"])
def test_text_during_a_long_answer_does_not_destroy_it(wire, serve, more, first):
    server = serve(ROUTES | {"close": {"first": first}})
    with wire.peer.new_socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.settimeout(10)
        connection.connect(("198.18.0.1", 80))
        connection.sendall(GET_BIG.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        time.sleep(0.1)
        connection.sendall(more)
        assert len(body_of(read_slowly(connection))) == MEGABYTE
    assert server.stop()["rst_sent"] == 0


def test_text_behind_the_servers_fin_is_dropped_until_the_linger_is_over(serve, peer):
    server = serve({"close": {"linger": "400ms"}})
    flow = peer.flow(80).open()
    flow.send("A", GET)
    flow.read_until("FA")
    flow.send("A")
    for _ in range(2):
        flow.send("A", b"\r\n")
        assert flow.expect("A")["TCP"].ack == flow.seq
    time.sleep(0.5)
    flow.send("A", b"\r\n")
    assert flow.expect("R")["TCP"].seq == flow.ack
    assert server.stop()["drops"]["tcp_data_after_close"] == 1


def test_a_client_that_closes_after_late_text_leaves_a_time_wait(serve, peer):
    server = serve()
    flow = peer.flow(80).open()
    flow.send("A", GET)
    flow.read_until("FA")
    flow.send("A", b"\r\n")
    flow.send("FA")
    eventually(lambda: any(answer["TCP"].ack == flow.seq for answer in flow.arrived(0.1)))
    assert server.stop()["time_wait"]["opened"] == 1


@pytest.mark.parametrize("head, status", [
    (b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 2000000\r\n\r\n", b"413"),
    (b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 60000\r\n\r\n", b"405"),
    (b"POST /none HTTP/1.1\r\nHost: m\r\nContent-Length: 60000\r\n\r\n", b"404"),
    (b"GET  / HTTP/1.1\r\n\r\n", b"400")])
@pytest.mark.parametrize("first", ["server", "client"])
def test_an_error_reaches_a_client_that_is_still_sending(wire, serve, head, status, first):
    serve({"close": {"first": first}})
    with wire.peer.connect(80) as connection:
        connection.sendall(head)
        for _ in range(10):
            connection.sendall(bytes(50_000))
            time.sleep(0.02)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.split()[1] == status
    assert body_of(answer)


def test_a_drain_closes_idle_connections_at_once_and_answers_what_arrives(wire, serve):
    server = serve(CLIENT_FIRST)
    with wire.peer.connect(80) as idle, wire.peer.connect(80) as silent, \
            wire.peer.connect(80) as half:
        idle.sendall(GET)
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        half.sendall(GET[:20])
        time.sleep(0.2)
        begin = time.monotonic()
        server.interrupt()
        assert idle.recv(4096) == b""
        assert time.monotonic() - begin < 1
        silent.sendall(GET)
        half.sendall(GET[20:])
        for connection in (silent, half):
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 200") and b"\r\nConnection: close\r\n" in answer
            assert answer.endswith(b"\r\n\r\nhello, mayfly\n")
    assert server.report()["completed"] == 3
    assert time.monotonic() - begin < 3, "nobody is waited for"


def test_a_drain_leaves_a_long_answer_to_finish(wire, serve):
    server = serve(CLIENT_FIRST)
    with wire.peer.connect(80) as connection:
        connection.sendall(GET_BIG)
        assert connection.recv(1)
        server.interrupt()
        time.sleep(0.3)
        answer = b"H" + read_slowly(connection)
    assert len(body_of(answer)) == MEGABYTE
    assert server.report()["reset"] == 0
