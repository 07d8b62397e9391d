"""Myths about switches: what guides write into sysctl.conf to be rid of TIME_WAIT at a server."""
import time

from network import Namespace
from peer import Peer

from myth.model import Myth, Side, Statement
from myth.stand import (BODY, REQUEST, answer_to_fin_again, answered, answered_at_once,
                        closed_by_server, counter, eventually, finish, kernel_server, left_open,
                        mayfly_server, sysctl, timer_s)

# -- tcp_tw_recycle --

EACH, PATIENCE_S = 10, 0.8
SWITCH = "the switch exists"
AHEAD, BEHIND, ONE_HOST, OTHERWISE = (
    f"of {EACH} connections answered, {who}" for who in (
        "a host behind a NAT whose clock is ahead", "the host whose clock is behind",
        "a Linux host alone", "the host whose clock is behind, under the default policy"))
CLOCKS = {AHEAD: 2_000_000_000, BEHIND: 1_000_000_000}


def stamp(clock: int, echo: int = 0) -> list:
    return [("NOP", None), ("NOP", None), ("Timestamp", (clock, echo))]


def closed_by_server_with_stamps(peer: Peer, clock: int) -> None:
    flow = peer.flow(80)
    flow.send("S", options=[("MSS", 1460), *stamp(clock)])
    options = dict(option for option in flow.expect("SA")["TCP"].options if option[1])
    echo = stamp(clock, options["Timestamp"][0])
    flow.send("A", REQUEST, options=echo)
    assert flow.read_until("FA").endswith(BODY)
    finish(flow, echo)


def answered_syns(peer: Peer, clock: int) -> int:
    """How many SYNs get a SYN-ACK that come from the NAT's address with this clock."""
    flows = [peer.flow(80) for _ in range(EACH)]
    for number, flow in enumerate(flows, 1):
        flow.send("S", options=[("MSS", 1460), *stamp(clock + number)])
    found = {packet["TCP"].dport for packet in peer.frames(PATIENCE_S)
             if "TCP" in packet and packet["TCP"].flags == "SA"}
    for flow in flows:
        flow.send("R")
    return len(found & {flow.source_port for flow in flows})


def hosts_behind_a_nat(client: Namespace, device: str) -> Side:
    """One address, and two clocks that have both been here."""
    with Peer(client, device) as peer:
        for clock in sorted(CLOCKS.values()):
            closed_by_server_with_stamps(peer, clock)
        return {who: answered_syns(peer, clock) for who, clock in CLOCKS.items()}


def tw_recycle_of_linux() -> Side:
    with kernel_server() as kernel:
        switch = sysctl(kernel.server, "tcp_tw_recycle")
        return {SWITCH: "no" if switch is None else "yes"} | \
            hosts_behind_a_nat(kernel.client, kernel.wire.peer_device) | \
            {ONE_HOST: answered(kernel.client, EACH, seconds=0.5)}


def tw_recycle_of_mayfly() -> Side:
    with mayfly_server(policy="linux-tw-recycle") as mayfly:
        figures: Side = {SWITCH: "yes"}
        figures |= hosts_behind_a_nat(mayfly.client, mayfly.wire.peer_device)
        figures[ONE_HOST] = answered(mayfly.client, EACH, seconds=0.5)
    with mayfly_server() as mayfly:
        otherwise = hosts_behind_a_nat(mayfly.client, mayfly.wire.peer_device)
    return figures | {OTHERWISE: otherwise[BEHIND]}


TW_RECYCLE = Myth(
    "tw_recycle",
    "Turn on net.ipv4.tcp_tw_recycle: TIME_WAIT is over sooner, and nothing else changes.",
    "Take the line out of sysctl.conf.",
    tw_recycle_of_linux, tw_recycle_of_mayfly,
    (Statement("Linux has the switch", False, lambda linux, mayfly: linux[SWITCH] == "yes"),
     Statement("with it, all clients are served as before", False,
               lambda linux, mayfly: mayfly[BEHIND] > 0 or mayfly[AHEAD] < EACH)))


# -- tcp_max_tw_buckets --

BUCKETS, CONNECTIONS = 10, 60
WHOLE, LEFT = f"of {CONNECTIONS} connections answered", "TIME_WAIT entries after them"
WITHOUT, SYNS = "connections closed without TIME_WAIT", "SYNs dropped"
AGAIN = "answer to a FIN that is sent again"
REFUSING = f"of {BUCKETS} more answered, with `on_full: refuse`"


def max_tw_buckets_of_linux() -> Side:
    with kernel_server(tcp_max_tw_buckets=BUCKETS) as kernel:
        whole = answered_at_once(kernel.client, CONNECTIONS, 5)
        figures: Side = {
            WHOLE: whole, LEFT: kernel.server.sockets("time-wait"),
            WITHOUT: counter(kernel.server, "TcpExtTCPTimeWaitOverflow"),
            SYNS: counter(kernel.server, "TcpExtListenDrops")}
        with Peer(kernel.client, kernel.wire.peer_device) as peer:
            figures[AGAIN] = answer_to_fin_again(closed_by_server(peer))
    return figures


def max_tw_buckets_of_mayfly() -> Side:
    with mayfly_server({"time_wait": {"capacity": BUCKETS}}, "linux-max-buckets") as mayfly:
        whole = answered_at_once(mayfly.client, CONNECTIONS, 5)
        eventually(lambda: mayfly.stats()["connections"] == 0)
        stats = mayfly.stats()
        with Peer(mayfly.client, mayfly.wire.peer_device) as peer:
            again = answer_to_fin_again(closed_by_server(peer))
    with mayfly_server({"time_wait": {"capacity": BUCKETS, "on_full": "refuse"}}) as mayfly:
        answered(mayfly.client, BUCKETS)
        refusing = answered_at_once(mayfly.client, BUCKETS, 0.5)
    return {WHOLE: whole, LEFT: stats["time_wait"]["now"], WITHOUT: stats["time_wait"]["skipped"],
            SYNS: stats["refused"]["time_wait_full"], AGAIN: again, REFUSING: refusing}


MAX_TW_BUCKETS = Myth(
    "max_tw_buckets",
    "A server drops SYNs once tcp_max_tw_buckets is reached.",
    "Leave it at its default; if there are too many entries, let the clients close first.",
    max_tw_buckets_of_linux, max_tw_buckets_of_mayfly,
    (Statement("a full table keeps new connections out", False,
               lambda linux, mayfly: min(linux[WHOLE], mayfly[WHOLE]) < CONNECTIONS
               or linux[SYNS] + mayfly[SYNS] > 0),
     Statement("a connection that was let in has a TIME_WAIT in the end", False,
               lambda linux, mayfly: linux[WITHOUT] == 0 or mayfly[WITHOUT] == 0
               or "ACK" in (linux[AGAIN], mayfly[AGAIN]))))


# -- tcp_fin_timeout --

HELD_LONG, HELD_SHORT, HALF_LONG, HALF_SHORT = (
    f"{state} lasts, s, with the {which} time-out"
    for state in ("TIME_WAIT", "FIN_WAIT_2") for which in ("longer", "shorter"))


def fin_timeout_of_linux() -> Side:
    """As ss shows the timers, a moment after they began."""
    figures: Side = {}
    for seconds, held, half in ((60, HELD_LONG, HALF_LONG), (2, HELD_SHORT, HALF_SHORT)):
        with kernel_server(tcp_fin_timeout=seconds) as kernel, \
                Peer(kernel.client, kernel.wire.peer_device) as peer:
            closed_by_server(peer)
            left_open(peer)
            figures[held] = timer_s(kernel.server, "time-wait")
            figures[half] = timer_s(kernel.server, "fin-wait-2")
    return figures


def fin_timeout_of_mayfly() -> Side:
    """Waited for, with a TIME_WAIT of 2 s."""
    figures: Side = {}
    for seconds, held, half in ((1, HELD_LONG, HALF_LONG), (0.5, HELD_SHORT, HALF_SHORT)):
        changes = {"time_wait": {"hold": "2s"}, "fin_wait_2": {"hold": f"{seconds}s"}}
        with mayfly_server(changes) as mayfly, \
                Peer(mayfly.client, mayfly.wire.peer_device) as peer:
            closed_by_server(peer)
            left_open(peer)
            begin = time.monotonic()
            eventually(lambda: mayfly.stats()["connections"] == 0)
            figures[half] = round(time.monotonic() - begin, 1)
            eventually(lambda: mayfly.stats()["time_wait"]["now"] == 0)
            figures[held] = round(time.monotonic() - begin, 1)
    return figures


FIN_TIMEOUT = Myth(
    "fin_timeout",
    "A lower tcp_fin_timeout shortens TIME_WAIT.",
    "Lower it only against peers that never close; no sysctl shortens TIME_WAIT.",
    fin_timeout_of_linux, fin_timeout_of_mayfly,
    (Statement("it shortens TIME_WAIT", False,
               lambda linux, mayfly: any(side[HELD_SHORT] < 0.9 * side[HELD_LONG]
                                         for side in (linux, mayfly))),
     Statement("it shortens FIN_WAIT_2 of connections that no program has open any more", True,
               lambda linux, mayfly: all(side[HALF_SHORT] < 0.6 * side[HALF_LONG]
                                         for side in (linux, mayfly)))))

MYTHS = (TW_RECYCLE, MAX_TW_BUCKETS, FIN_TIMEOUT)
