"""The library as it is installed: the examples need nothing else, and serve a Linux peer."""
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mayfly import BINARY, ROOT, common
from network import SERVER

BUILD = BINARY.parents[1]
ENVIRONMENT = os.environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def run(*words: str | Path, seconds: int = 300) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                          cwd=ROOT, env=ENVIRONMENT, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is installed."""
    folder = tmp_path_factory.mktemp("installed")
    run("ninja", "-C", BUILD, "lib/libmayfly.a")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir", folder)
    return next(folder.rglob("include/mayfly")).parents[1]


def package_flags(prefix: Path) -> list[str]:
    """As if the library had been configured with this prefix."""
    installed = next(prefix.rglob("mayfly.pc"))
    moved = prefix / "mayfly.pc"
    moved.write_text(re.sub(r"^prefix=.*$", f"prefix={prefix}", installed.read_text(),
                            flags=re.MULTILINE))
    return run("pkg-config", "--cflags", "--libs", moved).split()


@pytest.fixture(scope="module")
def program(prefix: Path):
    """Compiles an example outside of the project, as its user would; once."""
    def compile_example(name: str) -> Path:
        made = prefix / name
        if not made.exists():
            run("g++", "-O1", ROOT / f"app/examples/{name}.cc", *package_flags(prefix),
                "-march=native", "-o", made)
        return made
    return compile_example


@pytest.mark.time_limit(120)
def test_the_headers_are_those_of_the_library(prefix):
    installed = {p.relative_to(prefix / "include/mayfly") for p in prefix.rglob("*.h")}
    assert installed == {p.relative_to(ROOT / "lib") for p in (ROOT / "lib").rglob("*.h")}


@pytest.mark.time_limit(300)
def test_the_line_echo_is_built_from_the_installed_library_and_answers(wire, program, tmp_path):
    echo = program("line_echo")
    config = tmp_path / "echo.yaml"
    config.write_text(json.dumps(common(f"net_af_packet0,iface={wire.device}", 0, f"{SERVER}/15")))
    output = tmp_path / "echo.log"
    with output.open("wb") as log:
        process = subprocess.Popen([echo, "-c", config], stdout=log, stderr=subprocess.STDOUT,
                                   cwd=ROOT)
    try:
        end = time.monotonic() + 20
        while "ready" not in output.read_text():
            assert process.poll() is None and time.monotonic() < end, output.read_text()
            time.sleep(0.02)
        with wire.peer.connect(7) as connection:
            connection.sendall(b"half a ")
            connection.sendall(b"line\nand another\nno end")
            assert connection.recv(100) == b"half a line\nand another\n"
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(20)
    assert status == 0, output.read_text()


@pytest.mark.time_limit(300)
def test_a_mistake_in_the_file_is_told(program, tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text("cores: [0]\nlisten: [{port: 80}]\n")
    done = subprocess.run([program("line_echo"), "-c", config], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert "listen: is not a known key" in done.stderr
    assert "ports" in done.stderr
