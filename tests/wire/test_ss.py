"""`mayfly ss`: the connections and TIME_WAIT entries of a running server."""
import json
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY
from network import SERVER
from tools import URL, curl, eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control"


def ss(path: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(BINARY), "ss", "--socket", str(path), *words], text=True, timeout=20,
                          capture_output=True, check=False)


def listed(path: Path, *words: str) -> list[dict]:
    done = ss(path, "--json", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def connect(wire, port: int) -> socket.socket:
    with wire.peer.entered():
        return socket.create_connection((SERVER, port), timeout=5)


def test_connections_and_entries_are_listed_with_what_is_known_of_them(wire, serve, path):
    server = serve({"admin": {"socket": str(path)}, "time_wait": {"hold": "60s"}})
    curl(wire.peer, URL)
    with connect(wire, 7) as echo, connect(wire, 80) as idle:
        echo.sendall(b"x" * 1000)
        assert len(echo.recv(1000, socket.MSG_WAITALL)) == 1000
        eventually(lambda: len(listed(path)) == 3)
        one = listed(path, "--port", "7")[0]
        assert one["state"] == "ESTABLISHED" and one["local"] == f"{SERVER}:7"
        assert one["peer"] == "{}:{}".format(*echo.getsockname())
        assert 0 < one["rtt_ms"] < 500 and one["cwnd"] > 1000 and one["send_queue"] == 0
        assert 0 <= one["age_s"] < 20
        entry = listed(path, "--state", "time-wait")[0]
        assert 40 < entry["left_s"] < 60 and entry["left_s"] + entry["age_s"] == pytest.approx(60)
        peer = idle.getsockname()[0]
        assert len(listed(path, "--peer", f"{peer}/32")) == 3
        assert not listed(path, "--peer", "10.0.0.0/8")
        table = ss(path).stdout.splitlines()
        assert table[0].split() == ["State", "Recv-Q", "Send-Q", "Local", "Peer", "Age"]
        assert len(table) == 4 and "ends in" in table[3]
    refused = ss(path, "--state", "asleep")
    assert refused.returncode == 1 and 'no state "asleep"' in refused.stderr
    assert not refused.stdout, "no title without a table"
    server.stop()


def test_a_peer_that_does_not_read_has_a_queue(wire, serve, path):
    server = serve({"admin": {"socket": str(path)}, "drain_timeout": "100ms",
                    "http": {"routes": [{"path": "/big", "bytes": "100M"}]}})
    with connect(wire, 80) as slow:
        slow.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: listed(path, "--port", "80")[0]["send_queue"] > 10_000_000)
    server.stop()


@pytest.mark.time_limit(60)
def test_a_long_list_under_load_shows_none_twice_and_costs_no_connection(wire, serve, path):
    server = serve({"admin": {"socket": str(path)}})
    with subprocess.Popen(["ip", "netns", "exec", wire.peer.name, "ab", "-q", "-c", "20", "-n",
                           "8000", URL], stdout=subprocess.PIPE, text=True) as ab:
        eventually(lambda: len(listed(path)) > 500, seconds=20)
        while ab.poll() is None:
            begin = time.monotonic()
            seen = [(one["local"], one["peer"]) for one in listed(path)]
            assert time.monotonic() - begin < 5
            assert len(set(seen)) == len(seen)
        said = ab.stdout.read()
    assert "Failed requests:        0" in said
    stats = subprocess.run([str(BINARY), "ctl", "--socket", str(path), "stats"], check=True,
                           capture_output=True, timeout=10).stdout
    held = json.loads(stats)["time_wait"]["now"]
    assert held > 5000 and len(listed(path, "--state", "time-wait")) == held
    assert server.stop()["drops"].get("ring_full", 0) == 0
