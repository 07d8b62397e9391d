"""What serve says while it runs: a log on standard error, and the lines that scripts wait for."""
import json
import re

from mayfly import BINARY, serve_settings
from network import sh
from tools import URL, curl, eventually


def lines(server, event: str) -> list[dict]:
    found = []
    for line in server.said().splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            found += [one] if one["event"] == event else []
    return found


def test_lines_have_a_time_and_a_level_and_scripts_still_find_ready(serve):
    server = serve()
    said = server.said()
    assert re.search(r"^ready: port 80 http.* on 198\.18\.0\.1", said, re.MULTILINE)
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    serves port 80 http", said,
                     re.MULTILINE)
    assert "MiB\n" not in said, "the table of memory is for -v and check"
    server.stop()


def test_the_table_of_memory_is_printed_if_it_is_asked_for(run_mayfly):
    server = run_mayfly("serve", serve_settings("net_null0"), "-v").wait_ready()
    assert re.search(r"^memory\n  server connections ", server.said(), re.MULTILINE)


def test_json_lines_tell_links_changes_and_the_drain(wire, serve, run_mayfly, tmp_path):
    server = serve({"log": {"format": "json"}, "admin": {"socket": str(tmp_path / "ctl")}})
    ready = lines(server, "ready")[0]
    assert ready["level"] == "info" and ready["listen"].startswith("port 80 http")
    assert "net_af_packet, 1 receive" in ready["devices"][0]
    sh("ip", "link", "set", wire.device, "down")
    eventually(lambda: any("is down" in one["words"] for one in lines(server, "link")))
    sh("ip", "link", "set", wire.device, "up")
    eventually(lambda: lines(server, "link")[-1]["level"] == "info")
    sh(str(BINARY), "ctl", "--socket", str(tmp_path / "ctl"), "policy", "balanced")
    change = lines(server, "changed")[0]
    assert change["what"] == "policy balanced" and change["by"] == "socket"
    assert {"key": "time_wait.balance", "from": "false", "to": "true"} in change["changed"]
    server.stop()
    assert lines(server, "draining")[0]["open"] == 0


def test_a_level_leaves_out_what_is_below_it(serve):
    server = serve({"log": {"level": "warn"}})
    server.stop()
    assert " info " not in server.said()


def test_every_request_is_told_if_the_sample_is_all_of_them(wire, serve):
    server = serve({"log": {"format": "json"}, "http": {"access_log": {"sample": "100%"},
                    "routes": [{"path": "/", "body": "hello, mayfly\n"}]}})
    curl(wire.peer, URL)
    curl(wire.peer, "-I", URL)
    curl(wire.peer, URL + "nowhere?a=b")
    eventually(lambda: len(lines(server, "request")) == 3)
    got, head, missing = lines(server, "request")
    assert (got["status"], got["bytes"], got["path"]) == (200, 14, "/")
    assert got["peer"].startswith("198.18.") and '"GET /"' in got["words"]
    assert '"HEAD /"' in head["words"] and head["bytes"] == 0
    assert missing["status"] == 404 and missing["path"].startswith("/nowhere")
    server.stop()
