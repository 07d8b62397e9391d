"""A machine of its own whose first process is systemd: namespaces over a copy of this machine's
files that is written to memory, so nothing of it stays. Its only units are those that it is given.
"""
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

SYSTEMD = Path("/lib/systemd/systemd")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ANSWER_S = 60

# $1: an empty folder. $2: a folder that is laid over the root.
BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/written" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/written,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for one in null zero full random urandom; do touch dev/$one; mount --bind /dev/$one dev/$one; done
mkdir dev/shm
ln -s /proc/self/fd dev/fd
for one in sysinit basic trial; do
  printf '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n' > etc/systemd/system/$one.target
done
cp -r "$2/." .
ip link set lo up
exec chroot . /usr/bin/env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=trial.target --log-target=console --show-status=no
"""


def cgroup_root() -> Path | None:
    """Where cgroup2 is mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return Path(line.split()[1])
    return None


def why_none() -> str | None:
    """Why there can be no such machine here."""
    if not SYSTEMD.exists() or shutil.which("systemctl") is None:
        return "systemd is not installed"
    return None if cgroup_root() else "cgroup2 is not mounted"


class Machine:
    """`with Machine(folder, files) as machine: machine.run("systemctl", "start", "x")`. `files`:
    contents or a file to copy, by the path that they have on the machine."""

    def __init__(self, folder: Path, files: dict[str, str | Path]) -> None:
        self.folder, self.log = folder, folder / "systemd.log"
        (folder / "base").mkdir(parents=True)
        for name, content in files.items():
            path = folder / "files" / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copy(content, path)
            else:
                path.write_text(content)
        self.group = cgroup_root() / f"mayfly-test-{os.getpid()}"

    def __enter__(self) -> "Machine":
        self.group.mkdir(exist_ok=True)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net",
                 "--cgroup", "bash", "-c", BOOT, "bash", self.folder / "base",
                 self.folder / "files"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={"PATH": PATH},
                preexec_fn=lambda: (self.group / "cgroup.procs").write_text(str(os.getpid())))
        until = time.monotonic() + ANSWER_S
        while not self.is_up():
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        for path in sorted(self.group.rglob("*/"), reverse=True):
            self.remove(path)
        self.remove(self.group)

    @staticmethod
    def remove(group: Path) -> None:
        for _ in range(50):  # its processes are still ending
            try:
                return group.rmdir()
            except OSError:
                time.sleep(0.1)

    def first_process(self) -> str:
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()

    def is_up(self) -> bool:
        return bool(self.first_process()) and self.ask(
            "systemctl", "is-active", "trial.target").stdout.strip() == "active"

    def ask(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["nsenter", "--target", self.first_process(), "--all", "--root", "--wd=/", *words],
            capture_output=True, text=True, timeout=ANSWER_S, check=False, env={"PATH": PATH})

    def run(self, *words: str) -> str:
        done = self.ask(*words)
        assert done.returncode == 0, done.stdout + done.stderr + self.log.read_text()
        return done.stdout

    def show(self, unit: str, key: str) -> str:
        return self.run("systemctl", "show", unit, "--property", key, "--value").strip()
