"""Scripts of segments, in the manner of packetdrill: what a peer sends and what has to come back.

A file of scripts has `# section`, then scripts. One reads like this:

    ## A SYN in ESTABLISHED is answered with a challenge ACK
    RFC 5961 4.2
    open discard
    send S seq=5000
    linux  expect A seq=1 ack=1
    mayfly expect nothing
    differs why they differ, in as many lines as it takes, each of them begun with `differs`

A step that begins with `linux` or `mayfly` is for that stack only; where there are such steps there
is a `differs`, and the steps for the two contradict each other: no answer fits both.

    to SERVICE          the port that the segments go to: echo, discard, http, closed
    send FLAGS ...      one segment; 0 stands for no flags at all
    expect FLAGS ...    the next segment, with these flags (PSH aside) and these fields
    expect nothing      no segment, although the stack has seen everything that was sent
    until FLAGS ...     takes segments until one has these flags; it has to have these fields
    fill window         sends text to a service that cannot take it, until the window is closed
    wait SECONDS        lets time pass
    sysctl NAME=VALUE   of the Linux stack, by its name below net/ipv4

Sequence numbers count from the SYN of their side, which is 0; `next`, `next+5` and `next-1` count
from what follows the last segment in order. Fields of `send`: seq ack win urg len (so much text)
get (an HTTP request) mss ws ts ecr sackok sack=1:5,8:9 opt=HEX (raw options) src dst (addresses)
ether=broadcast sum=bad. A `ts` among the options of the SYN goes on by itself; `ts=none` leaves it
out. Fields of `expect`: seq ack win len mss ws ts ecr sackok sack, and options=KIND,... for exactly
these. `=` can be `>` or `<` there.

Names that stand for several steps are in MACROS.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

STACKS = ("linux", "mayfly")
KERNEL = "6.18"  # what `linux` means: older kernels differ in details
FOLDER = Path(__file__).with_name("scripts")

# What brings a connection into a state. {} is what the macro is given.
MACROS = {
    "open": ("to {0}", "send S {1}", "expect SA", "send A"),
    "fin_wait_1": ("to http", "send S {0}", "expect SA", "send A", "send A get", "until FA"),
    "fin_wait_2": ("fin_wait_1 {0}", "send A"),
    "time_wait": ("fin_wait_1 {0}", "send FA", "expect A ack=next"),
    "last_ack": ("open discard {0}", "send FA", "until FA"),
}
VERBS = {"to", "send", "expect", "until", "fill", "wait", "sysctl"}
SEND_FIELDS = set("seq ack win urg len get mss ws ts ecr sackok sack opt src dst ether sum".split())
EXPECT_FIELDS = set("seq ack win len mss ws ts ecr sackok sack options".split())


@dataclass(frozen=True)
class Term:
    """One field of a segment: a name, and unless it stands alone a relation and a value."""
    name: str
    relation: str = ""
    value: str = ""

    @staticmethod
    def parse(word: str) -> "Term":
        match = re.fullmatch(r"([a-z]+)(?:([=<>])(\S+))?", word)
        assert match, f"not a field: {word}"
        return Term(match[1], match[2] or "", match[3] or "")


@dataclass(frozen=True)
class Step:
    verb: str
    word: str  # flags, a service, a time
    terms: tuple[Term, ...] = ()
    only: str = ""  # one of STACKS, or for both

    def __str__(self) -> str:
        terms = " ".join(f"{term.name}{term.relation}{term.value}" for term in self.terms)
        return f"{self.verb} {self.word} {terms}".rstrip()

    @property
    def answers(self) -> bool:
        return self.verb in ("expect", "until")

    def contradicts(self, other: "Step") -> bool:
        """Nothing that comes can be what both expect."""
        if "nothing" in (self.word, other.word):
            return self.word != other.word
        if "until" in (self.verb, other.verb):
            return False
        if self.word != other.word:
            return True
        theirs = {term.name: term for term in other.terms if term.relation == "="}
        return any(term.relation == "=" and term.name in theirs
                   and theirs[term.name].value != term.value for term in self.terms)


@dataclass
class Script:
    title: str
    section: str
    clause: str = ""
    lines: list[str] = field(default_factory=list)  # the steps as they are written
    steps: list[Step] = field(default_factory=list)
    reason: str = ""

    def steps_of(self, stack: str) -> list[Step]:
        return [step for step in self.steps if step.only in ("", stack)]

    def apart(self, stack: str) -> list[Step]:
        """What only this stack is expected to answer."""
        return [step for step in self.steps if step.only == stack and step.answers]

    @property
    def differs(self) -> bool:
        return bool(self.reason)

    def check(self) -> None:
        """A difference is declared if and only if the steps make one."""
        assert self.clause and self.steps, f"{self.title}: has no clause or no steps"
        pairs = zip(self.apart("linux"), self.apart("mayfly"))
        contradiction = any(one.contradicts(other) for one, other in pairs)
        assert contradiction == self.differs, \
            f"{self.title}: its steps and its `differs` do not go together"


def parse_step(line: str, only: str = "") -> list[Step]:
    """The steps that a line stands for; macros are replaced by what they mean."""
    word, *rest = line.split()
    if word in STACKS:
        return parse_step(" ".join(rest), word)
    if word in MACROS:
        given = [rest[0], " ".join(rest[1:])] if word == "open" else [" ".join(rest)]
        return [step for each in MACROS[word] for step in parse_step(each.format(*given), only)]
    assert word in VERBS and rest, f"not a step: {line}"
    terms = tuple(Term.parse(each) for each in rest[1:])
    known = {"send": SEND_FIELDS, "expect": EXPECT_FIELDS, "until": EXPECT_FIELDS}.get(word, set())
    unknown = {term.name for term in terms} - known
    assert not unknown, f"{line}: unknown {', '.join(sorted(unknown))}"
    return [Step(word, rest[0], terms, only)]


def parse(text: str) -> list[Script]:
    scripts: list[Script] = []
    section = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("## "):
            scripts.append(Script(line[3:], section))
        elif line.startswith("# "):
            section = line[2:]
        elif not scripts[-1].clause:
            scripts[-1].clause = line
        elif line.startswith("differs "):
            scripts[-1].reason = f"{scripts[-1].reason} {line[8:]}".strip()
        else:
            scripts[-1].lines.append(line)
            scripts[-1].steps += parse_step(line)
    for script in scripts:
        script.check()
    return scripts


def all_scripts() -> list[Script]:
    """Those of all files, in the order of the files' names."""
    return [each for path in sorted(FOLDER.glob("*.script")) for each in parse(path.read_text())]
