"""The echo and discard services, against a Linux peer's sockets."""
import socket
import threading

import pytest
from tools import octets

TEXT = octets(5_000_000)


def receive_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def send_and_close(connection: socket.socket, text: bytes) -> None:
    connection.sendall(text)
    connection.shutdown(socket.SHUT_WR)


def test_echo_returns_five_megabytes_as_they_were(wire, serve):
    serve()
    with wire.peer.connect(7) as connection:
        sender = threading.Thread(target=send_and_close, args=(connection, TEXT))
        sender.start()
        echoed = receive_all(connection)
        sender.join()
    assert echoed == TEXT


def test_echo_waits_for_a_peer_that_does_not_read(wire, serve):
    serve()
    with wire.peer.connect(7) as connection:
        sender = threading.Thread(target=send_and_close, args=(connection, TEXT))
        sender.start()
        sender.join(1)  # by now both windows are closed: nothing moves until the peer reads
        echoed = receive_all(connection)
        sender.join()
    assert echoed == TEXT


def test_discard_takes_everything_and_says_nothing(wire, serve):
    serve()
    with wire.peer.connect(9) as connection:
        send_and_close(connection, TEXT)
        assert receive_all(connection) == b""


def test_an_idle_connection_stays_open(wire, serve):
    serve()
    with wire.peer.connect(7) as connection:
        for word in (b"one", b"two"):
            connection.sendall(word)
            assert connection.recv(10) == word
            wire.peer.run("sleep", "1")


@pytest.mark.parametrize("port", [7, 9])
def test_a_peer_that_resets_leaves_nothing_behind(wire, serve, port):
    server = serve()
    connection = wire.peer.connect(port)
    linger_0 = b"\1\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0)
    connection.close()
    wire.peer.run("sleep", "0.1")
    report = server.stop()
    assert (report["reset"], report["time_wait"]["opened"]) == (1, 0)
