"""What a myth is: the statements that it makes, and the figures that decide about each of them."""
from collections.abc import Callable
from dataclasses import dataclass

Value = int | float | str | None
Side = dict[str, Value]  # what was measured -> the figure; a side leaves out what it does not have


@dataclass(frozen=True)
class Statement:
    """One thing that the claim says or takes for granted. `test(linux, mayfly)` reads the figures;
    `is_so` is what doc/myths.md says, so that a kernel that acts otherwise is noticed."""
    words: str
    is_so: bool
    test: Callable[[Side, Side], bool]


@dataclass(frozen=True)
class Myth:
    name: str
    claim: str
    instead: str
    linux: Callable[[], Side]
    mayfly: Callable[[], Side]
    statements: tuple[Statement, ...]


def verdict_of(truths: list[bool]) -> str:
    return "true" if all(truths) else "half true" if any(truths) else "false"


def shown(value: Value) -> str:
    """A figure as the pages have it."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"


def judged(myth: Myth, linux: Side, mayfly: Side) -> dict:
    """The result of one myth, as the JSON has it."""
    found = {each.words: each.test(linux, mayfly) for each in myth.statements}
    rows = list(dict.fromkeys([*linux, *mayfly]))
    return {
        "claim": myth.claim,
        "verdict": verdict_of(list(found.values())),
        "as_expected": all(found[each.words] == each.is_so for each in myth.statements),
        "statements": found,
        "figures": {row: {"linux": linux.get(row), "mayfly": mayfly.get(row)} for row in rows},
        "instead": myth.instead,
        "command": f"bench/myths.py {myth.name}",
    }


def table(results: dict[str, dict]) -> str:
    """All results as one Markdown table: a line for each figure."""
    lines = ["| myth | verdict | measured | Linux | Mayfly |", "|---|---|---|---:|---:|"]
    for name, result in results.items():
        first = f"{name} | {result['verdict']}"
        for row, both in result["figures"].items():
            lines.append(f"| {first} | {row} | {shown(both['linux'])} | {shown(both['mayfly'])} |")
            first = " | "
    return "\n".join(lines)
