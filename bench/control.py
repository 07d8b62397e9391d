"""Asks a running process at its control socket (doc/control.md)."""
import http.client
import json
import socket
from pathlib import Path


def stats(path: Path, seconds: float = 5) -> dict:
    """Its counters so far. Raises OSError if nobody answers."""
    caller = http.client.HTTPConnection("localhost", timeout=seconds)
    with socket.socket(socket.AF_UNIX) as caller.sock:
        caller.sock.settimeout(seconds)
        caller.sock.connect(str(path))
        caller.request("GET", "/api/stats")
        answer = caller.getresponse()
        if answer.status != http.client.OK:
            raise OSError(f"{path}: {answer.status} {answer.reason}")
        return json.loads(answer.read())
