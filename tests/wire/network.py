"""Network namespaces and veth pairs: the small networks in which real Linux peers meet the server.

All addresses are from 198.18.0.0/15 and 2001:db8::/32, and exist inside the namespaces only.
"""
import ctypes
import itertools
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

SERVER = "198.18.0.1"
LINUX = "198.18.0.2"
SERVER6, LINUX6 = "2001:db8::1", "2001:db8::2"

# A veth computes no checksums and splits no segments, so that the kernel has to; it has to verify
# what arrives, too.
OFFLOADS_OFF = ("rx", "off", "tx", "off", "tso", "off", "gso", "off", "gro", "off")

CLONE_NEWNET = 0x40000000
_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def sh(*command: str, timeout: float = 30, check: bool = True) -> str:
    """Runs a command and returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def setns(handle: int) -> None:
    if _libc.setns(handle, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace; remove() ends what was started in it."""

    def __init__(self) -> None:
        self.name = f"mfw-{os.getpid()}-{next(_numbers)}"
        self.started: list[subprocess.Popen] = []
        sh("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.write("net/ipv6/conf/default/disable_ipv6", 1)

    def ip(self, *words: str) -> str:
        return sh("ip", "-n", self.name, *words)

    def run(self, *command: str, timeout: float = 30, check: bool = True) -> str:
        return sh("ip", "netns", "exec", self.name, *command, timeout=timeout, check=check)

    def start(self, *command: str, **options) -> subprocess.Popen:
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *command], **options)
        self.started.append(process)
        return process

    @contextmanager
    def entered(self):
        """This thread is inside the namespace meanwhile."""
        with open("/proc/thread-self/ns/net", "rb") as before, \
                open(f"/run/netns/{self.name}", "rb") as inside:
            setns(inside.fileno())
            try:
                yield
            finally:
                setns(before.fileno())

    def new_socket(self, *kind: int) -> socket.socket:
        """A socket that lives in the namespace."""
        with self.entered():
            return socket.socket(*kind)

    def connect(self, port: int, address: str = SERVER, seconds: float = 10) -> socket.socket:
        """A TCP connection from the namespace's own kernel."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = self.new_socket(family, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        connection.connect((address, port))
        return connection

    def write(self, name: str, value: object) -> None:
        """Sets a sysctl of the namespace, if its kernel has it."""
        with self.entered():
            path = Path("/proc/sys") / name
            if path.exists():
                path.write_text(str(value))

    def sockets(self, state: str) -> int:
        """How many TCP sockets are in a state, by its name in ss."""
        return len(self.run("ss", "-Htan", "state", state).splitlines())

    def remove(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        sh("ip", "netns", "delete", self.name, check=False)


class Wire:
    """A veth pair: the server attaches to the host's end, a Linux peer lives in the namespace."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.device = f"mfv{os.getpid()}n{number}"
        self.peer_device = f"mfp{number}"
        self.peer = Namespace()
        sh("ip", "link", "add", self.device, "type", "veth",
           "peer", "name", self.peer_device, "netns", self.peer.name)
        own_host_end(self.device)
        add_address(self.peer, self.peer_device, f"{LINUX}/15")
        wait_for_carrier(self.device)

    def peer_speaks_ipv6(self, address: str) -> None:
        """The Linux peer has this address too, at once and without a router."""
        add_address6(self.peer, self.peer_device, address)

    def remove(self) -> None:
        sh("ip", "link", "delete", self.device, check=False)
        self.peer.remove()


def into_namespace(device: str) -> Namespace:
    """Moves a device into a namespace of its own, for a server or generator that runs there.

    net_af_packet names its fanout groups by process and interface, and the names of two processes
    that are started one after the other may be the same; not across namespaces.
    """
    namespace = Namespace()
    sh("ip", "link", "set", device, "netns", namespace.name)
    namespace.run("ethtool", "-K", device, *OFFLOADS_OFF)
    namespace.ip("link", "set", device, "up")
    return namespace


def own_host_end(device: str) -> None:
    """The host's kernel is to say nothing on the server's end, and to forward nothing from it."""
    for name, value in ((f"net/ipv6/conf/{device}/disable_ipv6", 1),
                        (f"net/ipv4/conf/{device}/forwarding", 0)):
        path = Path("/proc/sys") / name
        if path.exists():
            path.write_text(str(value))
    sh("ethtool", "-K", device, *OFFLOADS_OFF)
    sh("ip", "link", "set", device, "up")


def add_address(namespace: Namespace, device: str, address: str) -> None:
    """Brings a device up with an address, and lets its kernel compute checksums by itself."""
    namespace.run("ethtool", "-K", device, *OFFLOADS_OFF)
    namespace.ip("address", "add", address, "dev", device)
    namespace.ip("link", "set", device, "up")


def add_address6(namespace: Namespace, device: str, address: str) -> None:
    """At once, and without a router. Its kernel takes the address before it takes packets to it."""
    namespace.write(f"net/ipv6/conf/{device}/disable_ipv6", 0)
    namespace.write(f"net/ipv6/conf/{device}/accept_ra", 0)
    namespace.ip("address", "add", address, "dev", device, "nodad")
    own = address.split("/")[0]
    while f"local {own} " not in namespace.ip("-6", "route", "show", "table", "local"):
        time.sleep(0.002)


def wait_for_carrier(device: str) -> None:
    carrier = Path(f"/sys/class/net/{device}/carrier")
    while carrier.read_text().strip() != "1":
        time.sleep(0.01)


def remove_leftovers() -> None:
    """Namespaces of earlier runs that were killed; a veth pair goes with its namespace."""
    for name in re.findall(r"^mfw-\d+-\d+", sh("ip", "netns", "list"), re.MULTILINE):
        if not Path(f"/proc/{name.split('-')[1]}").exists():
            sh("ip", "netns", "delete", name, check=False)
