"""The page's address: who may ask, what a browser gets, and what a start refuses."""
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mayfly import BINARY, serve_settings
from tools import free_port


def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                     headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def test_the_page_is_there_for_this_machine_alone(run_mayfly):
    port = free_port()
    server = run_mayfly("serve", serve_settings("net_null0"), "--page",
                        f"127.0.0.1:{port}").wait_ready()
    assert f"page: http://127.0.0.1:{port}/" in server.said()
    assert "<title>Mayfly</title>" in ask(port, "/")[1]
    assert json.loads(ask(port, "/api/stats")[1])["accepted"] == 0
    assert ask(port, "/api/stats", Host="mayfly.example")[0] == 403
    assert ask(port, "/api/stats", Origin="http://mayfly.example")[0] == 403
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/events", timeout=5) as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        sample = json.loads(events.readline().decode().removeprefix("data: "))
        assert sample["time_wait"]["capacity"] == 64_000
    server.stop()


def test_the_page_is_there_at_the_loopback_address_of_ipv6(run_mayfly):
    port = free_port()
    server = run_mayfly("serve", serve_settings("net_null0"), "--page",
                        f"[::1]:{port}").wait_ready()
    assert f"page: http://[::1]:{port}/" in server.said()
    with urllib.request.urlopen(f"http://[::1]:{port}/api/stats", timeout=5) as answer:
        assert json.loads(answer.read())["accepted"] == 0
    server.stop()


def test_other_addresses_need_a_token(run_mayfly, tmp_path):
    port = free_port()
    settings = serve_settings("net_null0", {"admin": {"page": f"0.0.0.0:{port}"}})
    refused = run_mayfly("serve", settings)
    assert refused.wait() == 2
    assert "callers need a token" in refused.said() and "admin.token_file" in refused.said()

    settings["admin"]["token_file"] = str(tmp_path / "token")
    (tmp_path / "token").write_text("0123456789abcdef\n")
    server = run_mayfly("serve", settings).wait_ready()
    assert ask(port, "/")[0] == 200, "the files of the page hold nothing secret"
    assert ask(port, "/api/stats")[0] == 401
    assert ask(port, "/api/stats", Authorization="Bearer 0123456789abcdeF")[0] == 401
    assert ask(port, "/api/stats", Authorization="Bearer 0123456789abcdef")[0] == 200
    server.stop()


def test_a_thousand_idle_callers_and_readers_that_do_not_read_keep_no_operator_out(run_mayfly):
    port = free_port()
    server = run_mayfly("serve", serve_settings("net_null0"), "--page",
                        f"127.0.0.1:{port}").wait_ready()
    held = []
    try:
        for _ in range(40):  # of which 32 get a stream; none of them reads
            one = socket.create_connection(("127.0.0.1", port))
            one.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            held.append(one)
        held += [socket.create_connection(("127.0.0.1", port)) for _ in range(1_000)]
        begin = time.monotonic()
        answers = [ask(port, "/api/policy")[0] for _ in range(20)]
        assert answers == [200] * 20
        assert (time.monotonic() - begin) / 20 < 0.1
    finally:
        for one in held:
            one.close()
    server.stop()
