"""The Debian package and the service: built, examined, installed, run, removed."""
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from mayfly import BINARY, ROOT
from tools import eventually

UNITS = ("mayfly@.service", "mayfly-hugepages.service")


def run(*words: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          timeout=120, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.time_limit(120)
def test_the_package_is_accepted_by_lintian_installed_run_and_removed(tmp_path):
    run(ROOT / "scripts/package.sh", BINARY.parents[1], tmp_path,
        env=os.environ | {"DEBEMAIL": "maintainers@debian.org"})
    package = next(tmp_path.glob("mayfly_*.deb"))
    run("lintian", "--fail-on", "error,warning", package)

    root = tmp_path / "root"
    for folder in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ("dpkg", f"--root={root}", "--force-depends", "--force-not-root")
    quiet = os.environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    run(*dpkg, "--install", package, env=quiet)
    assert "DPDK 22.11" in run(root / "usr/bin/mayfly", "--version")
    assert (root / "usr/share/mayfly/conf/policy/balanced.yaml").exists()
    for unit in UNITS:
        assert (root / "lib/systemd/system" / unit).exists()
    page = run("zcat", root / "usr/share/man/man1/mayfly.1.gz")
    commands = set(re.findall(r"^  ([a-z]+) ", run(root / "usr/bin/mayfly", "help"), re.MULTILINE))
    assert not [name for name in commands if f"\\fB{name}\\fR" not in page], "in the man page"

    run(*dpkg, "--purge", "mayfly", env=quiet)
    left = [path for path in root.rglob("*") if path.is_file() and "dpkg" not in path.parts]
    assert not left


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_sound_and_the_server_is_exposed_little(unit, tmp_path):
    text = (ROOT / "conf/systemd" / unit).read_text()
    (tmp_path / unit).write_text(text.replace("/usr/bin/mayfly", "/bin/true"))
    run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / unit)
    if unit == UNITS[0]:
        said = run("systemd-analyze", "security", "--offline=true", tmp_path / unit)
        assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) <= 3.5, said


def test_bash_completes_commands_and_options():
    script = f"""
        PATH={BINARY.parent}:$PATH; source {ROOT}/conf/completion/mayfly.bash
        COMP_WORDS=(mayfly ser); COMP_CWORD=1; _mayfly; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=(mayfly ctl dr); COMP_CWORD=2; _mayfly; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=(mayfly ss --st); COMP_CWORD=2; _mayfly; echo "${{COMPREPLY[*]}}"
    """
    assert run("bash", "-c", script).splitlines() == ["serve", "drain", "--state"]


def test_a_ready_server_tells_systemd_and_has_no_capabilities(wire, serve, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        server = serve()
        assert systemd.recv(1000).startswith(b"READY=1\nSTATUS=port 80 http")
        assert systemd.recv(1000) == b"WATCHDOG=1"
        tasks = Path(f"/proc/{server.process.pid}/task")

        def powers() -> list[tuple[str, str]]:
            return [((task / "comm").read_text().strip(),
                     re.search(r"CapPrm:\s+(\w+)", (task / "status").read_text())[1])
                    for task in tasks.iterdir() if task.name != str(server.process.pid)]

        # DPDK's own thread for interrupts was made before, and handles no frame; the main thread
        # has a result to write (--json).
        eventually(lambda: not [name for name, caps in powers()
                                if int(caps, 16) and not name.startswith("eal-intr")])
        server.process.send_signal(signal.SIGTERM)
        while b"STOPPING" not in (said := systemd.recv(1000)):
            assert said == b"WATCHDOG=1"
        server.report()
