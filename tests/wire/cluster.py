"""Mayfly servers behind one Linux router, with BIRD on all of them: a cluster in namespaces, by the
files of conf/cluster. scripts/cluster.py measures with it.

    client --- router --- server 1, 2, ...    198.18.0.0/24; 198.18.N.0/24: .1 the router's,
                                              .2 the server's kernel and BIRD, .3 Mayfly's
"""
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from mayfly import BINARY, ROOT, Mayfly, secret_at
from network import Namespace
from routed import SERVICE, Routed

CONF = ROOT / "conf/cluster"
HTTP, ECHO = 80, 7


def until(is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so after {seconds} s: {what}"
        time.sleep(0.05)


class Bird:
    """A BIRD in a namespace, by a file of conf/cluster whose names are defined otherwise.
    `goes_first`: it need not wait for a processor, as if the load ran on other machines."""

    def __init__(self, place: Namespace, folder: Path, file: str, *, goes_first: bool = False,
                 **names: object) -> None:
        text = (CONF / file).read_text()
        for name, value in names.items():
            text, count = re.subn(rf"^define {name} = .*$", f"define {name} = {value};", text,
                                  flags=re.MULTILINE)
            assert count == 1, name
        folder.mkdir(parents=True, exist_ok=True)
        config, self.control = folder / "bird.conf", folder / "bird.ctl"
        config.write_text(text)
        self.log = (folder / "bird.log").open("wb")
        words = ["bird", "-f", "-c", str(config), "-s", str(self.control),
                 "-P", str(folder / "bird.pid")]
        self.process = place.start(*(["chrt", "--rr", "1"] if goes_first else []), *words,
                                   stdout=self.log, stderr=self.log)
        until(self.control.exists, "BIRD listens")

    def ask(self, *words: str) -> str:
        return subprocess.run(["birdc", "-s", str(self.control), *words], capture_output=True,
                              text=True, timeout=10, check=False).stdout


class Member:
    """A server: its Mayfly, which comes and goes, and BIRD and health.sh, which stay."""

    def __init__(self, number: int, count: int, folder: Path, changes: dict) -> None:
        self.number, self.folder = number, folder
        self.host = Namespace()
        self.device = f"down{number}"
        self.socket = folder / "control"
        self.settings = {
            "hugepages": "never", "cores": [number % 2], "idle": "adaptive",
            "ports": [{"device": f"net_af_packet0,iface={self.device}",
                       "addresses": [f"198.18.{number}.3/24",
                                     {"range": f"{SERVICE}/32", "arp": False}],
                       "gateway": f"198.18.{number}.1"}],
            "listen": [{"port": HTTP, "service": "http"}, {"port": ECHO, "service": "echo"}],
            "http": {"routes": [{"path": "/", "body": f"server {number}\n"}]},
            "close": {"first": "server"}, "drain_timeout": "60s",
            "connections": {"capacity": "8k"}, "time_wait": {"hold": "60s", "capacity": "64k"},
            "cluster": {"secret": str(folder.parent / "secret"),
                        "members": [f"198.18.{n + 1}.3" for n in range(count)]},
            "admin": {"socket": str(self.socket)}} | changes
        self.runs = 0
        self.mayfly: Mayfly | None = None

    def go_along(self) -> None:
        """Starts BIRD and health.sh."""
        n = self.number
        self.bird = Bird(self.host, self.folder, "bird-server.conf", goes_first=True,
                         SERVER=f"198.18.{n}.2", MAYFLY=f"198.18.{n}.3", ROUTER=f"198.18.{n}.1")
        self.health_log = (self.folder / "health.log").open("wb")
        self.host.start(
            str(CONF / "health.sh"), str(self.socket), stdout=self.health_log,
            stderr=self.health_log,
            env=os.environ | {"MAYFLY": str(BINARY), "BIRD": str(self.bird.control),
                              "FAILURES": "30"})  # servers and clients share the CPUs here

    def start(self) -> None:
        self.runs += 1
        self.mayfly = Mayfly("serve", self.settings, self.folder / f"run{self.runs}",
                             namespace=self.host)

    def ctl(self, *words: str) -> str:
        done = subprocess.run([str(BINARY), "ctl", "--socket", str(self.socket), *words],
                              capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stats(self) -> dict:
        return json.loads(self.ctl("stats"))

    def ports_of_peers(self, *options: str) -> set[int]:
        """The ports of the clients whose connections or TIME_WAIT entries this one has."""
        for _ in range(5):  # a core that others keep from running answers late
            done = subprocess.run(
                [str(BINARY), "ss", "--socket", str(self.socket), "--json", *options],
                capture_output=True, text=True, timeout=10, check=False)
            if done.returncode == 0:
                break
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {int(one["peer"].rsplit(":", 1)[1]) for one in lines}


class Cluster(Routed):
    """`resilient`: the router has a group that keeps flows where they are; else plain ECMP, which
    moves flows of all servers when one comes or goes."""

    def __init__(self, folder: Path, count: int = 3, *, resilient: bool, **changes) -> None:
        super().__init__()
        self.folder, self.resilient = folder, resilient
        self.members: list[Member] = []
        try:
            self.set_up(count, changes)
        except BaseException:
            self.remove()
            raise

    def set_up(self, count: int, changes: dict) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "secret").exists():
            secret_at(self.folder / "secret")
        self.add_client()
        self.client.write("net/ipv4/ip_local_port_range", "10000 65000")
        for number in range(1, count + 1):
            member = Member(number, count, self.folder / f"server{number}", changes)
            self.members.append(member)
            self.spaces.append(member.host)
            self.link(member.host, member.device, number, 2)
            member.start()
        self.bird = Bird(self.router, self.folder / "router", "bird-router.conf", goes_first=True,
                         TABLE=100 if self.resilient else 254)
        if self.resilient:
            log = (self.folder / "router/group.log").open("wb")
            self.router.start(str(CONF / "nexthop-group.sh"), f"{SERVICE}/32", stdout=log,
                              stderr=log)
        for member in self.members:
            member.go_along()
        until(lambda: self.next_hops() == count, "the router has a way to each server")

    def next_hops(self) -> int:
        """To how many servers the router sends."""
        route = self.router.ip("route", "show", f"{SERVICE}/32")
        group = re.search(r"nhid (\d+)", route)
        if group and self.resilient:
            shown = self.router.ip("nexthop", "get", "id", group[1])
            return len(re.search(r"group ([0-9/]+)", shown)[1].split("/"))
        return route.count("via ")

    def remove(self) -> None:
        for member in self.members:
            if member.mayfly is not None:
                member.mayfly.kill()
        super().remove()


class Clients:
    """Short connections at a rate, and lasting ones, from the client's kernel: cluster_client.py in
    a process of its own, until end() is called."""

    def __init__(self, network: Routed, rate: int, lasting: int) -> None:
        self.process = network.client.start(
            "/usr/bin/python3", str(Path(__file__).with_name("cluster_client.py")), SERVICE,
            str(rate), str(lasting), stdout=subprocess.PIPE, text=True)

    def end(self) -> dict:
        """What was seen: `short` has [start, seconds, end] and `lasting` [port, end] of each; an
        end is "ok" or what went wrong, a time is that of time.monotonic()."""
        self.process.send_signal(signal.SIGINT)
        return json.loads(self.process.communicate(timeout=30)[0])
