#!/usr/bin/python3
"""What guides say about TIME_WAIT, measured: by the Linux kernel and by Mayfly, side by side.

  bench/myths.py [NAME ...] [--list] [--save NAME] [--json FILE]

Each myth is measured in network namespaces of its own, so it needs root, and nothing outside them
changes. Prints the figures as a Markdown table; doc/myths.md explains them. The exit status is 1
if a statement came out other than that page says. --save writes bench/results/NAME.json, --json
another file. MAYFLY names the binary; by default it is build/app/mayfly.
"""
import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/wire"), str(ROOT / "bench")]
from myth import closing, cost, ports, switches  # noqa: E402
from myth.model import judged, table  # noqa: E402

MYTHS = {myth.name: myth for room in (switches, ports, closing, cost) for myth in room.MYTHS}


def measured(name: str) -> dict:
    myth, begin = MYTHS[name], time.monotonic()
    result = judged(myth, myth.linux(), myth.mayfly())
    result["seconds"] = round(time.monotonic() - begin, 1)
    print(f"{name}: {result['verdict']}, in {result['seconds']} s", file=sys.stderr, flush=True)
    for words, is_so in result["statements"].items():
        print(f"  {'so:    ' if is_so else 'not so:'} {words}", file=sys.stderr, flush=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them by default")
    parser.add_argument("--list", action="store_true", help="print the myths and measure nothing")
    parser.add_argument("--save", metavar="NAME", help="also to bench/results/NAME.json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also to this file")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is removed
    if unknown := set(args.names) - set(MYTHS):
        parser.error(f"no such myth: {', '.join(sorted(unknown))} (see --list)")
    if args.list:
        for name, myth in MYTHS.items():
            print(f"{name:16} {myth.claim}")
        return 0
    results = {name: measured(name) for name in args.names or MYTHS}
    print(table(results))
    about = {"command": " ".join(["bench/myths.py", *sys.argv[1:]]), "kernel": os.uname().release}
    text = json.dumps({"about": about, "myths": results}, indent=1) + "\n"
    for path in (args.json, args.save and ROOT / "bench/results" / f"{args.save}.json"):
        if path:
            path.write_text(text)
    return 0 if all(result["as_expected"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
