"""Adds up the results of the test suites: count_tests.py RESULTS SUITE...

RESULTS/SUITE/ holds JUnit files and, for programs that meson has run, its testlog.json; the cases
of a GoogleTest program are in <its name in meson>.xml. A program that failed without leaving a
failed case behind (it crashed, or ran out of time) counts as one failure, and so does a suite
without any result.
"""
import json
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def outcome(case: xml.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped") is not None or case.get("result") in ("skipped", "suppressed")
    return "skipped" if skipped or case.get("status") == "notrun" else "passed"


def read_cases(folder: Path) -> dict[str, list[str]]:
    """The cases' outcomes, by the file that reports them."""
    cases = {}
    for path in sorted(folder.glob("*.xml")):
        try:
            cases[path.stem] = [outcome(case) for case in xml.parse(path).iter("testcase")]
        except xml.ParseError:
            cases[path.stem] = ["failed"]  # its program ended while writing it
    return cases


def read_programs(folder: Path) -> dict[str, str]:
    """The meson tests' results (OK, FAIL, TIMEOUT, ...) by name; the log has "suite / name"."""
    log = folder / "testlog.json"
    if not log.exists():
        return {}
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    return {entry["name"].split(" / ")[-1]: entry["result"] for entry in entries}


def count(folder: Path) -> dict[str, int]:
    cases = read_cases(folder)
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for outcomes in cases.values():
        for each in outcomes:
            totals[each] += 1
    for program, result in read_programs(folder).items():
        reported = cases.get(program, [])
        if result not in ("OK", "SKIP", "EXPECTEDFAIL") and "failed" not in reported:
            print(f"{folder.name}: {program} ended with {result}")
            totals["failed"] += 1
        elif result == "OK" and not reported:
            totals["passed"] += 1  # not a GoogleTest program
    if sum(totals.values()) == 0:
        print(f"{folder.name}: the suite did not run")
        totals["failed"] = 1
    return totals


def main(results: Path, suites: list[str]) -> int:
    counts = {suite: count(results / suite) for suite in suites}
    for suite, totals in counts.items():
        print(f"{suite:6}" + "".join(f"{number:7} {what}" for what, number in totals.items()))
    passed = sum(totals["passed"] for totals in counts.values())
    failed = sum(totals["failed"] for totals in counts.values())
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
