"""Compares two builds of mayfly: the traces of the simulator and the ledger of the hazard lab.

compare.py BEFORE AFTER [--seeds 200] [--keep FOLDER] [--new-draws]

BEFORE and AFTER are folders with conf/ and app/mayfly or build/app/mayfly. The exit status is 1 if
they differ.
"""
import argparse
import filecmp
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEPT_SEEDS_MAX = 3
DEVIATIONS_MAX = 4
KNOWN = {"reset_in_last_ack": "reset", "old_data": "old data", "desynchronised": "desync",
         "blackholed": "unheard", "peak_time_wait": "time_wait"}  # as `mayfly lab` heads them


def binary(folder: Path) -> Path:
    places = (folder / "build/app/mayfly", folder / "app/mayfly")
    found = [path for path in places if path.is_file()]
    if not found:
        sys.exit(f"error: {folder} has no mayfly")
    return found[0].resolve()


def trace(folder: Path, seed: int, path: Path) -> int:
    """Writes the trace of a seed and returns the exit status; in a folder that must be there."""
    run = subprocess.run(
        [binary(folder), "sim", "--seed", str(seed), "--trace", path, "--out", path.parent],
        cwd=path.parent, capture_output=True, timeout=600, check=False)
    return run.returncode


def first_difference(before: Path, after: Path) -> str:
    with before.open(errors="replace") as old, after.open(errors="replace") as new:
        for number, (a, b) in enumerate(itertools.zip_longest(old, new, fillvalue="(ends)\n"), 1):
            if a != b:
                return f"line {number}\n  before {a.rstrip()}\n  after  {b.rstrip()}"
    return "the same trace"


def compare_seed(before: Path, after: Path, seed: int, kept: Path) -> tuple[int, str | None]:
    """(bytes of trace, what differs)"""
    with tempfile.TemporaryDirectory(dir=kept, prefix=f"seed-{seed}-") as name:
        old, new = Path(name, "before.txt"), Path(name, "after.txt")
        ends = [trace(before, seed, old), trace(after, seed, new)]
        if not (old.exists() and new.exists()):
            return 0, f"seed {seed}: no trace; exit status {ends[0]}, now {ends[1]}"
        size = old.stat().st_size
        if ends[0] == ends[1] and filecmp.cmp(old, new, shallow=False):
            return size, None
        text = f"seed {seed}: {first_difference(old, new)}"
        if ends[0] != ends[1]:
            text += f"; exit status {ends[0]}, now {ends[1]}"
        if len(list(kept.glob("seed-*.before.txt"))) < KEPT_SEEDS_MAX:
            for path in (old, new):
                path.rename(kept / f"seed-{seed}.{path.name}")
        return size, text


def traces_differ(before: Path, after: Path, seeds: int, kept: Path) -> bool:
    print(f"== the traces of {seeds} seeds", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda seed: compare_seed(before, after, seed, kept),
                             range(1, seeds + 1)))
    wrong = [text for _, text in done if text]
    print(f"{seeds - len(wrong)} of {seeds} identical, "
          f"{sum(size for size, _ in done) / 1e6:,.0f} MB of trace")
    print("".join(text + "\n" for text in wrong[:KEPT_SEEDS_MAX]), end="")
    if wrong:
        print(f"traces that differ: {kept}")
    return bool(wrong)


def ledger(folder: Path, out: Path) -> dict[str, dict[str, int]]:
    """The hazard lab's figures by policy and column."""
    run = subprocess.run([binary(folder), "lab", "-c", "conf/lab/hazards.yaml", "--out", out],
                         cwd=folder, capture_output=True, text=True, timeout=1200, check=False)
    if run.returncode != 0:
        sys.exit(f"error: the hazard lab of {folder} failed:\n{run.stdout[-2000:]}{run.stderr}")
    rows = json.loads((out / "summary.json").read_text())["hazards"]["ledger"]
    return {row["policy"]: {key: cell for key, cell in row.items() if key != "policy"}
            for row in rows}


def by_chance(before: int, after: int) -> bool:
    """Whether two counts of rare events may be draws from one distribution."""
    return abs(before - after) <= DEVIATIONS_MAX * math.sqrt(before + after)


def ledgers_differ(before: Path, after: Path, kept: Path, new_draws: bool) -> bool:
    print("== the ledger of the hazard lab: before | after where they differ", flush=True)
    with ThreadPoolExecutor(2) as pool:
        old, new = pool.map(ledger, (before, after), (kept / "hazards-before",
                                                      kept / "hazards-after"))
    policies = list(dict.fromkeys([*old, *new]))
    columns = list(dict.fromkeys(key for table in (old, new) for row in table.values()
                                 for key in row))
    print(f"{'policy':18}" + "".join(f"{KNOWN.get(key, key):>15}" for key in columns))
    unequal, beyond_chance = 0, []
    for policy in policies:
        cells = []
        for key in columns:
            a, b = (table.get(policy, {}).get(key) for table in (old, new))
            unequal += a != b
            if a != b and (a is None or b is None or not by_chance(a, b)):
                beyond_chance.append(f"{policy}, {key}: {a} | {b}")
            cells.append(f"{a}" if a == b else f"{a} | {b}")
        print(f"{policy:18}" + "".join(f"{cell:>15}" for cell in cells))
    total = len(policies) * len(columns)
    print(f"{total - unequal} of {total} cells identical; "
          f"{len(beyond_chance)} differ by more than chance explains")
    print("".join(f"  {text}\n" for text in beyond_chance), end="")
    return bool(beyond_chance) if new_draws else unequal > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--keep", type=Path, default=Path("out/compare/differences"))
    parser.add_argument("--new-draws", action="store_true",
                        help="cells that differ by chance are no difference")
    options = parser.parse_args()
    kept = options.keep.resolve()
    kept.mkdir(parents=True, exist_ok=True)
    for stale in kept.glob("seed-*.txt"):
        stale.unlink()
    differ = [traces_differ(options.before, options.after, options.seeds, kept),
              ledgers_differ(options.before, options.after, kept, options.new_draws)]
    return 1 if any(differ) else 0


if __name__ == "__main__":
    sys.exit(main())
