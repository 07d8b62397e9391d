"""Runs the mayfly binary: writes its settings, waits until it polls, ends it, reads its report."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from network import SERVER, Namespace

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MAYFLY", ROOT / "build/app/mayfly"))
MEGABYTE = 1_000_000


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` laid over it, level by level."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def common(device: str, core: int, address: str) -> dict:
    return {
        "hugepages": os.environ.get("MAYFLY_HUGEPAGES", "auto"),
        "cores": [core],
        "ports": [{"device": device, "addresses": [address]}],
        "connections": {"capacity": "16k"},
        "time_wait": {"hold": "60s", "capacity": "64k"},
    }


def serve_settings(device: str, changes: dict | None = None) -> dict:
    return merged(common(device, 0, f"{SERVER}/15") | {
        "listen": [{"port": 80, "service": "http"}, {"port": 7, "service": "echo"},
                   {"port": 9, "service": "discard"}],
        "http": {"routes": [{"path": "/", "body": "hello, mayfly\n"}]},
        "close": {"first": "server"},
        "drain_timeout": "500ms",
    }, changes or {})


def load_settings(device: str, target: str, changes: dict | None = None) -> dict:
    return merged(common(device, 1, "198.18.1.1-198.18.1.20/15") | {
        "target": {"address": target, "port": 80, "path": "/"},
        "sources": {"addresses": "198.18.1.1-198.18.1.20", "ports": "1024-65535"},
        "load": {"rate": "2k", "duration": "2s"},
        "close": {"first": "client"},
    }, changes or {})


def secret_at(path: Path, *options: str) -> str:
    """Makes the secret of a cluster, or rotates it; returns its place."""
    subprocess.run([BINARY, "secret", path, *options], check=True, capture_output=True, timeout=10)
    return str(path)


class Mayfly:
    """One process of the binary. Its settings are written as JSON, which is YAML too."""

    def __init__(self, command: str, settings: dict, folder: Path, *options: str,
                 namespace: Namespace | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / f"{command}.yaml"
        self.config.write_text(json.dumps(settings, indent=1))
        self.result = folder / f"{command}.json"
        self.output = folder / f"{command}.log"
        words = [str(BINARY), command, "-c", str(self.config), "--json", str(self.result), *options]
        if namespace:
            words = ["ip", "netns", "exec", namespace.name, *words]
        # Each has a state and a socket of its own, unless the test or its settings name one.
        environment = {"XDG_STATE_HOME": str(folder), "RUNTIME_DIRECTORY": str(folder)} | os.environ
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, env=environment)

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_ready(self, seconds: float = 20) -> "Mayfly":
        """Returns once it has printed a line that begins with "ready"."""
        end = time.monotonic() + seconds
        while not any(line.startswith("ready") for line in self.said().splitlines()):
            assert self.process.poll() is None, f"ended before it was ready:\n{self.said()}"
            assert time.monotonic() < end, f"not ready after {seconds} s:\n{self.said()}"
            time.sleep(0.02)
        return self

    def wait(self, seconds: float = 20) -> int:
        """The exit status."""
        return self.process.wait(seconds)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def numbers(self) -> dict:
        """What it wrote to its JSON file at the end, however it ended."""
        self.wait()
        return json.loads(self.result.read_text())

    def report(self) -> dict:
        """The same, of a run that has to have ended well."""
        assert self.wait() == 0, self.said()
        return self.numbers()

    def stop(self) -> dict:
        """Ctrl-C, then the report."""
        if self.process.poll() is None:
            self.interrupt()
        return self.report()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
