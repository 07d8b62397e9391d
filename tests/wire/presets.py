"""Situations of a TIME_WAIT, and where a preset named after Linux acts in another way than Linux.

tests/wire/test_presets.py plays them against a kernel and against Mayfly; doc/differences.md lists
the differences.
"""
from collections.abc import Callable
from dataclasses import dataclass

from peer import Flow

OLDER_MS, NEWER_MS = -1_000, 1_000
FAR = 1 << 29


@dataclass
class Old:
    """The connection that ended: `flow` stands behind its FIN; `stamp` is the last TSval of the
    client, or None."""
    flow: Flow
    stamp: int | None
    echo: int

    def options(self, ahead_ms: int | None = 0) -> list:
        if ahead_ms is None:
            return []
        base = 5_000_000 if self.stamp is None else self.stamp
        return [("NOP", None), ("NOP", None), ("Timestamp", ((base + ahead_ms) % 2**32, self.echo))]

    def send(self, flags: str, text: bytes = b"", ahead: int = 0, stamp: int | None = NEWER_MS,
             ack: int = 0) -> None:
        """Sends a segment `ahead` octets from the last; its ACK is off by `ack`."""
        fields = {"seq": (self.flow.seq + ahead) % 2**32,
                  "ack": (self.flow.ack + ack) % 2**32}
        self.flow.send(flags, text, options=self.options(stamp), **fields)


@dataclass(frozen=True)
class Situation:
    name: str
    had_stamps: bool
    play: Callable[[Old], None]


def _syn(ahead: int, stamp: int | None) -> Callable[[Old], None]:
    return lambda old: old.send("S", ahead=ahead, stamp=stamp)


def _syns() -> list[Situation]:
    stamps = {"a newer stamp": NEWER_MS, "the same stamp": 0, "an older stamp": OLDER_MS,
              "no stamp": None}
    numbers = {"higher numbers": FAR, "lower numbers": -FAR}
    with_stamps = [Situation(f"SYN, {number}, {stamp}", True, _syn(ahead, ms))
                   for number, ahead in numbers.items() for stamp, ms in stamps.items()]
    without = [Situation(f"SYN, {number}, no stamp before, none now", False, _syn(ahead, None))
               for number, ahead in numbers.items()]
    return with_stamps + without + [
        Situation("SYN, higher numbers, no stamp before, one now", False, _syn(FAR, 0))]


def _reset_then_syn(old: Old) -> None:
    old.send("R", stamp=None)
    old.send("S", ahead=-FAR, stamp=OLDER_MS)


SITUATIONS = [
    *_syns(),
    Situation("RST at RCV.NXT", True, lambda old: old.send("R", stamp=None)),
    Situation("RST at RCV.NXT, no stamps before", False, lambda old: old.send("R", stamp=None)),
    Situation("RST with a stamp at RCV.NXT", True, lambda old: old.send("R")),
    Situation("RST in the window", True, lambda old: old.send("R", ahead=100, stamp=None)),
    Situation("RST before the window", True, lambda old: old.send("R", ahead=-100, stamp=None)),
    Situation("RST, then an older SYN", True, _reset_then_syn),
    Situation("FIN again", True, lambda old: old.send("FA", ahead=-1)),
    Situation("FIN again, no stamps", False, lambda old: old.send("FA", ahead=-1, stamp=None)),
    Situation("FIN again, an older stamp", True,
              lambda old: old.send("FA", ahead=-1, stamp=OLDER_MS)),
    Situation("old text", True, lambda old: old.send("A", b"old", ahead=-47)),
    Situation("old text, an older stamp", True,
              lambda old: old.send("A", b"old", ahead=-47, stamp=OLDER_MS)),
    Situation("text behind the FIN", True, lambda old: old.send("A", b"new")),
    Situation("ACK in place", True, lambda old: old.send("A")),
    Situation("ACK in place, an older stamp", True, lambda old: old.send("A", stamp=OLDER_MS)),
    Situation("old ACK", True, lambda old: old.send("A", ack=-10)),
    Situation("ACK of what was never sent", True, lambda old: old.send("A", ack=1_000)),
    Situation("SYN and FIN", True, lambda old: old.send("SF", ahead=-FAR, stamp=OLDER_MS)),
    Situation("SYN-ACK", True, lambda old: old.send("SA", ahead=-47)),
    Situation("text without ACK", True, lambda old: old.send("P", b"new")),
]

@dataclass(frozen=True)
class Difference:
    """Each side: the answer; the state after it; how long a real client waits that looks older."""
    linux: str
    mayfly: str
    why: str


DIFFERENCES = {
    "RST in the window": Difference(
        "nothing; TIME_WAIT; at once", "ACK; TIME_WAIT; at once",
        "RFC 5961 3.2: an RST in the window that is not at RCV.NXT is challenged."),
    "ACK of what was never sent": Difference(
        "nothing; TIME_WAIT; at once", "ACK; TIME_WAIT; at once",
        "RFC 9293 3.10.7.4, fifth: an ACK beyond SND.NXT is answered with an ACK."),
    "SYN and FIN": Difference(
        "ACK; TIME_WAIT; at once", "nothing; TIME_WAIT; at once",
        "No system sends SYN and FIN together, scanners do: dropped (`tcp_flags_invalid`), where "
        "RFC 9293 3.10.7.4 asks for an ACK."),
    "text without ACK": Difference(
        "ACK; TIME_WAIT; at once", "nothing; TIME_WAIT; at once",
        "RFC 9293 3.10.7.4, fifth: a segment without ACK is dropped."),
}


def section() -> str:
    """For doc/differences.md."""
    names = ", ".join(situation.name for situation in SITUATIONS
                      if situation.name not in DIFFERENCES)
    rows = [f"| {name} | {each.linux} | {each.mayfly} | {each.why} |"
            for name, each in DIFFERENCES.items()]
    return "\n".join([
        "| situation | Linux | Mayfly | why |", "|---|---|---|---|", *rows, "",
        f"Alike: {names}."])
