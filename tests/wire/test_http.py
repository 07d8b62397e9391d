"""curl, as people use it."""
import hashlib
import time

import pytest
from mayfly import MEGABYTE
from tools import URL, curl, octets, sha256


def test_curl_gets_the_page(wire, serve):
    server = serve()
    assert curl(wire.peer, URL) == "hello, mayfly\n"
    assert server.stop()["completed"] == 1


def test_head_tells_the_length_and_sends_no_body(wire, serve):
    serve()
    head = curl(wire.peer, "--head", URL).lower()
    assert head.startswith("http/1.1 200")
    assert "content-length: 14" in head
    assert head.endswith("\n\n")


def test_two_requests_share_one_connection(wire, serve):
    server = serve({"close": {"first": "client"}})
    opened = curl(wire.peer, "--write-out", "%{stderr}%{num_connects}\n", "-o", "/dev/null", URL,
                  "--write-out", "%{num_connects}\n", "-o", "/dev/null", URL).split()
    assert opened == ["1", "0"]
    assert server.stop()["accepted"] == 1


def test_an_unknown_path_is_answered_with_404(wire, serve):
    serve()
    assert curl(wire.peer, "-o", "/dev/null", "-w", "%{http_code}", URL + "nowhere") == "404"


def test_http_1_0_without_keep_alive_is_answered_and_closed(wire, serve):
    serve()
    with wire.peer.connect(80) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(4096), b""))
    assert text.endswith(b"\r\n\r\nhello, mayfly\n")


@pytest.mark.time_limit(60)
def test_a_hundred_megabytes_arrive_unharmed(wire, serve, tmp_path):
    www = tmp_path / "www"
    www.mkdir()
    (www / "random.bin").write_bytes(octets(100 * MEGABYTE))
    serve({"http": {"routes": [{"path": "/files/", "folder": str(www)}]}})
    copy = tmp_path / "copy"
    curl(wire.peer, "-o", str(copy), URL + "files/random.bin", timeout=50)
    assert sha256(copy) == sha256(www / "random.bin")


@pytest.mark.time_limit(60)
def test_a_hundred_generated_megabytes_are_the_documented_pattern(wire, serve, tmp_path):
    serve({"http": {"routes": [{"path": "/big", "bytes": "100M"}]}})
    curl(wire.peer, "-o", str(tmp_path / "copy"), URL + "big", timeout=50)
    line = b"%08x mayfly 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n"
    pattern = b"".join(line % at for at in range(0, 65_536, 64))
    repeated = pattern * (100 * MEGABYTE // len(pattern) + 1)
    assert sha256(tmp_path / "copy") == hashlib.sha256(repeated[:100 * MEGABYTE]).hexdigest()


def test_a_large_request_body_is_refused_with_413(wire, serve, tmp_path):
    serve()
    (tmp_path / "body").write_bytes(bytes(MEGABYTE))
    code = curl(wire.peer, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:",
                "--data-binary", f"@{tmp_path}/body", URL)
    assert code == "413"


@pytest.mark.time_limit(60)
def test_half_sent_requests_by_the_thousand_keep_nobody_out(wire, serve):
    server = serve({"http": {"request_timeout": "60s"}})
    held = [wire.peer.connect(80) for _ in range(4_200)]
    try:
        for connection in held:  # slowly, so that none is lost and comes later
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            time.sleep(0.0005)
        for target, more, status in (("", (), "200"), ("?a=b", (), "200"), ("nowhere", (), "404"),
                                     ("", ("-d", "x=1"), "405"),
                                     ("?a", ("-H", "Transfer-Encoding:\tchunked", "-X", "GET",
                                             "--data-binary", "x"), "200")):
            code = curl(wire.peer, "-o", "/dev/null", "-w", "%{http_code}", *more, URL + target)
            assert code == status, (target, more)
        with wire.peer.connect(80) as slow:  # a request in two pieces
            slow.sendall(b"GET /?a HTTP/1.1\r\n")
            time.sleep(0.1)
            slow.sendall(b"Host: mayfly\r\n\r\n")
            assert slow.recv(4096).startswith(b"HTTP/1.1 200")
        held[0].sendall(b"y\r\n\r\n")
        assert held[0].recv(4096).startswith(b"HTTP/1.1 503")
        held[-1].sendall(b"y\r\n\r\n")
        assert held[-1].recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        for connection in held:
            connection.close()
    service = server.stop()["service"]
    assert service["parsers_reclaimed"] >= 104
    assert service["parsers_exhausted"] == 1


def test_an_error_about_a_head_has_no_content(wire, serve):
    serve()
    for target in (b"/nowhere", b"/%", b"http://user@mayfly/"):
        with wire.peer.connect(80) as connection:
            connection.sendall(b"HEAD " + target + b" HTTP/1.1\r\nHost: mayfly\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 4") and answer.endswith(b"\r\n\r\n"), answer
