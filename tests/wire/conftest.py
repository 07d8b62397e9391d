"""Fixtures: a Linux peer in a namespace, and the server on the other end of its wire."""
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mayfly import BINARY, Mayfly, serve_settings
from network import Wire, remove_leftovers
from peer import Peer

Serve = Callable[..., Mayfly]
TIME_LIMIT_S = 30


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"time_limit(seconds): {TIME_LIMIT_S} s by default")


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.geteuid() != 0:
        pytest.exit("the wire tests make network namespaces: run them as root", 2)
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built", 2)
    remove_leftovers()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # ab -c 1000 inherits it
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(autouse=True)
def time_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    marker = request.node.get_closest_marker("time_limit")
    seconds = marker.args[0] if marker else TIME_LIMIT_S

    def expire(*_):
        pytest.fail(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.remove()


@pytest.fixture
def run_mayfly(tmp_path: Path) -> Iterator[Callable[..., Mayfly]]:
    """Starts the binary: run_mayfly(command, settings, *options). It ends with the test."""
    started: list[Mayfly] = []

    def start(command: str, settings: dict, *options: str, **where) -> Mayfly:
        started.append(Mayfly(command, settings, tmp_path / str(len(started)), *options, **where))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def serve(wire: Wire, run_mayfly: Callable[..., Mayfly]) -> Serve:
    """Starts the server on the wire and waits until it is ready.

    serve({"close": {"first": "client"}}, port={"vlan": 12}) changes them.
    """
    def start(changes: dict | None = None, port: dict | None = None) -> Mayfly:
        settings = serve_settings(f"net_af_packet0,iface={wire.device}", changes)
        settings["ports"][0] |= port or {}
        return run_mayfly("serve", settings).wait_ready()

    return start


@pytest.fixture
def peer(wire: Wire) -> Iterator[Peer]:
    """A scripted TCP peer beside the Linux one, with an address that no kernel answers for."""
    with Peer(wire.peer, wire.peer_device) as made:
        yield made
