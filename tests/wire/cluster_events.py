"""What happens to a cluster under load, and what its clients see of it: a server is killed and
comes back, or is drained. Each event is a function that returns numbers; broken_promises() tells
which of them should not be so."""
import socket
import threading
import time

from cluster import Clients, Cluster, Member, until
from routed import SERVICE, Routed

SLOW_S = 0.9  # a SYN was lost: it is sent again after 1 s
RATE, LASTING = 300, 120
ETH_P_ALL = 3
ETHERNET, IPV4, TCP = 14, 20, 6
FIN, RST, ACK = 1, 4, 16


class FinRepeater:
    """Keeps the FINs that the client's kernel sends, to send them again, and hears the answers."""

    def __init__(self, network: Routed) -> None:
        self.wire = network.client.new_socket(socket.AF_PACKET, socket.SOCK_RAW,
                                              socket.htons(ETH_P_ALL))
        self.wire.bind(("client0", ETH_P_ALL))
        self.wire.settimeout(0.2)
        self.service = socket.inet_aton(SERVICE)
        self.fins: dict[int, bytes] = {}
        self.asked: set[int] = set()
        self.acknowledged: set[int] = set()
        self.reset: set[int] = set()
        self.is_over = False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self) -> None:
        while not self.is_over:
            try:
                self.hear(self.wire.recv(2048))
            except TimeoutError:
                pass

    def hear(self, frame: bytes) -> None:
        at = ETHERNET + IPV4
        if frame[12:14] != b"\x08\x00" or frame[ETHERNET + 9] != TCP:
            return
        flags = frame[at + 13]
        source, destination = (int.from_bytes(frame[at + k:at + k + 2], "big") for k in (0, 2))
        if frame[ETHERNET + 16:at] == self.service and flags & FIN:
            self.fins[source] = frame
        elif frame[ETHERNET + 12:ETHERNET + 16] == self.service and destination in self.asked:
            (self.reset if flags & RST else self.acknowledged).add(destination)

    def repeat(self, ports: set[int], most: int) -> None:
        for port in sorted(ports & self.fins.keys())[:most]:
            self.asked.add(port)
            self.wire.send(self.fins[port])
            time.sleep(0.002)

    def end(self) -> None:
        self.is_over = True
        self.thread.join()
        self.wire.close()


def owners(cluster: Cluster) -> dict[int, set[int]]:
    """The ports of the lasting connections that each server has."""
    return {member.number: member.ports_of_peers("--port", "7", "--state", "established")
            for member in cluster.members}


def summary(seen: dict, owned: dict[int, set[int]], member: Member, at: float) -> dict:
    slow = [began - at for began, took, end in seen["short"] if took > SLOW_S or end != "ok"]
    ends = dict(seen["lasting"])
    lost = {number: sum(ends.get(port) != "ok" for port in ports)
            for number, ports in owned.items()}
    return {"short": len(seen["short"]),
            "failed": sum(end != "ok" for _, _, end in seen["short"]),
            "slow": len(slow), "last_slow_start_ms": round(1000 * max(slow, default=0)),
            "lasting": len(seen["lasting"]),
            "others_lasting": sum(len(p) for n, p in owned.items() if n != member.number),
            "others_lost": sum(n for number, n in lost.items() if number != member.number),
            "slow_starts_ms": [round(1000 * start) for start in sorted(slow)][:20],
            "failures": sorted({end for _, _, end in seen["short"] if end != "ok"}),
            "own_lasting": len(owned[member.number]), "own_lost": lost[member.number]}


def kill_one(cluster: Cluster, number: int, *, rate: int = RATE, lasting: int = LASTING,
             before_s: float = 2, away_s: float = 1, after_s: float = 4) -> dict:
    """kill -9, and a new start after the router has moved its flows."""
    member = cluster.members[number - 1]
    clients = Clients(cluster, rate, lasting)
    time.sleep(before_s)
    owned = owners(cluster)
    at = time.monotonic()
    member.mayfly.kill()
    until(lambda: cluster.next_hops() == len(cluster.members) - 1, "its route is withdrawn")
    moved = time.monotonic() - at
    time.sleep(away_s)
    member.start()
    until(lambda: cluster.next_hops() == len(cluster.members), "it is back")
    time.sleep(after_s)
    result = {"server": number, "route_moved_ms": round(1000 * moved),
              "accepted_after_return": member.stats()["accepted"]}
    return result | summary(clients.end(), owned, member, at)


def drain_one(cluster: Cluster, number: int, *, rate: int = RATE, lasting: int = LASTING,
              before_s: float = 2, linger: str = "1s", after_s: float = 2.5,
              fins: int = 100) -> dict:
    """ctl drain, repeated FINs to what it holds in TIME_WAIT, its end, and a new start."""
    member = cluster.members[number - 1]
    others = [each for each in cluster.members if each is not member]
    before = sum(each.stats()["harm"]["rst_to_last_ack"] for each in cluster.members)
    repeater = FinRepeater(cluster)
    try:
        clients = Clients(cluster, rate, lasting)
        time.sleep(before_s)
        owned = owners(cluster)
        at = time.monotonic()
        member.ctl("drain", "--linger", linger)
        until(lambda: cluster.next_hops() == len(cluster.members) - 1, "its route is withdrawn")
        moved = time.monotonic() - at
        time.sleep(after_s)
        repeater.repeat(member.ports_of_peers("--state", "time-wait"), fins)
        time.sleep(0.5)
        seen = clients.end()
    finally:
        repeater.end()
    report = member.mayfly.report()
    held = report["time_wait"]
    resets = report["harm"]["rst_to_last_ack"] + sum(
        each.stats()["harm"]["rst_to_last_ack"] for each in others) - before
    member.start()
    until(lambda: cluster.next_hops() == len(cluster.members), "it is back")
    return {"server": number, "route_moved_ms": round(1000 * moved),
            "fins_repeated": len(repeater.asked), "fins_acknowledged": len(repeater.acknowledged),
            "fins_reset": len(repeater.reset), "resets_in_last_ack": resets,
            "refused": report["drops"].get("tcp_draining", 0),
            "time_wait_opened": held["opened"],
            "time_wait_cut_short": held["opened"] - held["expired"] - held["reopened"]
            } | summary(seen, owned, member, at)


def broken_promises(event: str, result: dict) -> list[str]:
    """What was promised of the event and is not so here."""
    promises = {
        "kill": [("others' lasting connections lost", result["others_lost"] == 0),
                 ("more than 1 failed", result["failed"] <= 1),
                 ("the last slow start is later than 0.5 s",
                  result["last_slow_start_ms"] <= 500),
                 ("no traffic after its return", result.get("accepted_after_return", 1) > 0)],
        "drain": [("failed", result["failed"] == 0), ("slow", result["slow"] == 0),
                  ("lasting connections lost", result["others_lost"] + result["own_lost"] == 0),
                  ("resets in LAST_ACK", result.get("resets_in_last_ack", 0) == 0),
                  ("newcomers refused", result.get("refused", 0) == 0),
                  ("TIME_WAIT not held to its end", result.get("time_wait_cut_short", 0) == 0),
                  ("repeated FINs not acknowledged",
                   result.get("fins_repeated", 1) == result.get("fins_acknowledged", 1) > 0)]}
    return [what for what, is_kept in promises[event] if not is_kept]
