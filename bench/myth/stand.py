"""Where myths are measured: a kernel or Mayfly at one end of a wire, a Linux client at the other.

Everything is in namespaces that are made for one measurement and removed after it.
"""
import json
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import control
from mayfly import BINARY, ROOT, Mayfly, load_settings, serve_settings
from network import LINUX, SERVER, Namespace, Wire, add_address, sh
from peer import Flow, Peer, flags_of

REQUEST = b"GET / HTTP/1.1\r\nHost: mayfly\r\nConnection: close\r\n\r\n"
KEPT_REQUEST = REQUEST.replace(b"Connection: close\r\n", b"")
BODY = b"hello, mayfly\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + BODY
TIMER = re.compile(r"timer:\(\w+,(?:(\d+)min)?(?:(\d+)sec|(\d+\.)?(\d+)ms)?,")
Handler = Callable[[socket.socket], None]


# -- the kernel's server --

def read_request(connection: socket.socket) -> bool:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        if not (part := connection.recv(65_536)):
            return False
        request += part
    return True


def close_first(connection: socket.socket) -> None:
    if read_request(connection):
        connection.sendall(ANSWER)


def let_client_close(connection: socket.socket) -> None:
    while read_request(connection):
        connection.sendall(ANSWER)


def listen(namespace: Namespace, handler: Handler, port: int = 80) -> socket.socket:
    """Serves on a port of the namespace, a thread a connection, until stop()."""
    listener = namespace.new_socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(4096)

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # reset by the peer
            handler(connection)

    def accept() -> None:
        with suppress(OSError):  # stopped
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def stop(listener: socket.socket) -> None:
    """close() alone would leave the thread in accept()."""
    if listener.fileno() >= 0:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


# -- the two ends --

def set_sysctls(namespace: Namespace, **values: object) -> None:
    """Of IPv4, in the namespace alone: tcp_fin_timeout=5."""
    for name, value in values.items():
        namespace.write(f"net/ipv4/{name}", value)


def sysctl(namespace: Namespace, name: str) -> str | None:
    """None if the kernel has no such switch."""
    with namespace.entered(), suppress(FileNotFoundError):
        return Path(f"/proc/sys/net/ipv4/{name}").read_text().strip()
    return None


@dataclass
class Kernel:
    """A kernel at the server's address, and the Linux client at the other end."""
    wire: Wire
    server: Namespace
    client: Namespace
    listener: socket.socket


@contextmanager
def kernel_server(handler: Handler = close_first, **sysctls: object) -> Iterator[Kernel]:
    """`sysctls` are those of the server's namespace."""
    wire, server = Wire(), Namespace()
    try:
        sh("ip", "link", "set", wire.device, "netns", server.name)
        add_address(server, wire.device, f"{SERVER}/15")
        set_sysctls(server, **sysctls)
        listener = listen(server, handler)
        yield Kernel(wire, server, wire.peer, listener)
        stop(listener)
    finally:
        wire.remove()
        server.remove()


@dataclass
class Served:
    """`mayfly serve` at the server's address, and the Linux client at the other end."""
    wire: Wire
    server: Mayfly
    client: Namespace
    control: Path

    def stats(self) -> dict:
        """Its counters so far."""
        return control.stats(self.control)


@contextmanager
def mayfly_server(changes: dict | None = None, policy: str | None = None,
                  wire: Wire | None = None, namespace: Namespace | None = None) -> Iterator[Served]:
    """`policy` is a preset of conf/policy, below `changes`. A wire that is handed in stays."""
    made = wire or Wire()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = serve_settings(f"net_af_packet0,iface={made.device}",
                                  {"admin": {"socket": f"{folder}/ctl"}})
        server = Mayfly("serve", settings, folder, *preset(policy), *overrides(changes or {}),
                        namespace=namespace)
        try:
            server.wait_ready()
            yield Served(made, server, made.peer, folder / "ctl")
        finally:
            server.kill()
            if wire is None:
                made.remove()


def preset(policy: str | None) -> list[str]:
    return ["--policy", str(ROOT / f"conf/policy/{policy}.yaml")] if policy else []


def overrides(changes: dict, prefix: str = "") -> list[str]:
    """{"time_wait": {"hold": "5s"}} as the words of --set, which go over a preset."""
    words: list[str] = []
    for key, value in changes.items():
        if isinstance(value, dict):
            words += overrides(value, f"{prefix}{key}.")
        else:
            words += ["--set", f"{prefix}{key}={json.dumps(value)}"]
    return words


def generate(wire: Wire, changes: dict) -> dict:
    """The generator against the Linux end of the wire: its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(f"net_af_packet0,iface={wire.device}", LINUX, changes)
        load = Mayfly("load", settings, Path(folder))
        try:
            load.wait(90)
            return load.numbers()
        finally:
            load.kill()


@contextmanager
def mayfly_client(handler: Handler = let_client_close) -> Iterator[Callable[[dict], dict]]:
    """Runs the generator against a kernel's server: load(changes) is its JSON."""
    wire = Wire()
    try:
        listener = listen(wire.peer, handler)
        yield lambda changes: generate(wire, changes)
        stop(listener)
    finally:
        wire.remove()


def lab(settings: dict) -> dict:
    """What `mayfly lab` writes to its summary.json."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name, "lab.yaml")
        config.write_text(json.dumps(settings))
        done = subprocess.run([BINARY, "lab", "-c", config, "--out", name], capture_output=True,
                              text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(Path(name, "summary.json").read_text())


# -- the Linux client --

def fetch(client: Namespace, source: tuple[str, int] | None = None, seconds: float = 3,
          to: tuple[str, int] = (SERVER, 80), until_end: bool = True) -> bytes:
    """One request. Until the server's FIN, or until the answer is whole, and then closed here."""
    with client.new_socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        if source:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind(source)
        connection.connect(to)
        connection.sendall(REQUEST)
        answer = b""
        while until_end or not answer.endswith(BODY):
            if not (part := connection.recv(65_536)):
                break
            answer += part
    return answer


def answered(client: Namespace, count: int, **options) -> int:
    """How many of so many requests, one after the other, have a whole answer."""
    whole = 0
    for _ in range(count):
        with suppress(OSError):
            whole += fetch(client, **options).endswith(BODY)
    return whole


def together(count: int, work: Callable[[], object]) -> list:
    """What so many calls return that run at the same time."""
    results: list = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def answered_at_once(client: Namespace, count: int, seconds: float) -> int:
    return sum(together(count, lambda: answered(client, 1, seconds=seconds)))


# -- what is read --

def counter(namespace: Namespace, name: str) -> int:
    """A counter of the namespace's kernel, by its name in nstat."""
    return int(float(namespace.run("nstat", "-asz", name).split()[-2]))


def timer_s(namespace: Namespace, state: str) -> int:
    """What is left of the timer of the one socket in a state, as ss shows it; ss cuts whole seconds
    off, so that they are rounded up here."""
    found = TIMER.search(namespace.run("ss", "-Htano", "state", state))
    assert found, f"no socket in {state}"
    minutes, whole, seconds, thousandths = found.groups()
    fraction = float(f"{seconds or '0.'}{thousandths or '0':0>3}")
    return ceil(int(minutes or 0) * 60 + (int(whole) + 0.5 if whole else fraction))


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.005)


# -- the scripted client --

def after_the_answer(peer: Peer) -> Flow:
    """A connection whose server has sent the answer and its FIN."""
    flow = peer.flow(80).open()
    flow.send("A", REQUEST)
    assert flow.read_until("FA").endswith(BODY)
    return flow


def finish(flow: Flow, options: list | None = None) -> Flow:
    """Answers the server's FIN, which it may have sent again by then, and awaits the last ACK."""
    flow.send("FA", options=options)
    for packet in flow.arrived(2):
        if flags_of(packet) == "A" and packet["TCP"].ack == flow.seq:
            return flow
    raise AssertionError("no ACK of the FIN")


def closed_by_server(peer: Peer) -> Flow:
    """The server has closed first, and both FINs are acknowledged."""
    return finish(after_the_answer(peer))


def left_open(peer: Peer) -> Flow:
    """The server has closed and its peer has not: FIN_WAIT_2 there."""
    flow = after_the_answer(peer)
    flow.send("A")
    return flow


def answer_to(flow: Flow, seconds: float = 0.5) -> str:
    """The next segment: RST, ACK, SYN-ACK or nothing."""
    for packet in flow.arrived(seconds):
        flags = flags_of(packet)
        return {"R": "RST", "RA": "RST", "A": "ACK", "SA": "SYN-ACK"}.get(flags, flags)
    return "nothing"


def answer_to_fin_again(flow: Flow) -> str:
    """What the peer of a lost last ACK meets."""
    flow.send("FA", seq=flow.seq - 1)
    return answer_to(flow)
