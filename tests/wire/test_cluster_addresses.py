"""An address that several servers of one link have: `arp: false`. Linux, as the router, finds it by
a route through the server's own address, and by nothing else."""
import socket

import pytest
from network import LINUX6, SERVER, SERVER6, Wire
from tools import curl

SERVICE, SERVICE6 = "198.19.0.1", "2001:db8::19"  # both on the Linux peer's link


@pytest.fixture
def router(wire: Wire) -> Wire:
    device = wire.peer_device
    wire.peer_speaks_ipv6(f"{LINUX6}/64")
    for family in ("ipv4", "ipv6"):  # gives up soon
        wire.peer.write(f"net/{family}/neigh/{device}/retrans_time_ms", 100)
    return wire


def reaches(router: Wire, service: str) -> bool:
    """An echo request by the Linux kernel comes back."""
    six = ":" in service
    kind = (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) if six else \
        (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with router.peer.new_socket(*kind) as echo:
        echo.settimeout(1)
        echo.connect((service, 0))
        try:
            echo.send(bytes((128, 0, 0, 0, 0, 7, 0, 1)) if six else
                      bytes((8, 0, 0xf7, 0xf7, 0, 7, 0, 1)))
            while True:
                heard = echo.recv(100)
                if heard[0 if six else 20] == (129 if six else 0):
                    return True
        except OSError:  # nobody is there
            return False


def test_a_router_finds_an_address_without_arp_by_its_route_alone(router, serve):
    addresses = [f"{SERVER}/15", f"{SERVER6}/64",
                 {"range": f"{SERVICE}/32", "arp": False},
                 {"range": f"{SERVICE6}/128", "arp": False}]
    server = serve(port={"addresses": addresses, "detect_duplicates": False})
    assert f"{SERVICE}/32 (no ARP)" in server.said()
    assert reaches(router, SERVER) and reaches(router, SERVER6)
    assert not reaches(router, SERVICE) and not reaches(router, SERVICE6)
    known = [line.split() for line in router.peer.ip("neighbour", "show").splitlines()]
    assert not [words for words in known if words[0] in (SERVICE, SERVICE6) and "lladdr" in words]
    router.peer.ip("route", "add", f"{SERVICE}/32", "via", SERVER)
    router.peer.ip("-6", "route", "add", f"{SERVICE6}/128", "via", SERVER6)
    for service, url in ((SERVICE, SERVICE), (SERVICE6, f"[{SERVICE6}]")):
        assert reaches(router, service)
        assert curl(router.peer, f"http://{url}/") == "hello, mayfly\n"
    report = server.stop()
    assert report["accepted"] == report["completed"] == 2
    assert report["arp"]["conflicts"] == report["nd"]["duplicates"] == 0
