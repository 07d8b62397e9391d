"""Files as curl gets them: validators, parts, types, redirects; and the Date of every answer."""
import email.utils
import re
import signal
import time
from pathlib import Path

import pytest
from tools import URL, curl, eventually, octets

MIME_TYPES = Path("/etc/mime.types")


@pytest.fixture
def www(tmp_path):
    folder = tmp_path / "www"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "deep/index.html").write_text("<p>deep")
    (folder / "large.bin").write_bytes(octets(300_000))
    (folder / ".git/config").write_text("secret")
    return folder


@pytest.fixture
def files(serve, www):
    """The server of the folder at /files/; its close order and more can be given."""
    def start(**more):
        route = {"path": "/files/", "folder": str(www)} | more
        return serve({"http": {"routes": [{"path": "/", "body": "x"}, route]},
                      "close": {"first": "client"}})
    return start


def head_of(peer, target, *more):
    text = curl(peer, "--include", *more, URL + target)
    head, _, body = text.partition("\n\n")
    status, *lines = head.splitlines()
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(status.split()[1]), fields, body


def test_every_answer_states_the_time(wire, files):
    files()
    for target in ("", "nowhere", "files/deep/", "files/deep"):
        _, fields, _ = head_of(wire.peer, target)
        stated = email.utils.parsedate_to_datetime(fields["date"]).timestamp()
        assert abs(stated - time.time()) < 2, target
        assert fields["date"].endswith(" GMT")


def test_the_date_moves_on(wire, files):
    files()
    first = head_of(wire.peer, "")[1]["date"]
    time.sleep(1.2)
    assert head_of(wire.peer, "")[1]["date"] != first


def test_without_a_clock_there_is_no_date(wire, serve):
    serve({"http": {"date": False}})
    assert "date" not in head_of(wire.peer, "")[1]


def test_what_the_client_has_is_not_sent_again(wire, files, www):
    files()
    status, fields, _ = head_of(wire.peer, "files/deep/")
    modified = email.utils.parsedate_to_datetime(fields["last-modified"]).timestamp()
    assert modified == int((www / "deep/index.html").stat().st_mtime)
    for condition in (f"If-None-Match: {fields['etag']}", f"If-None-Match: W/{fields['etag']}",
                      f"If-Modified-Since: {fields['last-modified']}"):
        status, again, body = head_of(wire.peer, "files/deep/", "-H", condition)
        assert (status, body, again["etag"]) == (304, "", fields["etag"]), condition
        assert "content-length" not in again
    assert head_of(wire.peer, "files/deep/", "-H", 'If-None-Match: "x"')[0] == 200
    assert head_of(wire.peer, "files/deep/", "-H", 'If-Match: "x"')[0] == 412


def test_curl_resumes_a_download(wire, files, www, tmp_path):
    files()
    copy = tmp_path / "copy"
    copy.write_bytes(octets(300_000)[:100_001])
    curl(wire.peer, "-C", "-", "-o", str(copy), URL + "files/large.bin")
    assert copy.read_bytes() == octets(300_000)


def test_parts_are_cut_to_the_file(wire, files, tmp_path):
    files()
    whole, copy = octets(300_000), tmp_path / "copy"
    for wish, part in (("0-0", whole[:1]), ("-5", whole[-5:]), ("299990-999999", whole[-10:]),
                       ("5-150000", whole[5:150_001])):
        told = curl(wire.peer, "-r", wish, "-o", str(copy), "-w", "%{http_code}",
                    URL + "files/large.bin")
        assert (told, copy.read_bytes()) == ("206", part), wish
    status, fields, _ = head_of(wire.peer, "files/large.bin", "-r", "300000-")
    assert (status, fields["content-range"]) == (416, "bytes */300000")


def test_a_folder_without_its_slash_redirects(wire, files):
    files()
    status, fields, _ = head_of(wire.peer, "files/deep")
    assert (status, fields["location"]) == (301, "/files/deep/")
    assert curl(wire.peer, "-L", URL + "files/deep") == "<p>deep"


def test_names_with_a_dot_are_served_if_the_route_says_so(wire, files):
    server = files()
    for target in ("files/.git/config", "files/.git/", "files/%2egit/config"):
        assert head_of(wire.peer, target)[0] == 404, target
    server.stop()
    files(dot_names=True)
    assert head_of(wire.peer, "files/.git/config")[2] == "secret"


def test_types_are_those_of_the_systems_list(wire, files, www):
    for name in ("a.tar", "a.html"):
        (www / name).write_text("")
    files()
    assert head_of(wire.peer, "files/a.html")[1]["content-type"].startswith("text/html")
    listed = MIME_TYPES.exists() and re.search(r"^application/x-tar\s+tar", MIME_TYPES.read_text(),
                                               re.MULTILINE)
    wanted = "application/x-tar" if listed else "application/octet-stream"
    assert head_of(wire.peer, "files/a.tar")[1]["content-type"] == wanted


@pytest.mark.time_limit(90)
def test_folders_are_read_again_on_reload(wire, files, www):
    server = files()
    large = octets(300_000)
    with wire.peer.connect(80) as connection:
        connection.sendall(b"GET /files/large.bin HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
        got = connection.recv(1_000)
        for turn in range(12):  # more often than there are slots
            (www / "large.bin").write_text(f"turn {turn}")
            (www / f"new-{turn}.txt").write_text("new")
            server.process.send_signal(signal.SIGHUP)
            new = URL + f"files/new-{turn}.txt"
            eventually(lambda: curl(wire.peer, new) == "new", seconds=15)
            assert curl(wire.peer, URL + "files/large.bin") == f"turn {turn}"
            (www / f"new-{turn}.txt").unlink()
        got += b"".join(iter(lambda: connection.recv(65_536), b""))
    assert got.endswith(b"\r\n\r\n" + large), "what was begun is of the files as they were"
    assert head_of(wire.peer, "files/new-10.txt")[0] == 404
    assert head_of(wire.peer, "")[1]["date"]
    (www / "large.bin").unlink()
    www.rename(www.with_name("elsewhere"))
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "is not a folder" in server.said(), seconds=15)
    assert curl(wire.peer, URL + "files/large.bin") == "turn 11"
