"""The events of tests/wire/cluster_events.py, each several times, as a table: see cluster.sh."""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/wire"))

from cluster import Cluster  # noqa: E402
from cluster_events import broken_promises, drain_one, kill_one  # noqa: E402
from network import remove_leftovers  # noqa: E402

COLUMNS = {
    "kill": ["server", "route_moved_ms", "short", "failed", "slow", "last_slow_start_ms",
             "others_lasting", "others_lost", "own_lasting", "own_lost", "accepted_after_return"],
    "drain": ["server", "route_moved_ms", "short", "failed", "slow", "lasting", "others_lost",
              "own_lost", "fins_repeated", "fins_acknowledged", "resets_in_last_ack", "refused",
              "time_wait_opened", "time_wait_cut_short"]}
WHAT = {"kill": "kill -9 of one server; a resilient group in the router",
        "drain": "drain of one server; plain ECMP in the router"}
HOLD_S = 6


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def rounds(event: str, folder: Path, args: argparse.Namespace) -> list[dict]:
    """Prints a row for each."""
    print(f"\n{WHAT[event]}: {args.rate} short connections/s, {args.lasting} lasting")
    print("  ".join(COLUMNS[event]), flush=True)
    cluster = Cluster(folder, resilient=event == "kill",
                      time_wait={"hold": f"{HOLD_S}s", "capacity": "64k"})
    results = []
    try:
        for number in range(args.times):
            happens = kill_one if event == "kill" else drain_one
            result = happens(cluster, number % len(cluster.members) + 1, rate=args.rate,
                             lasting=args.lasting)
            result["broken"] = broken_promises(event, result)
            results.append(result)
            print("  ".join(f"{result[name]:>{len(name)}}" for name in COLUMNS[event])
                  + "".join(f"  BROKEN: {what}" for what in result["broken"]), flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cluster.remove()
        signal.signal(signal.SIGINT, interrupt)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rate", type=int, default=300)
    parser.add_argument("--lasting", type=int, default=120)
    parser.add_argument("--only", choices=sorted(WHAT))
    parser.add_argument("--save", type=Path)
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("error: only root can make network namespaces")
    signal.signal(signal.SIGTERM, interrupt)
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix="mayfly-cluster-") as folder:
        results = {event: rounds(event, Path(folder, event), args)
                   for event in WHAT if args.only in (None, event)}
    if args.save:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=False,
                                capture_output=True, text=True).stdout.strip()
        args.save.write_text(json.dumps(
            {"command": "scripts/cluster.sh " + " ".join(sys.argv[1:]), "commit": commit,
             "cores": os.cpu_count(), "rate": args.rate, "lasting": args.lasting,
             "hold_s": HOLD_S, "bfd": "3 x 50 ms"} | results, indent=1) + "\n")
    broken = [(event, result["server"], what) for event, each in results.items()
              for result in each for what in result["broken"]]
    print(f"\n{len(broken)} promises broken" if broken else "\nevery promise was kept")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
