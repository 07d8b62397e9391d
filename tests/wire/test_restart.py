"""A server that is started again with the TIME_WAIT entries of the process before it."""
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mayfly import Mayfly, serve_settings
from peer import Flow, Peer

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HELD, HOLD = 3_000, 5


@pytest.fixture
def entries() -> Iterator[str]:
    """Where the entries are: one file for each core."""
    name = Path(f"/dev/shm/mayfly-test-{os.getpid()}")
    yield str(name)
    for file in name.parent.glob(f"{name.name}.*"):
        with contextlib.suppress(FileNotFoundError):
            file.unlink()


def start(run_mayfly, wire, folder: Path, entries: str) -> Mayfly:
    settings = serve_settings(f"net_af_packet0,iface={wire.device}", {
        "state": str(folder / "state.json"), "time_wait_file": entries,
        "time_wait": {"hold": f"{HOLD}s"}})
    return run_mayfly("serve", settings).wait_ready()


def closed_by_server(peer: Peer) -> Flow:
    """A connection whose FIN we can send again."""
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    flow.read_until("FA")
    flow.send("FA")
    flow.expect("A")
    return flow


def send_fin_again(flow) -> None:
    flow.send("FA", seq=(flow.seq - 1) % 2**32)


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["in order", "killed"])
def test_time_waits_outlive_the_process(wire, run_mayfly, tmp_path, entries, end):
    first = start(run_mayfly, wire, tmp_path, entries)
    wire.peer.run("ab", "-q", "-n", str(HELD), "-c", "20", "http://198.18.0.1/")
    with Peer(wire.peer, wire.peer_device) as peer:
        peer.resolve(10)
        flow = closed_by_server(peer)
        first.process.send_signal(end)
        first.process.wait(10)
        second = start(run_mayfly, wire, tmp_path, entries)
        assert ("checked one by one" in second.said()) == (end == signal.SIGKILL)
        send_fin_again(flow)
        again = flow.expect("A")
        assert again.ack == flow.seq, "acknowledged by the entry of the process before"
        wire.peer.run("curl", "-sf", "http://198.18.0.1/")
        time.sleep(HOLD + 0.3)  # the FIN has begun the hold anew
        send_fin_again(flow)
        flow.expect("R")
    time_wait = second.stop()["time_wait"]
    assert time_wait["carried_over"] >= HELD / 2, "those that ab did not close first"
    assert time_wait["restored_unclean"] == \
        (time_wait["carried_over"] if end == signal.SIGKILL else 0)
    assert time_wait["expired"] >= time_wait["carried_over"] - 1, "and each is held to its end"


def test_a_file_in_use_is_refused(wire, run_mayfly, tmp_path, entries):
    server = start(run_mayfly, wire, tmp_path, entries)
    settings = serve_settings("net_null0", {"time_wait_file": entries,
                                            "state": str(tmp_path / "other.json")})
    second = run_mayfly("serve", settings)
    assert second.wait() == 2
    assert "another process works with" in second.said()
    server.stop()
