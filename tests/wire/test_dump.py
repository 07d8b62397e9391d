"""`mayfly dump`: frames of a running server, read back by tshark."""
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY
from network import SERVER
from tools import URL, curl


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control"


def dump(path: Path, file: Path, *words: str) -> subprocess.Popen:
    return subprocess.Popen([str(BINARY), "dump", "--socket", str(path), "-w", str(file), *words],
                            stderr=subprocess.PIPE, text=True)


def read(file: Path, *fields: str) -> list[list[str]]:
    words = ["tshark", "-n", "-r", str(file), "-T", "fields"]
    for field in fields:
        words += ["-e", field]
    said = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout
    return [line.split("\t") for line in said.splitlines()]


@pytest.mark.time_limit(60)
def test_frames_of_both_directions_are_shown_with_what_became_of_them(wire, serve, path, tmp_path):
    server = serve({"admin": {"socket": str(path)}})
    file = tmp_path / "f.pcapng"
    with dump(path, file, "tcp port 80 or tcp port 81", "--seconds", "3") as capture:
        time.sleep(0.5)
        before = time.time()
        curl(wire.peer, URL)
        with pytest.raises(AssertionError):
            curl(wire.peer, f"http://{SERVER}:81/")
        with wire.peer.entered():
            socket.create_connection((SERVER, 7), timeout=5).close()
        said = capture.communicate(timeout=20)[1]
    assert capture.returncode == 0, said
    frames = read(file, "frame.time_epoch", "tcp.flags.str", "frame.comment", "tcp.dstport",
                  "frame.packet_flags_direction")
    assert said == f"{len(frames)} frames\n"
    assert all(abs(float(at) - before) < 5 for at, *_ in frames)
    accepted = [frame for frame in frames if frame[2] == "core 0: accepted"]
    sent = [frame for frame in frames if frame[2] == "core 0: sent"]
    refused = [frame for frame in frames if frame[2].startswith("core 0: dropped, tcp_no_listener")]
    assert len(accepted) >= 4 and len(sent) >= 4, frames
    assert [frame[3] for frame in refused] == ["81"]
    assert {frame[4] for frame in accepted} != {frame[4] for frame in sent}
    server.stop()


def test_a_filter_that_is_none_is_refused_in_the_words_of_libpcap(serve, path, tmp_path):
    server = serve({"admin": {"socket": str(path)}})
    with dump(path, tmp_path / "f", "tcp port of hope", "--seconds", "1") as capture:
        said = capture.communicate(timeout=20)[1]
    assert capture.returncode == 1 and 'the filter "tcp port of hope": ' in said
    server.stop()


@pytest.mark.time_limit(60)
def test_a_capture_whose_reader_was_killed_ends_by_itself(wire, serve, path, tmp_path):
    server = serve({"admin": {"socket": str(path)}})
    with dump(path, tmp_path / "a") as first:
        time.sleep(0.5)
        with dump(path, tmp_path / "b", "--seconds", "1") as second:
            assert "one at a time" in second.communicate(timeout=20)[1]
        first.kill()
    time.sleep(6)
    with dump(path, tmp_path / "c", "tcp", "--seconds", "2", "--bytes", "60") as third:
        time.sleep(0.5)
        curl(wire.peer, URL)
        said = third.communicate(timeout=20)[1]
    assert third.returncode == 0, said
    assert {length for _, length in read(tmp_path / "c", "frame.number", "frame.cap_len")} == {"60"}
    server.stop()
