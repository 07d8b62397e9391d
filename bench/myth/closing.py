"""Myths about the end of a connection: who closes it, how, and how long it is remembered."""
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from mayfly import MEGABYTE
from network import SERVER, Namespace
from peer import Flow, Peer, payload_of

from myth.model import Myth, Side, Statement
from myth.stand import (ANSWER, BODY, KEPT_REQUEST, REQUEST, answer_to, answer_to_fin_again,
                        eventually, finish, kernel_server, lab, mayfly_server, read_request,
                        together)

# -- SO_LINGER 0 --

FETCHES = 10
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
FIN_WHOLE, RST_WHOLE, RST_ERRORS, FIN_HELD, RST_HELD = (
    f"of {FETCHES} {what}" for what in (
        "answers of 1 MB whole, closed by FIN", "answers of 1 MB whole, closed by RST",
        "clients that saw an error, closed by RST", "in TIME_WAIT, closed by FIN",
        "in TIME_WAIT, closed by RST"))


def answer_with_a_megabyte(connection: socket.socket) -> None:
    if read_request(connection):
        connection.sendall(bytes(MEGABYTE))


def answer_and_reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    answer_with_a_megabyte(connection)


def read_slowly(client: Namespace) -> tuple[int, bool]:
    """(octets received, whether it ended in an error): a client with a small window."""
    with client.new_socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.settimeout(10)
        connection.connect((SERVER, 80))
        connection.sendall(REQUEST.replace(b"GET /", b"GET /big"))
        received = 0
        try:
            while part := connection.recv(16_384):
                received += len(part)
                time.sleep(0.0005)
        except ConnectionResetError:
            return received, True
        return received, False


def read_all(client: Namespace) -> tuple[int, int]:
    """(whole answers, errors)"""
    ends = together(FETCHES, lambda: read_slowly(client))
    return (sum(received >= MEGABYTE for received, _ in ends), sum(error for _, error in ends))


def so_linger_of_linux() -> Side:
    with kernel_server(answer_with_a_megabyte) as kernel:
        whole, errors = read_all(kernel.client)
        assert errors == 0
        figures: Side = {FIN_WHOLE: whole, FIN_HELD: kernel.server.sockets("time-wait")}
    with kernel_server(answer_and_reset) as kernel:
        figures[RST_WHOLE], figures[RST_ERRORS] = read_all(kernel.client)
        figures[RST_HELD] = kernel.server.sockets("time-wait")
    return figures


def so_linger_of_mayfly() -> Side:
    figures: Side = {}
    big = {"http": {"routes": [{"path": "/big", "bytes": MEGABYTE}]}}
    with mayfly_server(big) as mayfly:
        figures[FIN_WHOLE], errors = read_all(mayfly.client)
        assert errors == 0
        eventually(lambda: mayfly.stats()["time_wait"]["now"] == FETCHES)
        figures[FIN_HELD] = mayfly.stats()["time_wait"]["now"]
    with mayfly_server(big, policy="reset") as mayfly:
        figures[RST_WHOLE], figures[RST_ERRORS] = read_all(mayfly.client)
        figures[RST_HELD] = mayfly.stats()["time_wait"]["now"]
    return figures


SO_LINGER = Myth(
    "so_linger_0",
    "SO_LINGER with a time of 0 is a harmless cure.",
    "Only after the peer has acknowledged everything, and where an error at the end does no harm.",
    so_linger_of_linux, so_linger_of_mayfly,
    (Statement("it leaves no TIME_WAIT", True,
               lambda linux, mayfly: linux[RST_HELD] == mayfly[RST_HELD] == 0 and
               linux[FIN_HELD] == mayfly[FIN_HELD] == FETCHES),
     Statement("the kernel still delivers what was sent", False,
               lambda linux, mayfly: linux[RST_WHOLE] > 0),
     Statement("clients notice nothing", False,
               lambda linux, mayfly: linux[RST_ERRORS] + mayfly[RST_ERRORS] == 0)))


# -- a shorter MSL --

HELD, NOT_HELD = "held for 60 s", "not held"
FIN_AGAIN = {which: f"answer to a FIN that is sent again, {which}" for which in (HELD, NOT_HELD)}
LOWER_SYN = {which: f"answer to a SYN with lower numbers, {which}" for which in (HELD, NOT_HELD)}
OLD_REQUEST = {which: f"old request answered in the new connection, {which}"
               for which in (HELD, NOT_HELD)}
HOLDS = {"60s": "a hold of 60 s", "1s": "a hold of 1 s", "0": "no hold"}
OLD_TEXT = {hold: f"old text accepted, of 10,000 simulated, {words}"
            for hold, words in HOLDS.items()}
ERRORS = {hold: f"peers reset in LAST_ACK, of 10,000 simulated, {words}"
          for hold, words in HOLDS.items()}
WINDOW = [("MSS", 1460), ("NOP", None), ("WScale", 10)]


def ended(peer: Peer) -> Flow:
    """A connection without timestamps that the server has closed first. A copy of its request is
    still on its way: `flow.old`."""
    flow = peer.flow(80)
    flow.first = flow.seq
    flow.open(WINDOW)
    flow.old = flow.segment("A", REQUEST)
    flow.send("A", REQUEST)
    assert flow.read_until("FA").endswith(BODY)
    return finish(flow)


def is_old_request_answered(flow: Flow) -> str:
    """The peer is a new one: it resets what it does not know, and its SYN has the numbers that the
    old one had. It never sends a request."""
    flow.seq = flow.first
    flow.send("S", options=WINDOW)
    first = next(flow.arrived(0.5))
    if first["TCP"].flags != "SA":
        flow.send("R", seq=first["TCP"].ack)
        time.sleep(0.01)
        flow.send("S", seq=flow.first, options=WINDOW)
        first = next(flow.arrived(0.5))
        assert first["TCP"].flags == "SA", first.summary()
    flow.ack = (first["TCP"].seq + 1) % 2**32
    flow.send("A")
    flow.peer.send(flow.old)
    return "yes" if any(payload_of(packet) for packet in flow.arrived(0.3)) else "no"


def hazards(client: Namespace, device: str, which: str) -> Side:
    with Peer(client, device) as peer:
        again = answer_to_fin_again(ended(peer))
        flow = ended(peer)
        flow.send("S", seq=flow.first, options=WINDOW)
        lower = answer_to(flow)
        return {FIN_AGAIN[which]: again, LOWER_SYN[which]: lower,
                OLD_REQUEST[which]: is_old_request_answered(ended(peer))}


def short_msl_of_linux() -> Side:
    figures: Side = {}
    for which, buckets in ((HELD, 1000), (NOT_HELD, 0)):
        with kernel_server(tcp_max_tw_buckets=buckets) as kernel:
            figures |= hazards(kernel.client, kernel.wire.peer_device, which)
    return figures


def short_msl_of_mayfly() -> Side:
    figures: Side = {}
    for which, hold in ((HELD, "60s"), (NOT_HELD, 0)):
        with mayfly_server({"time_wait": {"hold": hold}}) as mayfly:
            figures |= hazards(mayfly.client, mayfly.wire.peer_device, which)
    return figures | ledger()


def ledger() -> Side:
    """The hazard lab, with holds alone that differ."""
    both = {"close": {"first": "server"}, "time_wait": {"hold": "60s"}}
    with TemporaryDirectory() as name:
        policies = []
        for hold in HOLDS:
            policies.append(f"{name}/hold-{hold}.yaml")
            half = f"{{time_wait: {{hold: {hold}}}}}"
            Path(policies[-1]).write_text(f"server: {half}\nclient: {half}\n")
        books = lab({"server": both, "client": both, "hazards": {
            "seed": 1, "connections": 2000, "nat": False, "policies": policies,
            "link": {"loss": "1%", "duplicate": "1%", "reorder": "1%", "delay": "2ms",
                     "jitter": "500us"}}})["hazards"]["ledger"]
    figures: Side = {}
    for hold, book in zip(HOLDS, books):
        assert book["connections"] == 10_000
        figures |= {OLD_TEXT[hold]: book["old_data"], ERRORS[hold]: book["reset_in_last_ack"]}
    return figures


SHORT_MSL = Myth(
    "short_msl",
    "A shorter MSL, or no TIME_WAIT at all, is harmless in today's networks.",
    "Hold for 60 s where you can; where the table is too small, let the balance choose the hold.",
    short_msl_of_linux, short_msl_of_mayfly,
    (Statement("a peer whose last ACK was lost meets no error", False,
               lambda linux, mayfly: "ACK" in (linux[FIN_AGAIN[NOT_HELD]],
                                               mayfly[FIN_AGAIN[NOT_HELD]])
               or mayfly[ERRORS["0"]] <= mayfly[ERRORS["60s"]]),
     Statement("nothing old gets into a new connection", False,
               lambda linux, mayfly: linux[OLD_REQUEST[NOT_HELD]] == "no"
               and mayfly[OLD_REQUEST[NOT_HELD]] == "no"
               and mayfly[OLD_TEXT["0"]] <= mayfly[OLD_TEXT["60s"]])))


# -- keep-alive --

REQUESTS, IDLE, IDLE_S = 100, 10, 0.5
MADE = {each: f"TIME_WAITs for {REQUESTS} requests, {each} on a connection"
        for each in (1, 10, 100)}
CLOSED_IDLE = f"TIME_WAITs at the server, of {IDLE} connections that it closed as idle"
LOST = f"of {IDLE} requests lost that came after that close"


def keep_alive(each: int) -> Callable[[socket.socket], None]:
    """Closes after so many requests, and a connection that is idle."""
    def handler(connection: socket.socket) -> None:
        connection.settimeout(IDLE_S)
        with suppress(TimeoutError):
            for _ in range(each):
                if not read_request(connection):
                    return
                connection.sendall(ANSWER)
    return handler


def ask_on_one(client: Namespace, requests: int) -> None:
    """So many requests; then the server has to close."""
    with client.connect(80) as connection:
        for _ in range(requests):
            connection.sendall(KEPT_REQUEST)
            assert connection.recv(65_536).endswith(BODY)
        assert connection.recv(1) == b""


def left_idle(client: Namespace) -> list[socket.socket]:
    """Connections with one answer each, which the server has closed by now."""
    connections = [client.connect(80) for _ in range(IDLE)]
    for connection in connections:
        connection.sendall(KEPT_REQUEST)
        assert connection.recv(65_536).endswith(BODY)
    time.sleep(IDLE_S + 0.2)
    return connections


def lost_after_idle(client: Namespace) -> int:
    lost = 0
    for connection in left_idle(client):
        with connection:
            try:
                connection.sendall(KEPT_REQUEST)
                lost += not connection.recv(65_536)
            except ConnectionError:
                lost += 1
    return lost


def keep_alive_of_linux() -> Side:
    figures: Side = {}
    for each, row in MADE.items():
        with kernel_server(keep_alive(each)) as kernel:
            for _ in range(REQUESTS // each):
                ask_on_one(kernel.client, each)
            eventually(lambda: not kernel.server.sockets("fin-wait-2"))
            figures[row] = kernel.server.sockets("time-wait")
    with kernel_server(keep_alive(REQUESTS)) as kernel:
        for connection in left_idle(kernel.client):
            connection.close()
        eventually(lambda: not kernel.server.sockets("fin-wait-2"))
        figures[CLOSED_IDLE] = kernel.server.sockets("time-wait")
        figures[LOST] = lost_after_idle(kernel.client)
    return figures


def keep_alive_of_mayfly() -> Side:
    """`first: client` keeps connections; without a grace the server closes after the last one."""
    figures: Side = {}
    close = {"close": {"first": "client", "grace": 0}}
    idle = {"keep_alive_timeout": f"{IDLE_S}s"}
    for each, row in MADE.items():
        with mayfly_server(close | {"http": idle | {"keep_alive_requests": each}}) as mayfly:
            for _ in range(REQUESTS // each):
                ask_on_one(mayfly.client, each)
            eventually(lambda: mayfly.stats()["connections"] == 0)
            figures[row] = mayfly.stats()["time_wait"]["now"]
    with mayfly_server(close | {"http": idle}) as mayfly:
        for connection in left_idle(mayfly.client):
            connection.close()
        eventually(lambda: mayfly.stats()["connections"] == 0)
        figures[CLOSED_IDLE] = mayfly.stats()["time_wait"]["now"]
        figures[LOST] = lost_after_idle(mayfly.client)
    return figures


KEEP_ALIVE = Myth(
    "keep_alive",
    "With keep-alive there is no TIME_WAIT any more.",
    "Keep connections, and let the client's idle time-out be the shorter one.",
    keep_alive_of_linux, keep_alive_of_mayfly,
    (Statement("there are as many times fewer as there are requests on a connection", True,
               lambda linux, mayfly: all(side[row] * each == REQUESTS
                                         for side in (linux, mayfly)
                                         for each, row in MADE.items())),
     Statement("a server whose idle time-out is the shorter one has none", False,
               lambda linux, mayfly: linux[CLOSED_IDLE] == 0 or mayfly[CLOSED_IDLE] == 0),
     Statement("a request that meets the close of an idle connection is answered", False,
               lambda linux, mayfly: linux[LOST] < IDLE or mayfly[LOST] < IDLE)))

MYTHS = (SO_LINGER, SHORT_MSL, KEEP_ALIVE)
