"""Connections a second by the number of TIME_WAIT entries held: held.py OUT [--save NAME]

OUT is where `mayfly lab -c conf/lab/scale.yaml` wrote to. Each run is compared with the empty one
before it and the one after it, by the medians of their samples after the warm-up.
"""
import argparse
import csv
import json
import statistics
from pathlib import Path


def samples_of(out: Path) -> dict[str, list[dict]]:
    """The samples of each run that count, as numbers."""
    experiments = json.loads((out / "summary.json").read_text())["experiments"]
    spans = {e["name"]: (e["conditions"]["warm_up_s"], e["conditions"]["duration_s"])
             for e in experiments}
    runs: dict[str, list[dict]] = {name: [] for name in spans}
    with (out / "samples.csv").open() as file:
        for row in csv.DictReader(file):
            begin, end = spans[row["experiment"]]
            if begin < float(row["t"]) <= end:
                runs[row["experiment"]].append(
                    {key: float(row[key]) for key in ("cps", "server_time_wait", "server_busy")})
    return runs


def figures(runs: dict[str, list[dict]]) -> dict:
    rates = {name: [s["cps"] for s in samples] for name, samples in runs.items()}
    result: dict[str, dict] = {}
    for name, samples in runs.items():
        kind, number = name.split("-")
        around = [rate for other in (f"empty-{number}", f"empty-{int(number) + 1}")
                  for rate in rates.get(other, [])]
        one = result.setdefault(kind, {"held": [], "rates": [], "against_empty": []})
        one["held"].append(round(statistics.median(s["server_time_wait"] for s in samples)))
        one["rates"].append(round(statistics.median(rates[name])))
        if kind != "empty":
            one["against_empty"].append(
                round(statistics.median(rates[name]) / statistics.median(around), 3))
    for kind, one in result.items():
        every = [rate for name, many in rates.items() if name.startswith(f"{kind}-")
                 for rate in many]
        one["median"], one["range"] = round(statistics.median(every)), [round(min(every)),
                                                                        round(max(every))]
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--save", metavar="NAME", help="also to bench/results/NAME.json")
    options = parser.parse_args()
    text = json.dumps(figures(samples_of(options.out)), indent=2)
    print(text)
    if options.save:
        (Path(__file__).parent / "results" / f"{options.save}.json").write_text(text + "\n")
