"""The services of `mayfly serve` on the kernel's TCP: echo, discard, and HTTP that closes first.

Prints "ready" once it listens, and runs until it is ended.
"""
import socket
import threading
import time
from collections.abc import Callable

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\nhello, mayfly\n"


def echo(connection: socket.socket) -> None:
    while text := connection.recv(65536):
        connection.sendall(text)


def discard(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def http(connection: socket.socket) -> None:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        text = connection.recv(65536)
        if not text:
            return
        request += text
    connection.sendall(ANSWER)


def serve(connection: socket.socket, service: Callable[[socket.socket], None]) -> None:
    """Both directions are closed when the service has nothing more to say."""
    with connection:
        try:
            service(connection)
        except OSError:
            pass  # reset by the peer


def accept(listener: socket.socket, service: Callable[[socket.socket], None]) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, service), daemon=True).start()


def main() -> None:
    for port, service in ((7, echo), (9, discard), (80, http)):
        listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=256,
                                        dualstack_ipv6=True)
        threading.Thread(target=accept, args=(listener, service), daemon=True).start()
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
