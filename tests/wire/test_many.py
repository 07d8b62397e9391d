"""Thousands of connections from Linux's own load generators, and not one of them may fail."""
import pytest
from tools import ab, wrk

CLOSE = ("-H", "Connection: close")


@pytest.mark.time_limit(60)
def test_ab_opens_20000_connections_and_none_fails(wire, serve):
    server = serve()
    counts = ab(wire.peer, "-n", "20000", "-c", "100")
    assert (counts["Complete requests"], counts["Failed requests"]) == (20_000, 0)
    report = server.stop()
    assert report["completed"] == report["accepted"] >= 20_000


@pytest.mark.time_limit(60)
def test_wrk_opens_20000_connections_and_none_fails(wire, serve):
    server = serve()
    done = 0
    while done < 20_000:
        counts = wrk(wire.peer, "-c", "50", "-d", "2s", *CLOSE)
        assert counts.keys() == {"requests"}, counts
        done += counts["requests"]
    assert server.stop()["completed"] >= done


@pytest.mark.time_limit(60)
def test_a_thousand_connections_at_once_all_succeed(wire, serve):
    server = serve()
    counts = ab(wire.peer, "-n", "10000", "-c", "1000")
    assert (counts["Complete requests"], counts["Failed requests"]) == (10_000, 0)
    report = server.stop()
    assert report["completed"] == report["accepted"] >= 10_000


def test_keep_alive_carries_many_requests_on_few_connections(wire, serve):
    server = serve({"close": {"first": "client"}})
    counts = ab(wire.peer, "-n", "20000", "-c", "50", "-k")
    assert (counts["Complete requests"], counts["Failed requests"]) == (20_000, 0)
    assert server.stop()["accepted"] < 1_000


def test_a_full_connection_table_refuses_and_recovers(wire, serve):
    server = serve({"connections": {"capacity": 64}})
    idle = [wire.peer.connect(80) for _ in range(64)]
    with pytest.raises(TimeoutError):
        wire.peer.connect(80, seconds=0.5)
    for connection in idle:
        connection.close()
    assert ab(wire.peer, "-n", "100", "-c", "4")["Failed requests"] == 0
    assert server.stop()["drops"]["table_full"] > 0


def test_linux_completes_every_handshake_that_begins_with_a_syn_cookie(wire, serve):
    server = serve({"connections": {"syn_cookies": "always"}})
    counts = ab(wire.peer, "-n", "5000", "-c", "50")
    assert (counts["Complete requests"], counts["Failed requests"]) == (5_000, 0)
    report = server.stop()
    # A SYN that meets a TIME_WAIT gets no cookie (RFC 6191): ab comes back to some of its ports.
    by_cookie, reopened = report["syn"]["cookies_accepted"], report["time_wait"]["reopened"]
    assert by_cookie > 2_500
    assert by_cookie + reopened >= report["accepted"] >= 5_000
