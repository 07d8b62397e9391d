"""One plan carried out by three generators, and the report that is made of their three."""
import json
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY, load_settings
from network import LINUX, OFFLOADS_OFF, Namespace, add_address, into_namespace, sh
from nginx import CONFIG

PARTS = 3
RATE, SECONDS = 300, 3


class Hub:
    """nginx behind a bridge, and a device of the host for each generator at its ports."""

    def __init__(self, folder: Path) -> None:
        self.peer = Namespace()
        self.peer.ip("link", "add", "hub", "type", "bridge")
        self.hosts = []  # a namespace and its device
        for part in range(PARTS):
            device = f"mfh{Path('/proc/self').resolve().name}n{part}"
            sh("ip", "link", "add", device, "type", "veth",
               "peer", "name", f"port{part}", "netns", self.peer.name)
            self.peer.run("ethtool", "-K", f"port{part}", *OFFLOADS_OFF)
            self.peer.ip("link", "set", f"port{part}", "master", "hub", "up")
            self.hosts.append((into_namespace(device), device))
        add_address(self.peer, "hub", f"{LINUX}/15")
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(
            folder=folder, listeners=f"listen {LINUX}:80 backlog=4096;",
            locations="""location / { return 200 "hello\\n"; }"""))
        self.peer.start("nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c", str(config))
        while not self.peer.sockets("listening"):
            time.sleep(0.02)

    def remove(self) -> None:
        for namespace, _ in self.hosts:
            namespace.remove()
        self.peer.remove()


@pytest.fixture
def hub(tmp_path: Path):
    made = Hub(tmp_path)
    yield made
    made.remove()


def merge(*files: Path, result: Path) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "merge", *files, "--json", result], capture_output=True,
                          text=True, timeout=20, check=False)


def syns(capture: Path) -> list[tuple[float, str]]:
    """When each SYN came, and from which source."""
    said = sh("tcpdump", "-nr", str(capture), "-tt", "tcp[tcpflags] == tcp-syn")
    return [(float(line.split()[0]), line.split()[2]) for line in said.splitlines()]


def test_three_parts_are_the_plan_and_their_report_is_one(hub, run_mayfly, tmp_path):
    capture = tmp_path / "hub.pcap"
    tcpdump = hub.peer.start("tcpdump", "-i", "hub", "-U", "-w", str(capture), "tcp",
                             stderr=subprocess.DEVNULL)
    begin = time.time() + 4
    loads = []
    for part, (namespace, device) in enumerate(hub.hosts):
        settings = load_settings(f"net_af_packet0,iface={device}", LINUX, {
            "cores": [part % 2], "hugepages": "never",
            "load": {"rate": RATE, "duration": f"{SECONDS}s", "timeout": "10s"}})
        loads.append(run_mayfly("load", settings,
                                "--part", f"{part + 1}/{PARTS}", "--at", f"@{begin:.3f}",
                                namespace=namespace))
    files, reports = [], []
    for load in loads:
        reports.append(load.report())
        files.append(load.result)
    time.sleep(0.2)
    tcpdump.terminate()
    tcpdump.wait()

    starts = syns(capture)
    opened = sum(report["opened"] for report in reports)
    assert len(starts) == opened >= 0.95 * RATE * SECONDS
    assert min(at for at, _ in starts) >= begin - 0.001, "the first start is at that time"
    hosts = [source.rsplit(".", 1)[0] for _, source in starts]
    by_part = [{f"198.18.1.{n}" for n in numbers}
               for numbers in (range(1, 7), range(7, 14), range(14, 21))]
    for addresses, report in zip(by_part, reports, strict=True):
        # A busy machine may come too late for the last ones, and says so.
        assert report["offered"] + report["not_started"] == RATE * SECONDS / PARTS
        assert sum(host in addresses for host in hosts) == report["opened"]
        assert abs(report["part"]["began_s"] - begin) < 0.005
    assert len({source for _, source in starts}) == len(starts), "no four-tuple twice"

    merged = tmp_path / "merged.json"
    whole = merge(*files, result=merged)
    assert whole.returncode == 0, whole.stderr
    assert "3 of 3 parts" in whole.stdout
    result = json.loads(merged.read_text())
    assert result["completed"] == opened
    assert max(part["latency_us"]["p99"] for part in result["parts"]) >= \
        result["latency_us"]["p99"] >= min(part["latency_us"]["p99"] for part in result["parts"])

    killed = merge(files[0], files[2], result=merged)
    assert killed.returncode == 1
    assert "part 2 of 3 is missing" in killed.stderr
    twice = merge(files[0], files[0], result=merged)
    assert twice.returncode == 2
    assert "both part 1 of 3" in twice.stderr


def test_a_start_that_is_over_or_no_time_is_refused(run_mayfly):
    settings = load_settings("net_null0", LINUX)
    for option, words in ((("--at", "@1000"), "ago"), (("--at", "noon"), "expected a time"),
                          (("--part", "4/3"), "expected 1/N"), (("--part", "auto"), "By hand")):
        load = run_mayfly("load", settings, *option)
        assert load.wait() == 2
        assert words in load.said(), load.said()
