"""/metrics as Prometheus takes it, and the files for it in conf/prometheus."""
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from mayfly import ROOT, serve_settings
from prometheus_client.parser import text_string_to_metric_families
from tools import free_port

CONF = ROOT / "conf/prometheus"
needs_prometheus = pytest.mark.skipif(shutil.which("promtool") is None,
                                      reason="prometheus is not installed")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


@pytest.fixture
def page(run_mayfly) -> str:
    address = f"127.0.0.1:{free_port()}"
    run_mayfly("serve", serve_settings("net_null0"), "--page", address).wait_ready()
    return address


def families(page: str) -> dict:
    return {one.name: one for one in text_string_to_metric_families(get(f"http://{page}/metrics"))}


def test_prometheus_own_parser_reads_every_counter_of_the_json(page):
    found = families(page)
    stats = json.loads(get(f"http://{page}/api/stats"))
    assert found["mayfly_packets_rx"].type == "counter"
    assert found["mayfly_packets_rx"].samples[0].labels == {"core": "0"}
    assert found["mayfly_time_wait_hold_seconds"].samples[0].value == 60
    assert found["mayfly_time_wait_capacity"].samples[0].value == 64_000
    assert all(one.documentation for one in found.values())
    for name, number in stats["time_wait"].items():
        if isinstance(number, int) and name not in ("reopened", "syn_refused", "syn_recycled_away",
                                                    "rst_ignored", "paws"):
            assert f"mayfly_time_wait_{name}" in found


def test_the_alerts_and_the_dashboard_name_metrics_that_there_are(page):
    # Those of a generator are not here.
    text = get(f"http://{page}/metrics")
    board = (CONF / "grafana.json").read_text()
    json.loads(board)
    for file in (board, (CONF / "alerts.yml").read_text()):
        names = set(re.findall(r"\bmayfly_\w+", file))
        assert len(names) > 5
        missing = [name for name in names
                   if f"\n{name}" not in text and not name.startswith("mayfly_load_")]
        assert not missing


@needs_prometheus
def test_promtool_accepts_the_rules_and_the_scrape_file():
    for words in (("rules", CONF / "alerts.yml"), ("config", CONF / "prometheus.yml")):
        subprocess.run(["promtool", "check", *map(str, words)], check=True, capture_output=True)


def wait_for_value(url: str, query: str) -> float:
    for _ in range(100):
        try:
            answer = json.loads(get(f"{url}/api/v1/query?query={urllib.parse.quote(query)}"))
            if answer["data"]["result"]:
                return float(answer["data"]["result"][0]["value"][1])
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.1)
    raise AssertionError(f"prometheus has no value for {query}")


@needs_prometheus
def test_prometheus_scrapes_a_server(page, tmp_path: Path):
    scrape = (CONF / "prometheus.yml").read_text().replace("127.0.0.1:9000", page)
    scrape = scrape.replace("5s", "200ms").replace("alerts.yml", str(CONF / "alerts.yml"))
    (tmp_path / "prometheus.yml").write_text(scrape)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        ["prometheus", f"--config.file={tmp_path}/prometheus.yml",
         f"--web.listen-address={address}", f"--storage.tsdb.path={tmp_path}/data"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_for_value(f"http://{address}", "up") == 1
        assert wait_for_value(f"http://{address}", "mayfly_time_wait_capacity") == 64_000
    finally:
        process.terminate()
        process.wait(10)


def test_telemetry_of_dpdk(run_mayfly):
    """It has the counters, and leaves nothing behind in the folder of the service."""
    server = run_mayfly("serve", serve_settings("net_null0", {
        "telemetry": True, "file_prefix": "t"})).wait_ready()
    folder = server.config.parent / "dpdk/t"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as telemetry:
        telemetry.connect(str(folder / "dpdk_telemetry.v2"))
        telemetry.recv(16_384)  # its version
        telemetry.send(b"/mayfly/stats")
        stats = json.loads(telemetry.recv(65_536))["/mayfly/stats"]
    assert stats["accepted"] == 0 and stats["time_wait_now"] == 0
    server.stop()
    assert not folder.exists()
