"""The generator says what happened: why connections failed, what percentiles hold, how it ended."""
import json
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY, load_settings
from network import LINUX, Wire
from nginx import start_nginx

NOBODY = "198.18.0.99"
LOCATIONS = r"""
    location / { return 200 "$host $request_uri\n"; }
    location /missing { return 404; }
    location /busy { return 503; }
"""


@pytest.fixture
def nginx(wire: Wire, tmp_path: Path) -> None:
    start_nginx(wire, tmp_path, LOCATIONS, (80, 8080))


@pytest.fixture
def load(wire: Wire, run_mayfly):
    """Runs the generator to its end: load(changes) -> (what its JSON has, what it said)."""
    def run(changes: dict) -> tuple[dict, str]:
        process = run_mayfly("load", settings(wire, changes))
        return process.numbers(), process.said()
    return run


def settings(wire: Wire, changes: dict) -> dict:
    return load_settings(f"net_af_packet0,iface={wire.device}", LINUX,
                         {"sources": {"addresses": "198.18.1.1-198.18.1.1"},
                          "close": {"first": "server"}} | changes)


CLOSED = {"rate": 0, "concurrency": 64, "duration": "2s"}


def test_a_wrong_port_is_not_asked_as_fast_as_the_wire_carries_it(load):
    report, said = load({"target": {"port": 81}, "load": CLOSED})
    assert report["failed"]["refused"] == report["failed_because"]["refused"] < 64 + 30
    assert f"nobody listens on {LINUX} port 81" in said
    assert all(value is None for value in report["latency_us"].values())
    assert "p50         -" in said
    assert report["loop"] == "closed"
    assert "coordinated omission" in said


def test_an_open_loop_says_that_it_was_asked_to_go_on(load):
    report, said = load({"target": {"port": 81}, "load": {"rate": 500, "duration": "1s"}})
    assert report["failed"]["refused"] > 400
    assert "as load.rate asks" in said
    assert "coordinated omission" not in said


def test_a_target_that_answers_no_arp_is_named(load):
    report, said = load({"target": {"address": NOBODY},
                         "load": CLOSED | {"concurrency": 5, "timeout": "500ms"}})
    failed = report["failed_because"]
    assert failed["no_arp_answer"] > 0
    assert failed["syn_unanswered"] == 0
    assert report["no_arp_answer_from"] == NOBODY
    assert f"no ARP answer from {NOBODY}" in said


def test_a_target_that_drops_syns_is_told_from_one_that_is_not_there(wire, load):
    for words in ("add table ip filter",
                  "add chain ip filter input { type filter hook input priority 0; }",
                  "add rule ip filter input tcp dport 81 drop"):
        wire.peer.run("nft", *words.split())
    report, said = load({"target": {"port": 81},
                         "load": CLOSED | {"concurrency": 5, "timeout": "500ms"}})
    failed = report["failed_because"]
    assert failed["syn_unanswered"] > 0
    assert failed["syn_unanswered"] + failed["syn_unanswered_at_end"] == report["failed_total"]
    assert "SYN not answered" in said


def test_a_slow_part_shows_in_the_percentiles_although_it_fails(wire, nginx, load):
    """Every tenth port is silent: what failed counts as what it waited."""
    for words in ("add table ip filter",
                  "add chain ip filter input { type filter hook input priority 0; }",
                  "add rule ip filter input tcp sport 2000-2009 drop"):
        wire.peer.run("nft", *words.split())
    report, _ = load({"sources": {"addresses": "198.18.1.1-198.18.1.1", "ports": "2000-2099"},
                      "load": {"rate": 100, "connections": 100, "duration": "3s",
                               "timeout": "1s"}})
    assert report["completed"] == 90
    assert report["failed_because"]["syn_unanswered"] == 10
    assert report["latency_us"]["p50"] < 500_000
    assert report["latency_us"]["p99"] >= 1_000_000
    assert report["connect_latency_us"]["p99"] >= 1_000_000


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/busy", 503)])
def test_a_status_that_is_not_2xx_is_named(nginx, load, path, status):
    report, said = load({"target": {"path": path}, "load": {"connections": 20, "duration": "5s"}})
    assert report["failed_status"] == {str(status): 20}
    assert report["failed"]["bad_status"] == report["failed_because"]["status"] == 20
    assert f"status {status}" in said


def test_requests_on_a_kept_connection_have_a_latency_of_their_own(nginx, load):
    report, said = load({"load": {"rate": 100, "duration": "2s", "requests_per_connection": 20},
                         "close": {"first": "client"}})
    assert report["responses"] == 20 * report["completed"] > 2_000
    assert report["requests_per_s"] == pytest.approx(report["responses"] / report["duration_s"])
    assert report["request_latency_us"]["p50"] * 5 < report["latency_us"]["p50"]
    assert "requests" in said


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_is_interrupted_says_so(wire, nginx, run_mayfly, times):
    process = run_mayfly("load", settings(wire, {"load": {"rate": 500, "duration": "60s"}}))
    process.wait_ready()
    time.sleep(1.5)
    for _ in range(times):
        process.interrupt()
        time.sleep(0.1)
    report = process.numbers()
    assert report["interrupted"] is True
    assert 1 < report["duration_s"] < 5
    assert "interrupted after" in process.said()


def test_a_run_that_ends_by_itself_was_not_interrupted(nginx, load):
    report, said = load({"load": {"rate": 100, "duration": "1s"}})
    assert report["interrupted"] is False
    assert "interrupted" not in said


def test_the_target_may_be_a_url(nginx, wire, run_mayfly):
    changed = settings(wire, {"load": {"connections": 20, "duration": "5s"}})
    changed["target"] = {"url": f"http://{LINUX}:8080/a?b=c"}
    report = run_mayfly("load", changed).report()
    assert report["completed"] == 20
    assert report["response_bytes"] % 20 == 0


def in_a_world_where(folder: Path, hosts: str, changed: dict) -> subprocess.CompletedProcess:
    """Runs the generator with its own /etc/hosts."""
    (folder / "hosts").write_text(hosts)
    (folder / "load.yaml").write_text(json.dumps(changed))
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount --bind {folder}/hosts /etc/hosts && "
         f"exec {BINARY.resolve()} load -c {folder}/load.yaml --json {folder}/load.json"],
        capture_output=True, text=True, timeout=25, check=False)


def test_the_target_may_have_a_name(nginx, wire, tmp_path):
    changed = settings(wire, {"load": {"connections": 20, "duration": "5s"}, "state": "none"})
    for target in ({"url": "http://web.mayfly.test/x"}, {"address": "web.mayfly.test"}):
        changed["target"] = target
        done = in_a_world_where(tmp_path, f"{LINUX} web.mayfly.test\n", changed)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"target: web.mayfly.test is {LINUX}" in done.stdout
        assert json.loads((tmp_path / "load.json").read_text())["completed"] == 20


def test_a_name_that_leads_nowhere_is_refused_with_its_place(wire, tmp_path):
    changed = settings(wire, {})
    for name, hosts, why in (("ghost.mayfly.test", "", "no address is known for"),
                             ("six.mayfly.test", "2001:db8::1 six.mayfly.test\n",
                              "are of IPv4, and the target is of IPv6"),
                             ("here.mayfly.test", "127.0.0.1 here.mayfly.test\n",
                              "not reached through a network device")):
        changed["target"] = {"url": f"http://{name}/"}
        done = in_a_world_where(tmp_path, hosts, changed)
        assert done.returncode == 2
        assert "load.yaml:1:" in done.stderr and why in done.stderr, done.stderr


def test_https_is_refused_in_words(wire, run_mayfly):
    changed = settings(wire, {})
    changed["target"] = {"url": f"https://{LINUX}/"}
    process = run_mayfly("load", changed)
    assert process.wait() == 2
    assert "asks for TLS, which Mayfly does not speak" in process.said()
