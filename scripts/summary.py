"""Prints what run.sh has measured: summary.py OUT, the folder of lab/, serve.json, load.json."""
import json
import sys
from pathlib import Path

ROWS = {
    "connections/s": lambda server, client: f"{client['completed_cps']:,.0f}",
    "connections": lambda server, client: f"{client['completed']:,}",
    "failed": lambda server, client: f"{sum(client['failed'].values()):,}",
    "latency p50": lambda server, client: f"{client['latency_us']['p50']:,.0f} us",
    "latency p99": lambda server, client: f"{client['latency_us']['p99']:,.0f} us",
    "packets a connection": lambda server, client: f"{client['packets_per_connection']:.2f}",
    "server cycles a connection": lambda server, _: f"{server['cycles_per_connection']:,.0f}",
    "client cycles a connection": lambda _, client: f"{client['cycles_per_connection']:,.0f}",
    "server core busy": lambda server, _: f"{100 * server['busy_ratio']:.0f} %",
    "TIME_WAIT peak, server": lambda server, _: f"{server['time_wait']['peak']:,}",
    "TIME_WAIT peak, client": lambda _, client: f"{client['time_wait']['peak']:,}",
}


def read_runs(out: Path) -> dict[str, tuple[dict, dict]]:
    """The server's and the client's figures of each run."""
    lab = json.loads((out / "lab/summary.json").read_text())
    serve, load = (json.loads((out / name).read_text()) for name in ("serve.json", "load.json"))
    return {"one process": (lab["server"], lab["client"]), "two processes": (serve, load)}


def main(out: Path) -> None:
    runs = read_runs(out)
    print(f"\n{'':28}" + "".join(f"{title:>16}" for title in runs))
    for what, show in ROWS.items():
        print(f"{what:28}" + "".join(f"{show(*sides):>16}" for sides in runs.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
