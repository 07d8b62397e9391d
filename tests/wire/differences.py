"""doc/differences.md, made of the scripts. Run as a program it writes the page."""
import textwrap
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from presets import section as presets_section
from script import KERNEL, Script, all_scripts

PAGE = Path(__file__).resolve().parents[2] / "doc/differences.md"
HEAD = """\
# Where Mayfly and Linux differ

`tests/wire/scripts` holds scripts of segments, in the manner of packetdrill; `tests/wire/script.py`
says what their words mean. `tests/wire/test_differences.py` plays each of them over IPv4 and over
IPv6, against the TCP of a Linux kernel ({kernel} or later) and against Mayfly, and judges every
segment that comes back. A difference that no script declares fails the test; so does a declared one
that is no longer there. This page is made of the scripts, by `tests/wire/differences.py`; what
differs below TCP in IPv6 is in [differences-ipv6.md](differences-ipv6.md).

Both stacks serve echo, discard and HTTP, and have their defaults, except that no answer is limited
in rate, that retransmission timers are out of the way, that buffers are small and that neither HTTP
server lingers (`close.linger: 0`). Sequence numbers count from the SYN of their side.

Of {all} scripts, {apart} have different ends.
"""
PRESETS = """\
## The presets named after Linux

`tests/wire/test_presets.py` leaves a TIME_WAIT at a kernel and at Mayfly with `linux-default`,
`linux-tw-reuse` and `linux-max-buckets`, sends a segment, and compares the answer, the state after
it, and how long a real client then waits whose clock is behind and whose numbers are lower. The
three presets act alike here: what tcp_tw_reuse changes is the connecting side, and what
tcp_max_tw_buckets changes is a full table. The first is compared over IPv6 as well, with the same
result. The presets named after other systems are in [presets.md](presets.md).
"""


def difference(script: Script) -> str:
    reason = textwrap.fill(f"{script.clause}. {script.reason}", 100, break_on_hyphens=False)
    steps = "\n".join(script.lines)
    return f"#### {script.title}\n\n{reason}\n\n```\n{steps}\n```\n"


def table(scripts: list[Script]) -> str:
    rows = [f"| {script.title} | {script.clause} |" for script in scripts]
    return "\n".join(["| script | clause |", "|---|---|", *rows]) + "\n"


def sections(scripts: list[Script], told: Callable[[list[Script]], str]) -> list[str]:
    """Each section under its title, its scripts told by `told`."""
    return [f"### {section}\n\n{told(list(members))}"
            for section, members in groupby(scripts, lambda script: script.section)]


def page(scripts: list[Script]) -> str:
    apart = [script for script in scripts if script.differs]
    alike = [script for script in scripts if not script.differs]
    return "\n".join([
        HEAD.format(kernel=KERNEL, all=len(scripts), apart=len(apart)), "## Differences\n",
        *sections(apart, lambda members: "\n".join(map(difference, members))),
        PRESETS, presets_section() + "\n",
        "## What both do alike\n", *sections(alike, table)])


if __name__ == "__main__":
    PAGE.write_text(page(all_scripts()))
