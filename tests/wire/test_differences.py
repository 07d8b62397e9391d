"""The same scripts against Linux and against Mayfly: where they differ it is declared, with why."""
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from differences import PAGE, page
from mayfly import Mayfly, serve_settings
from network import SERVER, SERVER6, Namespace, Wire, add_address, add_address6, sh
from peer import Peer
from player import CPU, Player, Unexpected
from script import KERNEL, Script, all_scripts, parse

SCRIPTS = all_scripts()
SERVICES = Path(__file__).with_name("linux_server.py")

# Timers are out of the way and nothing is limited in rate, so that no answer depends on the time.
LINUX = {"tcp_timestamps": 1, "tcp_sack": 1, "tcp_dsack": 1, "tcp_window_scaling": 1, "tcp_ecn": 2,
         "tcp_rfc1337": 0, "tcp_syncookies": 1, "tcp_fin_timeout": 60, "tcp_early_retrans": 0,
         "tcp_rto_min_us": 2_000_000, "tcp_invalid_ratelimit": 0,
         "tcp_challenge_ack_limit": 1_000_000_000,
         "tcp_rmem": "4096 131072 131072", "tcp_wmem": "4096 16384 16384"}
MAYFLY = {"tcp": {"rto_initial": "2s", "rto_min": "2s", "challenge_ack_interval": "0",
                  "delayed_ack": "20ms"},
          "connections": {"send_chunks": 64}, "close": {"first": "server", "linger": 0}}


@pytest.fixture(scope="module", params=["198.18.0.77", "2001:db8::77"], ids=["IPv4", "IPv6"])
def own(request: pytest.FixtureRequest) -> str:
    """The address of the scripted peer."""
    return request.param


def on_the_wire(stack: ExitStack, own: str) -> tuple[Wire, Peer]:
    wire = Wire()
    stack.callback(wire.remove)
    return wire, stack.enter_context(Peer(wire.peer, wire.peer_device, own))


def is_older(kernel: str, than: str) -> bool:
    numbers = [[int(each) for each in re.findall(r"\d+", one)[:2]] for one in (kernel, than)]
    return numbers[0] < numbers[1]


@pytest.fixture(scope="module")
def linux(own: str) -> Iterator[Player]:
    """The kernel of a namespace, at the server's end of the wire."""
    if is_older(platform.release(), KERNEL):
        pytest.skip(f"the scripts tell what Linux {KERNEL} does, this is {platform.release()}")
    with ExitStack() as stack:
        wire, peer = on_the_wire(stack, own)
        server = Namespace()
        stack.callback(server.remove)
        sh("ip", "link", "set", wire.device, "netns", server.name)
        add_address(server, wire.device, f"{SERVER}/15")
        add_address6(server, wire.device, f"{SERVER6}/64")
        server.ip("neighbour", "replace", peer.address, "lladdr", peer.mac, "dev", wire.device)
        for name, value in LINUX.items():
            server.write(f"net/ipv4/{name}", value)
        services = server.start("taskset", "-c", str(CPU), "/usr/bin/python3", str(SERVICES),
                                stdout=subprocess.PIPE, text=True)
        assert services.stdout.readline() == "ready\n"
        peer.resolve()
        yield Player("linux", peer, server)


@pytest.fixture(scope="module")
def mayfly(own: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    with ExitStack() as stack:
        wire, peer = on_the_wire(stack, own)
        settings = serve_settings(f"net_af_packet0,iface={wire.device}", MAYFLY)
        settings["ports"][0] |= {"addresses": [f"{SERVER}/15", f"{SERVER6}/64"],
                                 "detect_duplicates": False}
        server = Mayfly("serve", settings, tmp_path_factory.mktemp("serve"))
        stack.callback(server.kill)
        server.wait_ready()
        peer.resolve()
        yield Player("mayfly", peer)


EXAMPLE = """
## A SYN is answered
RFC 9293 3.10.7.2
to discard
send S
linux  expect SA
mayfly expect nothing
differs for the sake of the example.
"""


def test_a_difference_has_to_be_declared():
    with pytest.raises(AssertionError, match="do not go together"):
        parse("\n".join(line for line in EXAMPLE.splitlines() if not line.startswith("differs")))


def test_a_declared_difference_has_to_be_one():
    with pytest.raises(AssertionError, match="do not go together"):
        parse(EXAMPLE.replace("expect nothing", "expect SA ack=1"))


def test_an_answer_that_no_script_tells_of_is_found(mayfly: Player):
    script, = parse(EXAMPLE)
    with pytest.raises(Unexpected, match="mayfly: expect nothing: SA seq=0 ack=1 .* came"):
        mayfly.play(script)


def name_of(script: Script) -> str:
    return f"{script.section}: {script.title}"


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_linux(linux: Player, script: Script):
    linux.play(script)


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_mayfly(mayfly: Player, script: Script):
    mayfly.play(script)


def test_the_page_tells_what_the_scripts_show():
    assert PAGE.read_text() == page(SCRIPTS), "run tests/wire/differences.py"
