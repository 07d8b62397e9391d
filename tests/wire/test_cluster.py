"""Servers with one secret: what one of them has begun, another goes on with."""
import subprocess
import time

import pytest
from mayfly import BINARY, Mayfly, serve_settings
from network import Wire, into_namespace
from peer import Peer
from scapy.layers.inet import TCP

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HALF = 2**31


@pytest.fixture
def wires():
    made = [Wire() for _ in range(3)]
    for wire in made:
        wire.host = into_namespace(wire.device)
    yield made
    for wire in made:
        wire.host.remove()
        wire.remove()


def secret_at(path, *options: str) -> str:
    subprocess.run([BINARY, "secret", path, *options], check=True, capture_output=True, timeout=10)
    return str(path)


def member(run_mayfly, wire: Wire, secret: str, core: int = 0, **changes) -> Mayfly:
    settings = serve_settings(f"net_af_packet0,iface={wire.device}", {
        "cores": [core], "cluster": {"secret": secret}, "connections": {"capacity": "1k"},
        "time_wait": {"capacity": "1k"}} | changes)
    return run_mayfly("serve", settings, namespace=wire.host).wait_ready()


def test_a_cookie_of_one_server_opens_a_connection_at_another(wires, run_mayfly, tmp_path):
    secret, other = secret_at(tmp_path / "secret"), secret_at(tmp_path / "other")
    always = {"connections": {"capacity": "1k", "syn_cookies": "always"}}
    servers = [member(run_mayfly, wires[0], secret, 0, **always),
               member(run_mayfly, wires[1], secret, 1), member(run_mayfly, wires[2], other, 1)]
    with Peer(wires[0].peer, wires[0].peer_device) as first, \
            Peer(wires[1].peer, wires[1].peer_device) as second, \
            Peer(wires[2].peer, wires[2].peer_device) as third:
        first.resolve(10)
        begun = first.flow(80)
        begun.send("S", options=[("MSS", 1460)])
        begun.expect("SA")
        second.resolve(10)
        moved = second.flow(80)
        moved.source_port, moved.seq, moved.ack = begun.source_port, begun.seq, begun.ack
        moved.send("A", REQUEST)
        assert moved.read_until("FA").startswith(b"HTTP/1.1 200 OK")
        third.resolve(10)
        stray = third.flow(80)
        stray.source_port, stray.seq, stray.ack = begun.source_port, begun.seq, begun.ack
        stray.send("A", REQUEST)
        stray.expect("R")
    assert servers[1].stop()["syn"]["cookies_accepted"] == 1


def numbers_at(wire: Wire) -> tuple[int, int]:
    """The ISN and the TSval that a server gives to one four-tuple, which it never opens."""
    with Peer(wire.peer, wire.peer_device) as peer:
        peer.resolve(10)
        flow = peer.flow(80)
        flow.source_port = 4_242
        flow.send("S", options=[("MSS", 1460), ("Timestamp", (1, 0))])
        answer = flow.expect("SA")[TCP]
        flow.send("R", seq=flow.seq)
        return answer.seq, dict(option for option in answer.options if option[0] == "Timestamp"
                                )["Timestamp"][0]


def test_numbers_of_a_four_tuple_rise_from_server_to_server_and_over_restarts(
        wires, run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    seen = []
    for _ in range(2):
        servers = [member(run_mayfly, wire, secret, i % 2) for i, wire in enumerate(wires)]
        for wire in wires + wires:
            seen.append(numbers_at(wire))
            time.sleep(0.02)  # more than the time stamp counters are apart
        for server in servers:
            server.kill()
    for before, after in zip(seen, seen[1:], strict=False):
        for one, next_one in zip(before, after, strict=True):
            assert 0 < (next_one - one) % 2**32 < HALF, seen


def test_a_secret_that_others_may_read_is_refused(run_mayfly, tmp_path):
    secret = secret_at(tmp_path / "secret")
    (tmp_path / "secret").chmod(0o644)
    server = run_mayfly("serve", serve_settings("net_null0", {"cluster": {"secret": secret}}))
    assert server.wait() == 2
    assert "chmod 600" in server.said()
