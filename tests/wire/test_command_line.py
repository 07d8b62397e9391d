"""The binary as a user meets it: what it says when something is wrong, and how it ends."""
import json
import re
import subprocess
import time

import pytest
from mayfly import BINARY, MEGABYTE, ROOT, load_settings, serve_settings
from tools import URL, ab, curl, octets, sha256

WRONG = """\
cores: [0]
ports:
  - device: "net_null0"
    addresses: [198.18.0.999/15]
listen:
  - {port: 70000, service: http}
time_wait: {hold: 60 parsecs, capacitty: 1M}
"""


def run(*words: str) -> subprocess.CompletedProcess:
    """In the project's folder, where the presets are found by their names."""
    return subprocess.run([str(BINARY.resolve()), *words], cwd=ROOT, capture_output=True, text=True,
                          timeout=20, check=False)


@pytest.mark.parametrize("command", ["check", "serve"])
def test_every_error_of_a_configuration_is_told_with_its_place(tmp_path, command):
    config = tmp_path / "wrong.yaml"
    config.write_text(WRONG)
    done = run(command, "-c", str(config))
    assert done.returncode == 2
    said = done.stdout + done.stderr
    for line, word in ((4, "198.18.0.999"), (6, "port"), (7, "hold"), (7, "capacitty")):
        here = [text for text in said.splitlines() if f"wrong.yaml:{line}:" in text]
        assert any(word in text for text in here), said


def test_a_right_configuration_is_approved_by_check(tmp_path):
    config = tmp_path / "right.yaml"
    config.write_text(json.dumps(serve_settings("net_null0")))
    done = run("check", "-c", str(config))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["serve", "load", "lab"])
def test_the_configurations_that_come_with_it_are_approved(kind):
    for config in sorted((ROOT / "conf" / kind).glob("*.yaml")):
        done = run("check", "-c", str(config), "--kind", kind)
        assert done.returncode == 0, f"{config}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("kind", ["serve", "load", "lab", "policy"])
def test_check_tells_by_itself_what_a_file_is_for(kind):
    for config in sorted((ROOT / "conf" / kind).glob("*.yaml")):
        done = run("check", "-c", str(config))
        assert done.returncode == 0, f"{config}: {done.stdout}{done.stderr}"
        words = "as a policy" if kind == "policy" else f"for mayfly {kind}"
        assert words in done.stdout, done.stdout


def refused_by_check(tmp_path, settings: dict, *words: str) -> None:
    """At a place in the file, and by the command that runs it too."""
    config = tmp_path / "wrong.yaml"
    config.write_text(json.dumps(settings, indent=1))
    for command in ("check", "load" if "load" in settings else "serve"):
        done = run(command, "-c", str(config))
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        for word in words:
            assert word in done.stdout + done.stderr, (command, done.stdout, done.stderr)
    assert re.search(r"wrong\.yaml:\d+:\d+ ", run("check", "-c", str(config)).stderr)


def test_check_refuses_a_load_that_cannot_last(tmp_path):
    few = {"sources": {"addresses": "198.18.1.1-198.18.1.1", "ports": "2000-2099"}}
    refused_by_check(tmp_path, load_settings("net_null0", "198.18.0.1", few), "run out after")


def test_check_refuses_an_argument_that_the_driver_does_not_have(tmp_path):
    refused_by_check(tmp_path, serve_settings("net_af_packet0,ifce=lo"), 'no argument "ifce"')


def test_check_refuses_a_file_that_cannot_be_served(tmp_path):
    www = tmp_path / "www"
    www.mkdir()
    (www / "a").symlink_to("a")  # cannot be opened, whoever asks
    settings = serve_settings("net_null0", {"http": {"routes": [
        {"path": "/files/", "folder": str(www)}]}})
    config = tmp_path / "wrong.yaml"
    config.write_text(json.dumps(settings))
    served = run("serve", "-c", str(config), "--duration", "100ms")
    assert (run("check", "-c", str(config)).returncode == 0) == (served.returncode == 0)


def test_check_refuses_a_control_socket_that_cannot_be_made(tmp_path):
    refused_by_check(tmp_path, serve_settings("net_null0", {"admin": {"socket": "/no/such/s"}}),
                     "admin.socket", "No such file or directory")


def test_check_refuses_a_capture_that_cannot_be_written(tmp_path):
    settings = serve_settings("net_null0")
    settings["ports"][0]["pcap"] = "/no/such/folder/a.pcap"
    refused_by_check(tmp_path, settings, "ports.0.pcap", "No such file or directory")


def test_check_notes_what_is_not_on_this_machine(tmp_path):
    config = tmp_path / "elsewhere.yaml"
    config.write_text(json.dumps(serve_settings("net_af_packet0,iface=nosuch0"), indent=1))
    done = run("check", "-c", str(config))
    assert done.returncode == 0
    assert re.search(r"elsewhere\.yaml:\d+:\d+ ports\.0\.device: there is no interface \"nosuch0\"",
                     done.stderr)


@pytest.mark.parametrize("words", [
    ("serve", "-c", "{serve}", "--json", "/no/such/folder/a.json"),
    ("load", "-c", "{load}", "--json", "/no/such/folder/a.json"),
    ("lab", "-c", "conf/lab/first.yaml", "--json", "/no/such/folder/a.json"),
    ("lab", "-c", "conf/lab/first.yaml", "--out", "/dev/null/out"),
    ("sim", "--seed", "1", "--json", "/no/such/folder/a.json"),
    ("plan", "--rate", "1k", "--hold", "60s", "--json", "/no/such/folder/a.json"),
])
def test_a_result_that_cannot_be_written_is_told_before_the_work(tmp_path, words):
    files = {"serve": tmp_path / "serve.yaml", "load": tmp_path / "load.yaml"}
    files["serve"].write_text(json.dumps(serve_settings("net_null0")))
    files["load"].write_text(json.dumps(load_settings("net_null0", "198.18.0.1")))
    began = time.monotonic()
    done = run(*(word.format(**files) for word in words))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot" in done.stderr and "memory" not in done.stdout
    assert time.monotonic() - began < 2


def test_a_missing_configuration_file_is_bad_usage():
    done = run("serve", "-c", "no-such-file.yaml")
    assert done.returncode == 2
    assert "no-such-file.yaml" in done.stdout + done.stderr


def test_a_misspelt_command_is_guessed_and_help_is_a_command():
    done = run("srve")
    assert done.returncode == 2 and "did you mean serve?" in done.stderr
    done = run("ctl", "--socket", "/nowhere", "polcy", "balanced")
    assert done.returncode == 2 and '"ctl polcy"; did you mean ctl policy?' in done.stderr
    done = run("dance")
    assert done.returncode == 2 and "there are serve, load" in done.stderr
    for words in (["help", "serve"], ["serve", "--help"]):
        done = run(*words)
        assert done.returncode == 0 and "--config" in done.stdout
    assert "serve" in run("help").stdout


def test_the_version_names_the_commit_and_dpdk():
    said = run("--version").stdout
    assert re.fullmatch(r"mayfly \d+\.\d+\.\d+ \(\w[\w.-]*\), DPDK 22\.11\S*\n", said), said


def test_an_unknown_option_is_bad_usage():
    assert run("serve", "--fast").returncode == 2


def test_a_missing_interface_is_named(run_mayfly):
    server = run_mayfly("serve", serve_settings("net_af_packet0,iface=nosuch0"))
    assert server.wait() in (1, 2)
    assert "nosuch0" in server.said()
    assert "ready" not in server.said()


def test_an_occupied_socket_is_named(run_mayfly, tmp_path):
    device = f"net_memif0,id=0,role=server,socket={tmp_path}/memif.sock,socket-abstract=no"
    run_mayfly("serve", serve_settings(device)).wait_ready()
    second = run_mayfly("serve", serve_settings(device))
    assert second.wait() in (1, 2)
    assert "memif.sock" in second.said()


def test_a_key_can_be_set_on_the_command_line(wire, run_mayfly):
    settings = serve_settings(f"net_af_packet0,iface={wire.device}")
    server = run_mayfly("serve", settings, "--set", "time_wait.hold=200ms").wait_ready()
    ab(wire.peer, "-n", "10", "-c", "1")
    time.sleep(0.5)
    assert server.stop()["time_wait"]["expired"] == 10


def test_a_duration_ends_the_server(wire, run_mayfly):
    settings = serve_settings(f"net_af_packet0,iface={wire.device}")
    server = run_mayfly("serve", settings, "--duration", "1s").wait_ready()
    begin = time.monotonic()
    server.report()
    assert time.monotonic() - begin == pytest.approx(1, abs=0.5)


def test_ctrl_c_ends_at_once_when_nothing_is_open_and_prints_a_summary(serve):
    server = serve()
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 3
    after_ready = server.said().split("ready", 1)[1]
    assert "accepted" in after_ready


def test_ctrl_c_lets_open_connections_finish_and_takes_no_new_ones(wire, serve, tmp_path):
    www = tmp_path / "www"
    www.mkdir()
    (www / "file").write_bytes(octets(30 * MEGABYTE))  # far more than the sockets hold
    server = serve({"http": {"routes": [{"path": "/files/", "folder": str(www)}]},
                    "drain_timeout": "10s"})
    download = wire.peer.start("curl", "-s", "--limit-rate", "12M", "-o", f"{tmp_path}/copy",
                               URL + "files/file")
    time.sleep(0.5)
    server.interrupt()
    time.sleep(0.2)
    with pytest.raises(ConnectionRefusedError):
        wire.peer.connect(80, seconds=0.5)
    assert download.wait(10) == 0
    assert sha256(tmp_path / "copy") == sha256(www / "file")
    assert server.report()["drops"]["tcp_draining"] > 0


def test_the_report_has_the_promised_keys(wire, serve):
    server = serve()
    curl(wire.peer, URL)
    report = server.stop()
    assert {"accepted", "completed", "reset", "refused", "cps", "connections", "time_wait",
            "cycles_per_connection", "packets", "drops", "busy_ratio"} <= report.keys()
    assert {"now", "peak", "opened", "expired", "evicted", "reopened", "restored",
            "killed"} <= report["time_wait"].keys()
    assert {"rx", "tx"} <= report["packets"].keys()


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("pages", ["auto", "never"])
def test_the_lab_runs_with_hugepages_and_without(pages, tmp_path):
    """Without them all memory is taken at the start: the plan must have counted everything."""
    result = tmp_path / "lab.json"
    sets = [f"{end}.{key}" for end in ("server", "client")
            for key in (f"hugepages={pages}", "time_wait.capacity=200k",
                        "connections.capacity=64k")]
    done = subprocess.run(
        [BINARY, "lab", "-c", ROOT / "conf/lab/first.yaml", "--duration", "1s", "--json", result,
         *(word for one in sets for word in ("--set", one))],
        capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    report = json.loads(result.read_text())
    assert report["client"]["completed"] > 100 and report["client"]["failed_total"] == 0
    assert report["server"]["completed"] == report["client"]["completed"]
