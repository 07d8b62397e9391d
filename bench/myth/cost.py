"""Myths about what TIME_WAIT costs: memory, time, and how much of it there can be."""
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mayfly import BINARY, ROOT
from network import LINUX, OFFLOADS_OFF, SERVER, Namespace, Wire, add_address, sh
from nginx import start_nginx

from myth.model import Myth, Side, Statement
from myth.stand import eventually, fetch, generate, kernel_server, lab, mayfly_server, timer_s

LOCATIONS = """location / { return 200 "hello\\n"; }"""
SERVER_FIRST = {"close": {"first": "server"}, "state": "none"}


@contextmanager
def nginx() -> Iterator[Wire]:
    """nginx on the kernel at the Linux end of a wire, for the generator."""
    with TemporaryDirectory() as folder:
        wire = Wire()
        try:
            start_nginx(wire, Path(folder), LOCATIONS)
            yield wire
        finally:
            wire.remove()  # and nginx, which writes to the folder


def fill(wire: Wire, connections: int, addresses: str) -> None:
    """So many connections that nginx closes first, as fast as both ends can."""
    report = generate(wire, SERVER_FIRST | {
        "sources": {"addresses": addresses, "ports": "1024-65535"},
        "load": {"rate": 0, "concurrency": 64, "connections": connections, "duration": "60s"}})
    assert report["completed"] == connections, report["failed_because"]


def on_rings(connections: int) -> dict:
    """Server and generator as two cores of one process: what the lab says of so many."""
    addresses = "198.18.1.1-198.18.1.4"
    both = {"close": {"first": "server"}, "time_wait": {"hold": "60s", "capacity": "200k"}}
    (result,) = lab({
        "server": both | {"cores": [0], "ports": [{"addresses": [f"{SERVER}/15"]}],
                          "http": {"routes": [{"path": "/", "body": "hello, mayfly\n"}]}},
        "client": both | {"cores": [1], "ports": [{"addresses": [f"{addresses}/15"]}],
                          "sources": {"addresses": addresses, "ports": "1024-65535"},
                          "load": {"concurrency": 64, "connections": connections,
                                   "duration": "60s"}},
        "experiments": [{"name": "one-port", "warm_up": "100ms"}]})["experiments"]
    return result


# -- a leak --

HELD, TIMED = 10_000, 500
ENTRIES, BYTES, BLOCK = "entries held, at least", "bytes an entry", "bytes an open connection"
FEW, MANY = (f"a connection takes, us, with {which} held" for which in ("none", "so many"))


def slab(name: str) -> tuple[int, int]:
    """(objects, bytes of each) of the kernel, those of all namespaces."""
    found = re.search(rf"^{name} +\d+ +(\d+) +(\d+)", Path("/proc/slabinfo").read_text(), re.M)
    assert found, f"no {name} in /proc/slabinfo"
    return int(found[1]), int(found[2])


def said_bytes(pattern: str, *words: object) -> int:
    """A number of bytes that mayfly says."""
    said = subprocess.run([BINARY, *words], capture_output=True, text=True, check=True).stdout
    return int(re.search(pattern, said)[1])


def takes_us(client: Namespace, address: str) -> int:
    """From connect to the server's FIN: the fastest twentieth, which other work disturbs least."""
    took = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        fetch(client, to=(address, 80))
        took.append(time.perf_counter() - begin)
    return round(sorted(took)[TIMED // 20] * 1e6)


def make_many(client: Namespace, address: str) -> None:
    """ab closes some of them first."""
    said = client.run("ab", "-q", "-n", str(HELD * 8 // 5), "-c", "20", f"http://{address}/")
    assert re.search(r"Failed requests: +0\b", said), said


def leak_of_linux() -> Side:
    with nginx() as wire:
        client = Namespace()
        try:
            sh("ip", "link", "set", wire.device, "netns", client.name)
            add_address(client, wire.device, f"{SERVER}/15")
            few = takes_us(client, LINUX)
            before, held_before = slab("tw_sock_TCP")[0], wire.peer.sockets("time-wait")
            make_many(client, LINUX)
            (after, size), held = slab("tw_sock_TCP"), wire.peer.sockets("time-wait")
            many = takes_us(client, LINUX)
        finally:
            client.remove()
    assert held >= HELD, held
    assert 0.9 < (after - before) / (held - held_before) < 1.2, "one object each"
    return {ENTRIES: HELD, BYTES: size, BLOCK: slab("TCP")[1], FEW: few, MANY: many}


def leak_of_mayfly() -> Side:
    with mayfly_server() as mayfly:
        few = takes_us(mayfly.client, SERVER)
        make_many(mayfly.client, SERVER)
        assert mayfly.stats()["time_wait"]["now"] >= HELD
        many = takes_us(mayfly.client, SERVER)
    return {ENTRIES: HELD,
            BYTES: said_bytes(r"entries x (\d+) B", "plan", "--rate", "10k", "--hold", "60s"),
            BLOCK: said_bytes(r"server connections +\d+ x \d+ x (\d+) B", "check", "-c",
                              ROOT / "conf/serve/veth.yaml"),
            FEW: few, MANY: many}


def undisturbed(measure: Callable[[], Side]) -> Callable[[], Side]:
    """Other work on this machine only ever adds time: the least of three stands."""
    def least() -> Side:
        sides = [measure() for _ in range(3)]
        return sides[0] | {name: min(side[name] for side in sides) for name in (FEW, MANY)}
    return least


LEAK = Myth(
    "leak",
    "Thousands of TIME_WAITs are a leak: they eat memory and slow the server down.",
    "Nothing, as long as ports and table last; look at the four-tuples, not at their number.",
    undisturbed(leak_of_linux), undisturbed(leak_of_mayfly),
    (Statement("an entry takes as much memory as an open connection", False,
               lambda linux, mayfly: any(side[BYTES] > side[BLOCK] / 4
                                         for side in (linux, mayfly))),
     Statement("connections are slower where many are held", False,
               lambda linux, mayfly: any(side[MANY] > 2 * side[FEW]
                                         for side in (linux, mayfly)))))


# -- 65,535 --

CONNECTIONS = 70_000
AT_ONE_PORT, AT_ONCE = "connections to one port of one address", "of them in TIME_WAIT at once"


def one_port_of_linux() -> Side:
    with nginx() as wire:
        fill(wire, CONNECTIONS, "198.18.1.1-198.18.1.4")
        time.sleep(0.5)  # the last of them still close
        return {AT_ONE_PORT: CONNECTIONS, AT_ONCE: wire.peer.sockets("time-wait")}


def one_port_of_mayfly() -> Side:
    server = on_rings(CONNECTIONS)["server"]
    return {AT_ONE_PORT: server["accepted"], AT_ONCE: server["time_wait"]["peak"]}


ONE_PORT = Myth(
    "one_port",
    "A server runs out of ports: it can have 65,535 connections.",
    "Count four-tuples: look for the client, proxy or NAT whose addresses are few.",
    one_port_of_linux, one_port_of_mayfly,
    (Statement("one port of a server holds 65,535 four-tuples at most", False,
               lambda linux, mayfly: min(linux[AT_ONCE], mayfly[AT_ONCE]) <= 65_535),))


# -- conntrack --

BY_STACK, BY_BOX = "TIME_WAIT of the server's stack, s", "conntrack's entry at the client, s"
BY_BOX_SHORT = "conntrack's entry at the client, its time-out set to 5 s, s"
STACK_THEN = "TIME_WAIT of the server's stack with that, s"
TRACKED = "entries in the conntrack of the server's own host"


def track(namespace: Namespace) -> None:
    """A rule that asks for the state makes the kernel track every connection."""
    for words in ("add table ip state",
                  "add chain ip state input { type filter hook input priority 0; }",
                  "add rule ip state input ct state established accept"):
        namespace.run("nft", *words.split())


def tracked(namespace: Namespace) -> list[int]:
    """The seconds that are left of each entry in TIME_WAIT."""
    text = namespace.run("cat", "/proc/net/nf_conntrack")
    return [int(seconds) for seconds in re.findall(r"tcp +6 (\d+) TIME_WAIT", text)]


def conntrack_s(client: Namespace, time_out: int) -> int:
    """Of one connection that the server closes first; conntrack cuts off what is below a second."""
    client.write("net/netfilter/nf_conntrack_tcp_timeout_time_wait", time_out)
    before = len(tracked(client))
    fetch(client)
    eventually(lambda: len(tracked(client)) == before + 1)
    return min(tracked(client), key=lambda left: abs(left - time_out)) + 1


def conntrack_of_linux() -> Side:
    figures: Side = {}
    for time_out, box, stack in ((120, BY_BOX, BY_STACK), (5, BY_BOX_SHORT, STACK_THEN)):
        with kernel_server() as kernel:
            track(kernel.client)
            track(kernel.server)
            figures[box] = conntrack_s(kernel.client, time_out)
            figures[stack] = timer_s(kernel.server, "time-wait")
            figures[TRACKED] = len(tracked(kernel.server))
    return figures


@contextmanager
def apart(wire: Wire) -> Iterator[Namespace]:
    """The server's end of the wire in a namespace whose kernel tracks connections."""
    namespace = Namespace()
    try:
        sh("ip", "link", "set", wire.device, "netns", namespace.name)
        namespace.run("ethtool", "-K", wire.device, *OFFLOADS_OFF)
        namespace.ip("link", "set", wire.device, "up")
        track(namespace)
        yield namespace
    finally:
        namespace.remove()


def conntrack_of_mayfly() -> Side:
    """With a hold of 1 s, which is waited for."""
    figures: Side = {}
    hold = {"time_wait": {"hold": "1s"}}
    for time_out, box, stack in ((120, BY_BOX, BY_STACK), (5, BY_BOX_SHORT, STACK_THEN)):
        wire = Wire()
        try:
            track(wire.peer)
            with apart(wire) as namespace, \
                    mayfly_server(hold, wire=wire, namespace=namespace) as mayfly:
                figures[box] = conntrack_s(mayfly.client, time_out)
                begin = time.monotonic()
                eventually(lambda: mayfly.stats()["time_wait"]["now"] == 0)
                figures[stack] = round(time.monotonic() - begin, 1)
                figures[TRACKED] = len(tracked(namespace))
        finally:
            wire.remove()
    return figures


CONNTRACK = Myth(
    "conntrack",
    "When TIME_WAIT is over at the socket, the four-tuple is free everywhere.",
    "Watch nf_conntrack_count beside ss; set conntrack's time-out to that of the sockets.",
    conntrack_of_linux, conntrack_of_mayfly,
    (Statement("conntrack forgets a connection when its socket does", False,
               lambda linux, mayfly: any(side[BY_BOX] <= side[BY_STACK]
                                         for side in (linux, mayfly))),
     Statement("conntrack's time-out changes the socket's", False,
               lambda linux, mayfly: any(abs(side[STACK_THEN] - side[BY_STACK]) > 1
                                         for side in (linux, mayfly)))))

MYTHS = (LEAK, ONE_PORT, CONNTRACK)
