"""What real networks do to peers: middleboxes that blank options, neighbours that move, and waits
that new settings cut short."""
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import load_settings
from network import LINUX, SERVER, Namespace, Wire, add_address
from peer import ARP, Ether
from test_ctl import ctl  # noqa: F401 (a fixture)
from tools import curl, eventually

ROUTER, CLIENT = "198.19.1.1", "198.19.1.2"
ROUTES = {"http": {"routes": [{"path": "/", "body": "hello, mayfly\n"},
                              {"path": "/big", "bytes": "1M"}]}}
BEHIND_A_ROUTER = {"addresses": [f"{SERVER}/24"], "gateway": LINUX}


@pytest.fixture
def far(wire: Wire):
    """A client behind the wire's Linux peer, which routes and blanks the client's timestamps on all
    but SYNs."""
    client = Namespace()
    try:
        wire.peer.ip("link", "add", "inner", "type", "veth", "peer", "name", "outer",
                     "netns", client.name)
        add_address(wire.peer, "inner", f"{ROUTER}/24")
        add_address(client, "outer", f"{CLIENT}/24")
        client.ip("route", "add", "default", "via", ROUTER)
        wire.peer.write("net/ipv4/ip_forward", 1)
        for words in ("add table ip blank",
                      "add chain ip blank forward { type filter hook forward priority 0; }",
                      "add rule ip blank forward iifname inner tcp flags & syn == 0x0 "
                      "counter reset tcp option timestamp"):
            wire.peer.run("nft", *words.split())
        yield client
    finally:
        client.remove()


def status_and_size(client: Namespace, path: str, seconds: float = 4) -> str:
    return client.run("curl", "-s", "-m", str(seconds), "-o", "/dev/null", "-w",
                      "%{http_code} %{size_download}", f"http://{SERVER}{path}", check=False)


def blanked(wire: Wire) -> int:
    rules = wire.peer.run("nft", "list", "ruleset")
    return int(rules.split("counter packets ")[1].split()[0])


def test_a_client_whose_timestamps_are_blanked_on_the_way_is_served(wire, serve, far):
    server = serve(ROUTES, port=BEHIND_A_ROUTER)
    assert status_and_size(far, "/") == "200 14"
    assert status_and_size(far, "/big") == "200 1000000"
    assert blanked(wire) > 10
    report = server.stop()
    assert report["timestamps_missing"] == 2
    assert (report["accepted"], report["completed"]) == (2, 2)
    assert "tcp_no_timestamp" not in report["drops"]


def test_a_port_is_used_again_though_timestamps_are_blanked(serve, far):
    server = serve(ROUTES, port=BEHIND_A_ROUTER)
    for _ in range(5):  # the server closes first: its TIME_WAIT is met by the next SYN
        connection = far.new_socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(4)
        connection.bind(("", 40_000))
        with connection:
            connection.connect((SERVER, 80))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        assert answer.endswith(b"hello, mayfly\n")
        eventually(lambda: far.sockets("last-ack") == 0)
    report = server.stop()
    assert report["time_wait"]["reopened_by_sequence"] == 4
    assert report["timestamps_missing"] == 5


def test_segments_whose_timestamps_were_blanked_are_dropped_if_they_are_to_be(serve, far):
    server = serve(ROUTES | {"tcp": {"timestamps_missing": "drop"}}, port=BEHIND_A_ROUTER)
    assert status_and_size(far, "/", 1) == "000 0"
    report = server.stop()
    assert report["drops"]["tcp_no_timestamp"] > 0
    assert report["accepted"] == 0


def test_a_load_whose_servers_timestamps_are_blanked_completes(wire, run_mayfly, far):
    """The generator beside the router, a Linux server behind it."""
    server = far.start("/usr/bin/python3", str(Path(__file__).with_name("linux_server.py")),
                       stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    settings = load_settings(f"net_af_packet0,iface={wire.device}", CLIENT, {
        "load": {"rate": "100", "duration": "1s"}, "close": {"first": "server"},
        "sources": {"addresses": "198.18.0.77"}})
    settings["ports"][0] |= {"addresses": ["198.18.0.77/24"], "gateway": LINUX}
    load = run_mayfly("load", settings)
    assert load.wait() == 0
    report = load.numbers()
    assert report["completed"] == report["opened"] > 50
    assert report["timestamps_missing"] == report["opened"]


def longest_gap(connection: socket.socket, move) -> tuple[int, float]:
    """Octets of a download at leisure, and the longest time without any, once `move` was called."""
    connection.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    octets, gap, last, started, moved = 0, 0.0, time.monotonic(), time.monotonic(), False
    while piece := connection.recv(4096):
        now = time.monotonic()
        octets, gap, last = octets + len(piece), max(gap, now - last), now
        if not moved and now - started > 1.2:
            move()
            moved, gap, last = True, 0.0, time.monotonic()
        time.sleep(0.01)
    assert moved
    return octets, gap


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("trust", [False, True])
def test_a_neighbour_that_moves_is_followed(wire, serve, announced, trust):
    # Unannounced it is noticed as soon as the peer asks for us, as for an ACK that it has to send,
    # or else by the first time-out; then the second one, 0.6 s after the move, reaches it.
    limit_s = 0.3 if announced else 0.9
    server = serve(ROUTES, port={"arp": {"trust": trust}})

    def gap_after_a_move_to(mac: str) -> float:
        def move() -> None:
            wire.peer.ip("link", "set", wire.peer_device, "address", mac)
            if announced:  # RFC 5227 2.3
                with wire.peer.new_socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
                    link.bind((wire.peer_device, 0))
                    link.send(bytes(Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") /
                                    ARP(op="who-has", hwsrc=mac, psrc=LINUX, pdst=LINUX)))

        connection = wire.peer.new_socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.settimeout(10)
        connection.connect((SERVER, 80))
        with connection:
            octets, gap = longest_gap(connection, move)
        assert octets > 1_000_000
        return gap

    gaps: list[float] = []
    while len(gaps) < 3 and min(gaps, default=limit_s) >= limit_s:  # a busy machine has gaps too
        gaps.append(gap_after_a_move_to(f"02:00:00:00:01:{len(gaps):02x}"))
    assert min(gaps) < limit_s
    report = server.stop()
    assert report["arp"]["conflicts"] >= 1
    assert report["arp"]["requests"] <= 8 * len(gaps)


def test_a_wait_in_fin_wait_2_ends_as_new_settings_say(wire, serve, ctl):
    server = serve(ROUTES | ctl.settings | {"fin_wait_2": {"hold": "0"}})
    with wire.peer.connect(80) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while connection.recv(4096):
            pass
        time.sleep(0.5)
        assert ctl.stats()["connections"] == 1
        ctl("set", "fin_wait_2.hold=1s")
        eventually(lambda: ctl.stats()["connections"] == 0, seconds=2)
    assert server.stop()["closed"]["fin_wait_2"] == 1


def test_keep_alive_that_is_switched_on_reaches_connections_that_are_idle(wire, serve, ctl):
    server = serve(ROUTES | ctl.settings)
    with wire.peer.connect(7) as connection:
        connection.sendall(b"hello")
        assert connection.recv(100) == b"hello"
        eventually(lambda: ctl.stats()["connections"] == 1)
        wire.peer.ip("link", "set", wire.peer_device, "down")  # the peer is gone
        ctl("set", "tcp.keep_alive.enabled=true", "tcp.keep_alive.idle=1s",
            "tcp.keep_alive.interval=200ms", "tcp.keep_alive.probes=3")
        eventually(lambda: ctl.stats()["connections"] == 0, seconds=4)
    assert server.stop()["closed"]["timed_out"] == 1
