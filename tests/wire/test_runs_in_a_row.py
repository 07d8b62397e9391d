"""What outlives a process (state): the numbers of a run go on where those of the run before ended,
so that its peers' TIME_WAITs take them for new."""
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mayfly import Mayfly, load_settings
from network import LINUX, Wire
from peer import TCP, Flow

FEW_SOURCES = {
    "sources": {"addresses": "198.18.1.1-198.18.1.16", "ports": "2000-2007"},  # 128
    "load": {"rate": 0, "concurrency": 4, "connections": 400, "duration": "20s"},
    "close": {"first": "server"},
}
HALF = 2**31


@pytest.fixture
def linux(wire: Wire) -> Iterator[None]:
    """The kernel's server, which closes first and so holds the TIME_WAITs, for 60 s."""
    script = Path(__file__).with_name("linux_server.py")
    process = wire.peer.start(sys.executable, str(script), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield


def run_once(wire: Wire, run_mayfly, state: str) -> tuple[dict, str]:
    settings = load_settings(f"net_af_packet0,iface={wire.device}", LINUX,
                             FEW_SOURCES | {"state": state})
    load = run_mayfly("load", settings)
    return load.report(), load.said()


@pytest.mark.time_limit(120)
def test_ten_runs_in_a_row_connect_at_once(wire, linux, run_mayfly, tmp_path):
    state = tmp_path / "state.json"
    for number in range(10):
        report, said = run_once(wire, run_mayfly, str(state))
        assert report["completed"] == 400, said
        assert report["connect_latency_us"]["p50"] < 1_000, (number, said)
        assert report["connect_latency_us"]["max"] < 500_000, (number, said)
        assert report["challenged_sources"] == 0, (number, said)
        assert wire.peer.sockets("time-wait") == 128, "all the sources"
    assert state.stat().st_mode & 0o777 == 0o600


@pytest.mark.time_limit(60)
def test_a_clock_that_has_come_far_does_all_that_a_new_one_does(wire, linux, run_mayfly, tmp_path):
    state = tmp_path / "state.json"
    run_once(wire, run_mayfly, str(state))
    years = json.loads(state.read_text())
    for key in ("clock_us", "reserved_us"):
        years[key] += 200 * 365 * 24 * 3600 * 1_000_000
    state.write_text(json.dumps(years))
    holding = {"close": {"first": "client"}, "time_wait": {"hold": "300ms", "capacity": "64k"},
               "load": {"rate": 200, "connections": 400, "duration": "10s"}}
    settings = load_settings(f"net_af_packet0,iface={wire.device}", LINUX,
                             FEW_SOURCES | holding | {"state": str(state)})
    report = run_mayfly("load", settings).report()
    assert report["completed"] == 400
    assert 0 < report["time_wait"]["peak"] <= 128


@pytest.mark.time_limit(60)
def test_a_run_that_forgot_the_one_before_resets_its_time_waits_and_comes_again(wire, linux,
                                                                                run_mayfly):
    """Without a state about half of the addresses have a clock that is behind the one before."""
    run_once(wire, run_mayfly, "none")
    report, said = run_once(wire, run_mayfly, "none")
    challenged = report["challenged_sources"]
    assert 0 < challenged <= 128
    assert f"  {challenged} source pairs were still in TIME_WAIT at the target" in said
    assert report["syn"]["challenged"] == challenged, "one SYN each, once"
    assert report["connect_latency_us"]["p50"] < 1_000, said
    assert report["connect_latency_us"]["max"] < 500_000, "nobody waited for the time-out"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_the_numbers_of_a_server_go_on_after_a_restart(serve, peer, tmp_path, end):
    state = str(tmp_path / "state.json")
    seen = []
    for _ in range(3):
        server = serve({"state": state})
        flow = Flow(peer, 80, 45_000)
        flow.send("S", options=[("MSS", 1460), ("Timestamp", (1, 0))])
        answer = flow.expect("SA")[TCP]
        flow.send("R", seq=answer.ack)
        stamp = dict(option for option in answer.options if option[1])["Timestamp"][0]
        seen.append((answer.seq, stamp))
        server.process.send_signal(end)
        server.wait()
    for (seq, stamp), (next_seq, next_stamp) in zip(seen, seen[1:]):
        assert 0 < (next_seq - seq) % 2**32 < HALF, seen
        assert 0 < (next_stamp - stamp) % 2**32 < HALF, seen


def refused(run_mayfly, wire: Wire, state: str) -> str:
    load: Mayfly = run_mayfly("load", load_settings(f"net_af_packet0,iface={wire.device}", LINUX,
                                                    FEW_SOURCES | {"state": state}))
    assert load.wait() == 2, load.said()
    return load.said()


def test_a_state_that_the_user_named_and_that_will_not_do_is_refused(wire, run_mayfly, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.write_text("{")
    said = refused(run_mayfly, wire, str(damaged))
    assert f"the state file {damaged} is damaged: remove it" in said
    said = refused(run_mayfly, wire, str(tmp_path / "none" / "state"))
    assert "No such file or directory" in said


@pytest.mark.time_limit(60)
def test_a_default_state_that_will_not_do_is_told_and_done_without(wire, linux, run_mayfly,
                                                                   tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    report, said = run_once(wire, run_mayfly, "auto")
    assert report["completed"] == 400
    assert "will not go on in the next run" in said
