"""The client generator: against nginx over a wire, and our own server over shared memory."""
from pathlib import Path

import pytest
from mayfly import load_settings, serve_settings
from network import LINUX, Wire
from nginx import start_nginx

LOCATIONS = """location / { return 200 "hello from nginx\\n"; }"""

FEW_PORTS = {"sources": {"addresses": "198.18.1.1-198.18.1.1", "ports": "2000-2099"}}


@pytest.fixture
def nginx(wire: Wire, tmp_path: Path) -> None:
    start_nginx(wire, tmp_path, LOCATIONS)


def veth_settings(wire: Wire, changes: dict) -> dict:
    return load_settings(f"net_af_packet0,iface={wire.device}", LINUX, changes)


@pytest.mark.parametrize("first", ["client", "server"])
def test_every_connection_to_nginx_completes(wire, nginx, run_mayfly, first):
    load = run_mayfly("load", veth_settings(wire, {"close": {"first": first}}))
    report = load.report()
    assert report["completed"] == report["opened"] > 3_000
    assert not any(report["failed"].values()), report["failed"]
    assert (report["time_wait"]["peak"] > 0) == (first == "client")
    assert (wire.peer.sockets("time-wait") > 0) == (first == "server")


def test_connections_closed_by_reset_leave_no_time_wait_anywhere(wire, nginx, run_mayfly):
    report = run_mayfly("load", veth_settings(wire, {"close": {"first": "reset"}})).report()
    assert report["completed"] == report["opened"] > 3_000
    assert report["time_wait"]["peak"] == 0
    assert wire.peer.sockets("time-wait") == 0


def test_a_closed_loop_runs_a_given_number_of_connections(wire, nginx, run_mayfly):
    shape = {"rate": 0, "concurrency": 20, "connections": 3_000, "duration": "20s"}
    report = run_mayfly("load", veth_settings(wire, {"load": shape})).report()
    assert (report["opened"], report["completed"]) == (3_000, 3_000)


def test_keep_alive_sends_several_requests_on_a_connection(wire, nginx, run_mayfly):
    shape = {"rate": 500, "requests_per_connection": 10}
    report = run_mayfly("load", veth_settings(wire, {"load": shape})).report()
    assert report["completed"] == report["opened"] > 500
    assert not any(report["failed"].values()), report["failed"]


def test_refused_connections_are_counted_as_failed(wire, run_mayfly):
    shape = {"rate": 100, "duration": "1s"}
    load = run_mayfly("load", veth_settings(wire, {"load": shape}))  # nobody listens there
    assert load.numbers()["completed"] == 0
    assert load.numbers()["failed"]["refused"] > 50


def test_a_load_that_must_run_out_of_ports_is_refused_with_the_arithmetic(wire, run_mayfly):
    load = run_mayfly("load", veth_settings(wire, FEW_PORTS))
    assert load.wait() == 2
    for words in ("100 ports x 1 address = 100 sources", "run out after 0.1 s", "load.overcommit"):
        assert words in load.said(), load.said()


def test_running_out_of_ports_is_said_and_counted(wire, nginx, run_mayfly):
    load = run_mayfly("load", veth_settings(wire, FEW_PORTS | {"load": {"overcommit": True}}))
    assert load.numbers()["opened"] == 100
    assert load.numbers()["port_exhausted"] > 0


def test_long_answers_pass_a_memif_with_short_buffers(run_mayfly, tmp_path):
    device = f"net_memif0,id=0,socket={tmp_path}/memif.sock,socket-abstract=no,rsize=12,bsize=640"
    serve = serve_settings(device + ",role=server",
                           {"http": {"routes": [{"path": "/", "bytes": 100_000}]}})
    load = load_settings(device + ",role=client", "198.18.0.1",
                         {"load": {"rate": 200, "duration": "1s"}})
    for settings in (serve, load):
        settings["ports"][0]["mtu"] = 576
    server = run_mayfly("serve", serve).wait_ready()
    theirs, ours = run_mayfly("load", load).report(), server.stop()
    assert theirs["completed"] == theirs["opened"] > 100
    assert not any(theirs["failed"].values()), theirs["failed"]
    assert not any(ours["drops"].values()), ours["drops"]


@pytest.mark.parametrize("first", ["server", "client"])
def test_server_and_generator_meet_over_shared_memory(run_mayfly, tmp_path, first):
    device = f"net_memif0,id=0,socket={tmp_path}/memif.sock,socket-abstract=no,rsize=12"
    close = {"close": {"first": first}}
    server = run_mayfly("serve", serve_settings(device + ",role=server", close)).wait_ready()
    changes = close | {"load": {"rate": "10k", "duration": "2s"}}
    load = run_mayfly("load", load_settings(device + ",role=client", "198.18.0.1", changes))
    theirs, ours = load.report(), server.stop()
    assert theirs["completed"] == theirs["opened"] > 15_000
    assert not any(theirs["failed"].values()), theirs["failed"]
    assert ours["accepted"] == theirs["opened"]
    holder, other = (ours, theirs) if first == "server" else (theirs, ours)
    assert holder["time_wait"]["peak"] > 15_000
    assert other["time_wait"]["peak"] == 0
