"""Myths about ports: who runs out of them, and what brings them back."""
import errno
import socket
import time
from contextlib import closing

from network import LINUX, SERVER, Namespace

from myth.model import Myth, Side, Statement
from myth.stand import (answered, eventually, fetch, kernel_server, let_client_close, listen,
                        mayfly_client, mayfly_server, set_sysctls, stop, sysctl)

FIRST_PORT = 40_000
ONE_ADDRESS = "198.18.1.1-198.18.1.1"


def port_range(count: int) -> str:
    return f"{FIRST_PORT}-{FIRST_PORT + count - 1}"


def use_ports(client: Namespace, count: int) -> None:
    """The client's kernel chooses among so many."""
    set_sysctls(client, ip_local_port_range=port_range(count).replace("-", " "))


def sources(count: int, addresses: str = ONE_ADDRESS) -> dict:
    """The generator chooses among so many, and goes on when they have run out."""
    return {"sources": {"addresses": addresses, "ports": port_range(count)}, "state": "none"}


# -- SO_REUSEADDR --

PORTS = 20
RESTARTED, RESTARTED_PLAIN = "server listens again at once, with it", "the same without it"
CHOSEN = f"of {PORTS} connected again, the system chooses the port"
BOUND = f"of {PORTS} connected again, the program binds the port"
BOUND_PLAIN = "the same without timestamps"


def connects(client: Namespace, port: int | None) -> bool:
    """With SO_REUSEADDR, from a port that the program binds or that the kernel chooses."""
    with client.new_socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            connection.bind((LINUX, port))
        try:
            connection.connect((SERVER, 80))
        except OSError as error:
            assert error.errno == errno.EADDRNOTAVAIL, error
            return False
        return True


def await_time_waits(client: Namespace) -> None:
    eventually(lambda: client.sockets("time-wait") == PORTS)


def listens(namespace: Namespace, reuse: bool) -> str:
    with closing(namespace.new_socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        try:
            listener.bind(("", 80))
            listener.listen()
        except OSError:
            return "no"
    return "yes"


def connected_again(timestamps: bool, bind: bool) -> int:
    """How many ports in TIME_WAIT can be connected from once more, to the same server."""
    with kernel_server(let_client_close) as kernel:
        set_sysctls(kernel.client, tcp_timestamps=int(timestamps), tcp_tw_reuse=0)
        use_ports(kernel.client, PORTS)
        ports = [FIRST_PORT + number if bind else None for number in range(PORTS)]
        for port in ports:
            fetch(kernel.client, port and (LINUX, port), until_end=False)
        await_time_waits(kernel.client)
        return sum(connects(kernel.client, port) for port in ports)


def reuseaddr_of_linux() -> Side:
    with kernel_server() as kernel:
        fetch(kernel.client)
        stop(kernel.listener)
        listening = {reuse: listens(kernel.server, reuse) for reuse in (False, True)}
    return {RESTARTED: listening[True], RESTARTED_PLAIN: listening[False],
            CHOSEN: connected_again(timestamps=True, bind=False),
            BOUND: connected_again(timestamps=True, bind=True),
            BOUND_PLAIN: connected_again(timestamps=False, bind=True)}


def reuseaddr_of_mayfly() -> Side:
    """The generator binds nothing; what comes next to binding is `reuse: 1, reuse_delay: 0`."""
    with mayfly_server() as mayfly:
        fetch(mayfly.client)
        mayfly.server.interrupt()
        mayfly.server.wait()
        with mayfly_server(wire=mayfly.wire) as again:
            listening = "yes" if fetch(again.client) else "no"
    twice = sources(PORTS) | {"load": {"rate": 50, "connections": 2 * PORTS, "duration": "2s",
                                       "overcommit": True}}
    with mayfly_client() as load:
        chosen = load(twice)["opened"] - PORTS
        bound = load(twice | {"time_wait": {"reuse": 1, "reuse_delay": 0}})["opened"] - PORTS
    return {RESTARTED: listening, CHOSEN: chosen, BOUND: bound}


SO_REUSEADDR = Myth(
    "so_reuseaddr",
    "SO_REUSEADDR lets a program use ports again that are in TIME_WAIT.",
    "Set it on listening sockets; give a client more addresses, or timestamps and tcp_tw_reuse.",
    reuseaddr_of_linux, reuseaddr_of_mayfly,
    (Statement("a server that is started again can listen at once", True,
               lambda linux, mayfly: linux[RESTARTED_PLAIN] == "no"
               and linux[RESTARTED] == mayfly[RESTARTED] == "yes"),
     Statement("a client whose ports the system chooses can connect again", False,
               lambda linux, mayfly: linux[CHOSEN] + mayfly[CHOSEN] > 0),
     Statement("a client that binds the port can, where both ends have timestamps", True,
               lambda linux, mayfly: linux[BOUND] == mayfly[BOUND] == PORTS
               and linux[BOUND_PLAIN] == 0)))


# -- ip_local_port_range --

FEW, MANY, MORE = 100, 400, 50
UNTIL = {count: f"connections until no port is left, {count} ports" for count in (FEW, MANY)}
RATE = {count: f"connections/s that can last, {count} ports" for count in (FEW, MANY)}
ADDRESSES = f"connections until no port is left, {FEW} ports at two addresses"
IP_BIND_ADDRESS_NO_PORT = 24
LINUX_HOLD_S, MAYFLY_HOLD_S = 60, 1


def connect_from(client: Namespace, address: str) -> bool:
    """The port is chosen when the target is known, so that it need not be free for all targets."""
    with client.new_socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((address, 0))
        try:
            connection.connect((SERVER, 80))
        except OSError as error:
            assert error.errno == errno.EADDRNOTAVAIL, error
            return False
        return True


def port_range_of_linux() -> Side:
    figures: Side = {}
    for count in (FEW, MANY):
        with kernel_server(let_client_close) as kernel:
            use_ports(kernel.client, count)
            made = answered(kernel.client, count + MORE, until_end=False)
            figures[UNTIL[count]] = made
            figures[RATE[count]] = round(made / LINUX_HOLD_S, 1)
    with kernel_server(let_client_close) as kernel:
        use_ports(kernel.client, FEW)
        second = "198.18.0.3"
        kernel.client.ip("address", "add", f"{second}/15", "dev", kernel.wire.peer_device)
        figures[ADDRESSES] = sum(connect_from(kernel.client, address) for address in (LINUX, second)
                                 for _ in range(FEW + MORE))
    return figures


def port_range_of_mayfly() -> Side:
    figures: Side = {}
    asked = {"load": {"rate": 1000, "duration": "500ms", "overcommit": True}}
    lasting = {"load": {"rate": 1000, "duration": "3s", "overcommit": True},
               "time_wait": {"hold": f"{MAYFLY_HOLD_S}s"}}
    with mayfly_client() as load:
        for count in (FEW, MANY):
            figures[UNTIL[count]] = load(sources(count) | asked)["opened"]
            figures[RATE[count]] = round(load(sources(count) | lasting)["opened"] / 3, 1)
        figures[ADDRESSES] = load(sources(FEW, "198.18.1.1-198.18.1.2") | asked)["opened"]
    return figures


PORT_RANGE = Myth(
    "port_range",
    "A wider ip_local_port_range cures a client that runs out of ports.",
    "More addresses at either end, connections that are kept, or tcp_tw_reuse with timestamps.",
    port_range_of_linux, port_range_of_mayfly,
    (Statement("with four times the ports a client makes four times the connections", True,
               lambda linux, mayfly: all(
                   side[UNTIL[FEW]] * MANY == side[UNTIL[MANY]] * FEW > 0 and
                   3.5 < side[RATE[MANY]] / side[RATE[FEW]] < 4.5 for side in (linux, mayfly))),
     Statement("then it runs out no more", False,
               lambda linux, mayfly: any(side[UNTIL[MANY]] > MANY for side in (linux, mayfly))),
     Statement("nothing but ports helps", False,
               lambda linux, mayfly: any(side[ADDRESSES] <= FEW for side in (linux, mayfly)))))


# -- tcp_tw_reuse --

MADE = 100
SERVER_OFF, SERVER_ON = (f"TIME_WAITs of a server after {MADE} connections, {which}"
                         for which in ("off", "on"))
CLIENT_OFF, CLIENT_ON, CLIENT_TWO, LOOPBACK_TWO = (
    f"of {PORTS} connected again after a second, {which}" for which in (
        "off (0)", "on (1)", "at its default (2)", "at its default (2), over loopback"))
AFTER_S = 1.1  # tcp_tw_reuse_delay, and a little


def connected_later(reuse: int) -> int:
    with kernel_server(let_client_close) as kernel:
        set_sysctls(kernel.client, tcp_tw_reuse=reuse)
        use_ports(kernel.client, PORTS)
        assert answered(kernel.client, PORTS, until_end=False) == PORTS
        await_time_waits(kernel.client)
        time.sleep(AFTER_S)
        return answered(kernel.client, PORTS, until_end=False)


def connected_later_over_loopback() -> int:
    namespace = Namespace()
    try:
        listener = listen(namespace, let_client_close)
        set_sysctls(namespace, tcp_tw_reuse=2)
        use_ports(namespace, PORTS)
        here = {"to": ("127.0.0.1", 80), "until_end": False}
        assert answered(namespace, PORTS, **here) == PORTS
        await_time_waits(namespace)
        time.sleep(AFTER_S)
        again = answered(namespace, PORTS, **here)
        stop(listener)
    finally:
        namespace.remove()
    return again


def tw_reuse_server_of_linux() -> Side:
    figures: Side = {}
    for reuse, row in ((0, SERVER_OFF), (1, SERVER_ON)):
        with kernel_server(tcp_tw_reuse=reuse) as kernel:
            assert answered(kernel.client, MADE) == MADE
            time.sleep(AFTER_S)
            figures[row] = kernel.server.sockets("time-wait")
    return figures | {CLIENT_OFF: connected_later(0), CLIENT_ON: connected_later(1)}


def reused(load, reuse: int) -> int:
    """The generator's second twenty, each 1.3 s after the one before it on its port. Without reuse
    it waits in vain."""
    paced = {"load": {"rate": 15, "connections": 2 * PORTS, "overcommit": True,
                      "duration": "10s" if reuse == 1 else "3s"},
             "time_wait": {"reuse": reuse}}
    return load(sources(PORTS) | paced)["opened"] - PORTS


def tw_reuse_server_of_mayfly() -> Side:
    figures: Side = {}
    for policy, row in (("linux-default", SERVER_OFF), ("linux-tw-reuse", SERVER_ON)):
        with mayfly_server(policy=policy) as mayfly:
            assert answered(mayfly.client, MADE) == MADE
            eventually(lambda: mayfly.stats()["connections"] == 0)
            time.sleep(AFTER_S)
            figures[row] = mayfly.stats()["time_wait"]["now"]
    with mayfly_client() as load:
        return figures | {CLIENT_OFF: reused(load, 0), CLIENT_ON: reused(load, 1)}


TW_REUSE_SERVER = Myth(
    "tw_reuse_server",
    "tcp_tw_reuse = 1 frees a server of its TIME_WAITs.",
    "Set it where connections are opened: on proxies and load testers.",
    tw_reuse_server_of_linux, tw_reuse_server_of_mayfly,
    (Statement("a server has fewer TIME_WAITs with it", False,
               lambda linux, mayfly: any(side[SERVER_ON] < side[SERVER_OFF]
                                         for side in (linux, mayfly))),
     Statement("a client gets its ports back after a second", True,
               lambda linux, mayfly: all(side[CLIENT_OFF] == 0 and side[CLIENT_ON] == PORTS
                                         for side in (linux, mayfly)))))


def tw_reuse_default_of_linux() -> Side:
    with kernel_server() as kernel:
        default = sysctl(kernel.client, "tcp_tw_reuse")
    assert default == "2", f"this kernel's default is {default}"
    return {CLIENT_TWO: connected_later(2), LOOPBACK_TWO: connected_later_over_loopback()}


def tw_reuse_default_of_mayfly() -> Side:
    with mayfly_client() as load:
        return {CLIENT_TWO: reused(load, 2)}


TW_REUSE_DEFAULT = Myth(
    "tw_reuse_default",
    "Since Linux 4.19 tcp_tw_reuse is on by default: clients get their ports back.",
    "Set it to 1 on hosts that open many connections to few servers over a network.",
    tw_reuse_default_of_linux, tw_reuse_default_of_mayfly,
    (Statement("over a network", False,
               lambda linux, mayfly: linux[CLIENT_TWO] + mayfly[CLIENT_TWO] > 0),
     Statement("over loopback", True, lambda linux, mayfly: linux[LOOPBACK_TWO] == PORTS)))

MYTHS = (SO_REUSEADDR, PORT_RANGE, TW_REUSE_SERVER, TW_REUSE_DEFAULT)
