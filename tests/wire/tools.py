"""Linux's HTTP clients, and what they say about how it went."""
import hashlib
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

from network import SERVER, Namespace

URL = f"http://{SERVER}/"
REQUEST = b"GET / HTTP/1.1\r\nHost: mayfly\r\nConnection: close\r\n\r\n"
BODY = b"hello, mayfly\n"


def ask(connection: socket.socket) -> None:
    """One request, and its whole answer up to the server's FIN if that comes first."""
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(BODY):
        text = connection.recv(4096)
        assert text, answer
        answer += text


def say(connection: socket.socket, text: bytes) -> bool:
    """Whether a server that echoes says the same."""
    try:
        connection.sendall(text)
        heard = b""
        while len(heard) < len(text):
            more = connection.recv(len(text) - len(heard))
            if not more:
                return False
            heard += more
        return heard == text
    except OSError:
        return False


def octets(count: int) -> bytes:
    """Random octets, the same in every run."""
    return hashlib.shake_128(str(count).encode()).digest(count)


def curl(peer: Namespace, *words: str, timeout: float = 30) -> str:
    return peer.run("curl", "--silent", "--show-error", "--max-time", str(timeout), *words,
                    timeout=timeout + 1)


def ab(peer: Namespace, *words: str, timeout: float = 60) -> dict[str, int]:
    """ApacheBench's counts, such as "Complete requests" and "Failed requests"."""
    said = peer.run("ab", "-q", "-s", "10", *words, URL, timeout=timeout)
    counts = re.findall(r"^([A-Z][\w -]+): +(\d+)\b", said, re.MULTILINE)
    return {what: int(number) for what, number in counts}


def wrk(peer: Namespace, *words: str, timeout: float = 60) -> dict[str, int]:
    """wrk's number of requests, and its errors if it saw any."""
    said = peer.run("wrk", "-t", "1", *words, URL, timeout=timeout)
    counts = {"requests": int(re.search(r"(\d+) requests in", said)[1])}
    if errors := re.search(r"Socket errors: (.*)", said):
        counts["errors"] = sum(map(int, re.findall(r"\d+", errors[1])))
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)", said):
        counts["wrong"] = int(wrong[1])
    return counts


def eventually(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.02)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_port() -> int:
    """A TCP port of this machine on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
