"""Two cores on one device: each connection belongs to one of them, wherever its frames arrive."""
import pytest
from tools import ab


def two_cores(device: str, queues: int) -> dict:
    return {"cores": [0, 1],
            "ports": [{"device": device, "addresses": ["198.18.0.1/15"], "queues": queues}]}


@pytest.mark.time_limit(60)
def test_two_cores_share_a_device_with_one_queue(wire, serve):
    """Software RSS: core 0 receives and sends for both."""
    server = serve(two_cores(f"net_af_packet0,iface={wire.device}", 1))
    counts = ab(wire.peer, "-n", "4000", "-c", "40")
    assert (counts["Complete requests"], counts["Failed requests"]) == (4_000, 0)
    report = server.stop()
    assert report["completed"] == report["accepted"] >= 4_000
    assert all(core["accepted"] > 1_000 for core in report["cores"])


@pytest.mark.time_limit(60)
def test_two_cores_with_a_queue_each_serve_all_connections(wire, serve):
    """The device spreads the frames; whichever core they reach, the connection is found."""
    server = serve(two_cores(f"net_af_packet0,iface={wire.device},qpairs=2", 0))
    counts = ab(wire.peer, "-n", "4000", "-c", "40")
    assert (counts["Complete requests"], counts["Failed requests"]) == (4_000, 0)
    report = server.stop()
    assert report["completed"] == report["accepted"] >= 4_000
