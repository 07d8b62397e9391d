"""IPv6 between Mayfly and Linux: found by neighbour discovery, asked with curl and ping, closed by
either end, and reopened."""
import json
import re
import socket
import subprocess
import time

import pytest
from mayfly import BINARY, load_settings
from network import LINUX, Wire
from nginx import start_nginx
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tools import BODY, ask, curl, eventually

SERVER6, LINUX6 = "2001:db8::1", "2001:db8::2"
BOTH = {"addresses": ["198.18.0.1/15", f"{SERVER6}/64"], "detect_duplicates": False}


@pytest.fixture
def wire6(wire: Wire) -> Wire:
    """The wire, on which the Linux peer speaks IPv6 too."""
    wire.peer_speaks_ipv6(f"{LINUX6}/64")
    return wire


def connect6(wire: Wire, port: int = 80) -> socket.socket:
    connection = wire.peer.new_socket(socket.AF_INET6, socket.SOCK_STREAM)
    connection.settimeout(5)
    connection.connect((SERVER6, port))
    return connection


def ping(wire: Wire, data: bytes, size: int) -> bool:
    """An echo request by the Linux kernel; True if its data came back."""
    with wire.peer.new_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as echo:
        echo.settimeout(2)
        echo.connect((SERVER6, 0))
        echo.send(bytes((128, 0, 0, 0, 0, 7, 0, 1)) + data[:size])
        while (reply := echo.recv(4096))[0] != 129:  # neighbour discovery comes here too
            pass
    return reply[4:8] == bytes((0, 7, 0, 1)) and reply[8:] == data[:size]


def test_curl_and_ping_reach_a_server_of_both_families(wire6, serve):
    server = serve(port=BOTH)
    assert "2001:db8::1/64" in server.said()
    assert curl(wire6.peer, "-6", f"http://[{SERVER6}]/") == BODY.decode()
    assert curl(wire6.peer, "-4", "http://198.18.0.1/") == BODY.decode()
    for size in (0, 56, 1_452, 1_800):  # the last comes and goes in fragments
        assert ping(wire6, bytes(range(250)) * 7 + bytes(50), size)
    report = server.stop()
    assert report["accepted"] == report["completed"] == 2
    assert report["time_wait"]["opened"] == 2
    assert report["nd"]["advertisements"] >= 1
    assert report["reset"] == 0


def test_what_is_sent_has_right_checksums_and_lengths(wire6, serve, tmp_path):
    serve({"http": {"routes": [{"path": "/", "body": "hello, mayfly\n"},
                               {"path": "/big", "bytes": 200_000}]}}, port=BOTH)
    file = str(tmp_path / "ipv6.pcap")
    capture = wire6.peer.start("tcpdump", "-i", wire6.peer_device, "--immediate-mode", "-U",
                               "-w", file, "ip6", stderr=subprocess.PIPE, text=True)
    assert "listening on" in capture.stderr.readline()
    assert len(curl(wire6.peer, f"http://[{SERVER6}]/big")) == 200_000
    ping(wire6, b"hello", 5)
    ping(wire6, bytes(1_800), 1_800)  # comes back in fragments
    wire6.peer.run("curl", "-6", "-s", f"http://[{SERVER6}]:81/", check=False)  # an RST
    time.sleep(0.2)
    capture.terminate()
    capture.communicate()
    said = wire6.peer.run("tcpdump", "-n", "-vv", "-r", file)
    assert "neighbor advertisement" in said and "echo reply" in said
    assert "mss 1440" in said and "Flags [R." in said
    assert said.count("(correct)") + said.count("sum ok") > 50
    wrong = [line for line in said.splitlines()
             if re.search(r"incorrect|bad cksum|truncated", line)]
    assert not wrong, wrong
    # A second opinion, which also puts the fragments together.
    status = wire6.peer.run("tshark", "-r", file, "-o", "tcp.check_checksum:TRUE", "-Y",
                            f"ipv6.src == {SERVER6}", "-T", "fields", "-E", "separator=,",
                            "-e", "tcp.checksum.status", "-e", "icmpv6.checksum.status").split()
    good = [line for line in status if "1" in line.split(",")]
    assert len(good) > 50 and not [line for line in status if "0" in line.split(",")], status
    malformed = wire6.peer.run("tshark", "-r", file, "-Y",
                               "_ws.malformed or _ws.expert.severity == error")
    assert not malformed, malformed


def test_a_port_that_nobody_has_is_unreachable(wire6, serve):
    server = serve(port=BOTH)
    with wire6.peer.new_socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.connect((SERVER6, 53))
        udp.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            udp.recv(100)
    with pytest.raises(ConnectionRefusedError):
        connect6(wire6, 81)
    drops = server.stop()["drops"]
    assert (drops["udp_closed"], drops["tcp_no_listener"]) == (1, 1)


@pytest.mark.parametrize("timestamps", [1, 0], ids=["by timestamp", "by sequence number"])
def test_linux_reopens_mayflys_time_waits_from_5_ports(wire6, serve, timestamps):
    server = serve({"time_wait": {"hold": "60s"}}, port=BOTH)
    wire6.peer.write("net/ipv4/ip_local_port_range", "20000 20004")
    wire6.peer.write("net/ipv4/tcp_timestamps", timestamps)
    for _ in range(200):
        with connect6(wire6) as connection:
            ask(connection)
            assert connection.recv(1) == b"", "the server closes first"
    time_wait = server.stop()["time_wait"]
    assert time_wait["opened"] == 200
    assert time_wait["reopened"] >= 195
    assert time_wait["peak"] <= 5


def test_a_client_that_closes_first_holds_the_time_wait_itself(wire6, serve):
    server = serve({"close": {"first": "client", "grace": "2s"}}, port=BOTH)
    for _ in range(20):
        with connect6(wire6) as connection:
            ask(connection)
    report = server.stop()
    assert report["completed"] == 20
    assert report["time_wait"]["opened"] == 0
    assert len(wire6.peer.run("ss", "-6Htan", "state", "time-wait").splitlines()) == 20


def test_cookies_serve_ipv6(wire6, serve):
    server = serve({"connections": {"syn_cookies": "always"}}, port=BOTH)
    for _ in range(10):
        assert curl(wire6.peer, f"http://[{SERVER6}]/") == BODY.decode()
    report = server.stop()
    assert report["syn"]["cookies_accepted"] == report["completed"] == 10


def test_an_address_that_linux_has_too_is_said_so(wire6, serve):
    server = serve(port={"addresses": ["198.18.0.1/15", f"{LINUX6}/64", f"{SERVER6}/64"]})
    eventually(lambda: f"{LINUX6} is another host's too" in server.said())
    assert server.stop()["nd"]["duplicates"] == 1


@pytest.mark.parametrize("first", ["client", "server"])
def test_the_generator_loads_nginx_from_a_whole_112(wire6, run_mayfly, tmp_path, first):
    start_nginx(wire6, tmp_path, """location / { return 200 "hello\\n"; }""",
                address=f"[{LINUX6}]")
    wire6.peer.ip("-6", "route", "add", "2001:db8:1::/112", "via", "2001:db8::77")
    settings = load_settings(f"net_af_packet0,iface={wire6.device}", LINUX6,
                             {"sources": {"addresses": "2001:db8:1::/112"},
                              "close": {"first": first}})
    settings["ports"][0]["addresses"] = ["2001:db8::77/32"]
    load = run_mayfly("load", settings)
    report = load.report()
    assert "64,512 ports x 65,536 addresses" in load.said()
    assert report["completed"] == report["opened"] > 3_000
    assert not any(report["failed"].values()), report["failed"]
    assert (report["time_wait"]["peak"] > 0) == (first == "client")


@pytest.mark.parametrize(("option", "used", "other"), [("-4", LINUX, LINUX6),
                                                       ("-6", LINUX6, LINUX)])
def test_both_addresses_of_a_name_are_said(wire6, tmp_path, option, used, other):
    start_nginx(wire6, tmp_path, """location / { return 200 "hello\\n"; }""",
                address=f"[{used}]" if ":" in used else used)
    settings = load_settings(f"net_af_packet0,iface={wire6.device}", "web.mayfly.test",
                             {"load": {"connections": 20, "duration": "5s"}, "state": "none"})
    settings["ports"][0]["addresses"] = ["198.18.1.1/15", "2001:db8::77/64"]
    settings["sources"].pop("addresses", None)
    (tmp_path / "hosts").write_text(f"{LINUX} web.mayfly.test\n{LINUX6} web.mayfly.test\n")
    (tmp_path / "load.json").write_text(json.dumps(settings))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/hosts /etc/hosts && "
         f"exec {BINARY.resolve()} load {option} -c {tmp_path}/load.json --json {tmp_path}/r.json"],
        capture_output=True, text=True, timeout=25, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    mine = f"[{used}]" if ":" in used else used
    taken_by = "-4" if option == "-6" else "-6"
    assert f"target: web.mayfly.test is {mine}, and {other}, which {taken_by} takes" in done.stdout
    assert json.loads((tmp_path / "r.json").read_text())["completed"] == 20


def test_a_neighbour_of_ipv6_that_does_not_answer_is_named(wire6, run_mayfly):
    settings = load_settings(f"net_af_packet0,iface={wire6.device}", "2001:db8::99",
                             {"load": {"rate": 20, "duration": "3s", "timeout": "1500ms"}})
    settings["ports"][0]["addresses"] = ["2001:db8::77/64"]
    settings["sources"].pop("addresses", None)
    load = run_mayfly("load", settings)
    report = load.numbers()
    assert report["no_arp_answer_from"] == "2001:db8::99"
    assert report["failed_because"]["no_arp_answer"] > 0
    assert "nobody answers neighbour discovery for 2001:db8::99, the target" in load.said()


def echoes(wire: Wire, parts: list[tuple[int, bool, bytes]], number: int) -> bool:
    """Sends an echo request in fragments (offset, more, data); True if it is answered."""
    mac = re.search(r"lladdr (\S+)", wire.peer.ip("-6", "neighbor", "show", SERVER6))[1]
    with wire.peer.new_socket(socket.AF_PACKET, socket.SOCK_RAW) as raw, \
            wire.peer.new_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as hear:
        raw.bind((wire.peer_device, 0))
        hear.settimeout(0.5)
        for offset, more, data in parts:
            raw.send(bytes(Ether(dst=mac) / IPv6(src=LINUX6, dst=SERVER6) /
                           IPv6ExtHdrFragment(nh=58, id=number, offset=offset // 8, m=int(more)) /
                           Raw(data)))
        try:
            while hear.recv(4096)[0] != 129:
                pass
        except TimeoutError:
            return False
    return True


def test_fragments_are_put_together_and_an_overlap_drops_all(wire6, serve):
    """After OpenBSD's regress/sys/netinet6/frag6: RFC 8200 4.5, RFC 5722 4, RFC 6946 4."""
    server = serve(port=BOTH)
    assert ping(wire6, b"hello", 5)
    request = ICMPv6EchoRequest(id=7, data=b"ABCDEFGHIJKLMNOP")
    whole = bytes(IPv6(src=LINUX6, dst=SERVER6) / request)[40:]
    assert echoes(wire6, [(0, True, whole[:8]), (8, True, whole[8:16]), (16, False, whole[16:])], 1)
    assert echoes(wire6, [(16, False, whole[16:]), (8, True, whole[8:16]), (0, True, whole[:8])], 2)
    assert not echoes(wire6, [(0, True, whole[:8]), (8, True, whole[8:16]), (8, False, b"01234567"),
                              (16, False, whole[16:])], 3)
    assert echoes(wire6, [(0, False, whole)], 4), "an atomic fragment"
    assert server.stop()["drops"]["fragment_overlap"] == 2


def test_a_router_that_is_asked_for_leads_to_other_links(wire6, serve):
    """gateway: ra. The router is played by hand, the far host is an address of Linux."""
    wire6.peer.ip("address", "add", "2001:db8:9::9/128", "dev", "lo")
    server = serve(port=BOTH | {"gateway": ["198.18.0.2", "ra"]})
    with wire6.peer.new_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as router:
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                          int(wire6.peer.run("cat", f"/sys/class/net/{wire6.peer_device}/ifindex")))
        advertised = bytes((134, 0, 0, 0, 64, 0, 0x07, 0x08)) + bytes(8)
        router.sendto(advertised, ("ff02::1", 0))

        def reaches() -> bool:
            router.sendto(advertised, ("ff02::1", 0))
            return BODY.decode() in wire6.peer.run("curl", "-6", "-s", "--max-time", "1",
                                                   "--interface", "2001:db8:9::9",
                                                   f"http://[{SERVER6}]/", check=False)
        eventually(reaches, 10)
    assert server.stop()["drops"].get("no_route", 0) < 20
