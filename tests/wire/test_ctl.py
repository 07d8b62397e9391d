"""The policy changes while server and generator run: control socket, `mayfly ctl`, SIGHUP."""
import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY, Mayfly, load_settings, serve_settings
from network import SERVER
from tools import URL, curl, eventually


class Ctl:
    """`mayfly ctl` on one socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = {"admin": {"socket": str(path)}}

    def run(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(BINARY), "ctl", "--socket", str(self.path), *words],
                              capture_output=True, text=True, timeout=10, check=False)

    def __call__(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    def stats(self) -> dict:
        return json.loads(self("stats"))

    def value(self, key: str) -> str:
        return dict(line.split(None, 1) for line in self("settings").splitlines())[key]

    def held(self) -> int:
        return self.stats()["time_wait"]["now"]


@pytest.fixture
def ctl(tmp_path: Path) -> Ctl:
    return Ctl(tmp_path / "control")


def curl_times(wire, times: int) -> None:
    for _ in range(times):
        curl(wire.peer, URL)


def test_a_shorter_hold_ends_the_entries_that_are_held(wire, serve, ctl):
    server = serve(ctl.settings)
    curl_times(wire, 5)
    eventually(lambda: ctl.held() == 5)
    assert ctl("set", "time_wait.hold=1s") == "time_wait.hold 60s -> 1s\n"
    eventually(lambda: ctl.held() == 0, seconds=2)
    assert ctl.value("time_wait.hold") == "1s"
    assert "\ntime_wait.hold 60s -> 1s\n" in server.said()
    report = server.stop()
    assert (report["time_wait"]["opened"], report["time_wait"]["expired"]) == (5, 5)


def test_a_preset_moves_the_time_wait_to_the_clients(wire, serve, ctl):
    server = serve(ctl.settings)
    curl_times(wire, 2)
    assert "close.first server -> client\n" in ctl("policy", "client-first")
    curl_times(wire, 3)
    eventually(lambda: ctl.stats()["completed"] == 5)
    assert ctl.stats()["time_wait"]["opened"] == 2
    assert "close.first client -> server\n" in ctl("policy", "strict-rfc9293")
    curl_times(wire, 1)
    eventually(lambda: ctl.stats()["time_wait"]["opened"] == 3)
    server.stop()


def test_a_bad_value_is_refused_in_the_words_of_the_start_and_changes_nothing(serve, ctl):
    server = serve(ctl.settings)
    before = ctl("settings")
    said = ctl.refused("set", "time_wait.hold=60 parsecs", "close.first=client", "cores=[1]")
    assert "--set time_wait.hold=60 parsecs time_wait.hold: " in said
    said = ctl.refused("set", "cores=[1]", "time_wait.capacity=1M", "close.first=client")
    assert "cores: cannot change while it runs" in said and "needs a restart" in said
    assert "time_wait.capacity: memory was allocated for 64k" in said
    assert "is no preset" in ctl.refused("policy", "no-such")
    assert ctl("settings") == before
    server.stop()


def test_a_hangup_reads_the_file_again(serve, ctl):
    server = serve(ctl.settings)
    settings = json.loads(server.config.read_text())
    settings["time_wait"]["hold"] = "7s"
    server.config.write_text(json.dumps(settings))
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "time_wait.hold 60s -> 7s\n" in server.said())
    assert ctl.value("time_wait.hold") == "7s"
    assert ctl("reload") == "no change: the settings had these values already\n"

    server.config.write_text(json.dumps(settings | {"drain_timeout": "1s"}))
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "nothing was changed" in server.said())
    assert "drain_timeout: cannot change while it runs" in server.said()
    server.stop()


def test_a_hangup_needs_no_control_socket(serve):
    server = serve({"admin": {"socket": "none"}})
    assert "control:" not in server.said()
    server.config.write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "nothing was changed" in server.said())
    server.stop()


def test_without_settings_ctl_finds_the_server_by_its_name(serve):
    server = serve()
    path = server.config.parent / "serve.sock"
    assert f"control: {path}\n" in server.said()
    done = subprocess.run([str(BINARY), "ctl", "--socket", "serve", "health"], text=True,
                          env={"RUNTIME_DIRECTORY": str(path.parent)}, capture_output=True,
                          timeout=10, check=False)
    assert done.returncode == 0 and done.stdout == "healthy, ready\n", done.stderr
    server.stop()
    assert not path.exists()


@pytest.mark.time_limit(60)
def test_services_and_routes_change_under_load_without_losing_a_connection(wire, serve, ctl,
                                                                            tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www/a").write_text("first")
    files = [{"path": "/", "body": "hello"}, {"path": "/files/", "folder": str(tmp_path / "www")}]
    server = serve(ctl.settings | {"http": {"routes": files}, "close": {"first": "client"}})
    settings = json.loads(server.config.read_text())

    def reload(changes: dict) -> str:
        server.config.write_text(json.dumps(settings | changes))
        return ctl("reload")

    with subprocess.Popen(["ip", "netns", "exec", wire.peer.name, "wrk", "-t1", "-c20", "-d8s",
                           URL], stdout=subprocess.PIPE, text=True) as wrk:
        more = settings["listen"] + [{"port": 8080, "service": "http"}]
        routes = {"routes": files + [{"path": "/new", "body": "new"}]}
        for each in range(3):
            (tmp_path / "www/a").write_text(f"reading {each}")
            assert "listen.3.port none -> 8080\n" in reload({"listen": more, "http": routes})
            assert curl(wire.peer, f"http://{SERVER}:8080/new") == "new"
            assert curl(wire.peer, URL + "files/a") == f"reading {each}"
            refused = settings | {"http": {"routes": [{"path": "/f/", "folder": "/no/such"}]}}
            server.config.write_text(json.dumps(refused))
            assert "/no/such" in ctl.refused("reload")
            assert curl(wire.peer, f"http://{SERVER}:8080/new") == "new", "nothing has changed"
            assert "listen.3.port 8080 -> none\n" in reload({})
            with pytest.raises(AssertionError):
                curl(wire.peer, f"http://{SERVER}:8080/", timeout=2)
        said = wrk.stdout.read()
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    server.stop()


def test_a_drain_with_a_linger_is_told_to_balancers_first(wire, serve, ctl):
    server = serve(ctl.settings | {"drain_timeout": "10s", "close": {"first": "client"}})
    with wire.peer.entered():
        idle = socket.create_connection((SERVER, 80), timeout=5)
        working = socket.create_connection((SERVER, 7), timeout=5)
    idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"hello" in idle.recv(1000)
    assert ctl("drain", "--linger", "2s").startswith("draining in 2 s")
    assert "not ready" in ctl.run("health").stdout
    assert curl(wire.peer, URL) == "hello, mayfly\n", "newcomers are let in while balancers learn"
    idle.settimeout(8)
    assert idle.recv(1) == b"", "idle connections are closed when the drain begins"
    with pytest.raises(AssertionError):
        curl(wire.peer, URL, timeout=1)
    working.sendall(b"x")
    assert working.recv(1) == b"x", "an open connection goes on"
    working.close()
    idle.close()
    assert server.wait() == 0


def over(path: Path, target: str, *options: str) -> dict:
    """What curl gets over the socket."""
    done = subprocess.run(["curl", "-sS", "--unix-socket", str(path), f"http://localhost{target}",
                           *options], capture_output=True, text=True, timeout=10, check=True)
    return json.loads(done.stdout)


def test_the_socket_speaks_http_and_goes_with_the_server(serve, ctl):
    server = serve(ctl.settings)
    assert ctl.path.stat().st_mode & 0o777 == 0o600
    put = ("-X", "PUT", "-H", "Content-Type: application/json", "-d")
    assert over(ctl.path, "/api/stats")["accepted"] == 0
    assert over(ctl.path, "/api/policy", *put, '{"name": "client-first"}')["changed"]
    assert over(ctl.path, "/api/policy")["policy"] == "client-first"
    assert "there are /api/stats" in over(ctl.path, "/dance")["error"][0]
    server.stop()
    assert not ctl.path.exists()


def test_a_policy_on_trial_goes_back_by_itself(serve, ctl):
    server = serve(ctl.settings)
    assert "close.first server -> client\n" in ctl("try", "policy", "client-first", "--for", "1s")
    assert ctl.value("close.first") == "client"
    ctl("set", "time_wait.hold=7s")
    eventually(lambda: ctl.value("close.first") == "server", seconds=3)
    assert ctl.value("time_wait.hold") == "7s", "what was set meanwhile stays"
    history = ctl("history")
    assert "policy client-first for 1 s, by socket" in history
    assert "no policy, by the end of the trial" in history
    server.stop()


def test_what_was_set_is_given_up_again(serve, ctl):
    server = serve(ctl.settings)
    ctl("set", "time_wait.hold=5s", "close.grace=100ms")
    assert ctl("unset", "time_wait.hold") == "time_wait.hold 5s -> 60s\n"
    assert ctl.value("close.grace") == "100ms"
    assert "was not set" in ctl.refused("unset", "time_wait.hold")
    server.stop()


def test_health_is_a_status_and_a_drain_ends_the_process(serve, ctl):
    server = serve(ctl.settings)
    assert ctl("health") == "healthy, ready\n"
    assert "draining" in ctl("drain")
    assert server.wait() == 0


def test_ctl_says_that_nobody_listens_and_what_it_takes(ctl):
    assert f"nobody listens on {ctl.path}" in ctl.refused("stats")
    for words in ([], ["dance"], ["set"], ["policy"], ["set", "time_wait.hold"]):
        assert ctl.run(*words).returncode == 2, words


def test_a_second_server_does_not_take_the_socket(serve, ctl, run_mayfly):
    server = serve(ctl.settings)
    second = run_mayfly("serve", serve_settings("net_null0", ctl.settings))
    assert second.wait() == 1
    assert str(ctl.path) in second.said()
    assert ctl.stats()["accepted"] == 0
    server.stop()


def memif(tmp_path: Path, role: str) -> str:
    return f"net_memif0,id=0,socket={tmp_path}/memif.sock,socket-abstract=no,rsize=12,role={role}"


def ask_quickly(ctl: Ctl) -> dict:
    begin = time.monotonic()
    answer = ctl.stats()
    assert time.monotonic() - begin < 1
    return answer


def start_load(run_mayfly, tmp_path: Path, changes: dict) -> Mayfly:
    return run_mayfly("load", load_settings(memif(tmp_path, "client"), "198.18.0.1",
                                            changes)).wait_ready()


def test_the_generator_changes_who_closes_while_it_runs(run_mayfly, tmp_path, ctl):
    server = run_mayfly("serve", serve_settings(memif(tmp_path, "server"))).wait_ready()
    load = start_load(run_mayfly, tmp_path, ctl.settings | {
        "close": {"first": "server"}, "load": {"rate": "2k", "duration": "20s"}})
    eventually(lambda: ctl.stats()["completed"] > 500)
    assert ctl.stats()["time_wait"]["peak"] == 0
    assert ctl("set", "close.first=reset") == "close.first server -> reset\n"
    assert "needs a restart" in ctl.refused("set", "load.rate=3k")
    before = ctl.stats()["completed"]
    eventually(lambda: ctl.stats()["completed"] > before + 500)
    load.interrupt()
    report = load.report()
    assert not any(report["failed"].values()), report["failed"]
    theirs = server.stop()
    assert theirs["closed"]["reset"] > 400 and theirs["time_wait"]["opened"] > 500


@pytest.mark.time_limit(60)
def test_statistics_and_changes_are_answered_when_the_rate_has_collapsed(
        run_mayfly, tmp_path, ctl):
    """A full table under load: nothing is accepted any more, and both ends still answer."""
    policy = {"time_wait": {"capacity": "2k", "on_full": "refuse"}}
    server = run_mayfly(
        "serve", serve_settings(memif(tmp_path, "server"), ctl.settings | policy)).wait_ready()
    theirs = Ctl(tmp_path / "load-control")
    load = start_load(run_mayfly, tmp_path, theirs.settings | {
        "close": {"first": "server"}, "load": {"rate": "50k", "duration": "40s",
                                               "overcommit": True}})
    eventually(lambda: ask_quickly(ctl)["drops"].get("time_wait_full", 0) > 1_000, seconds=10)
    stuck = ask_quickly(ctl)["accepted"]
    for _ in range(5):
        assert ask_quickly(ctl)["accepted"] == stuck
        assert ask_quickly(theirs)["offered"] > 0
    begin = time.monotonic()
    ctl("set", "time_wait.hold=1s", "time_wait.on_full=evict_oldest")
    assert time.monotonic() - begin < 1
    eventually(lambda: ask_quickly(ctl)["accepted"] > stuck + 1_000)
    load.interrupt()
    load.wait()
    server.stop()
