"""A Linux router, and namespaces around it on a link each: what the tests of clusters, upgrades and
the exception path stand on.

    client --- router --- host, host, ...     198.18.0.0/24; 198.18.N.0/24: .1 is the router's
                                              2001:db8:0::/64; 2001:db8:N::/64: ::1
"""
from network import OFFLOADS_OFF, Namespace, add_address

SERVICE, SERVICE6 = "198.19.0.1", "2001:db8:19::1"
LAN = "lan"


class Routed:
    """A router that spreads flows by their four-tuples; `ipv6`: it forwards those of IPv6, too. It
    owns the namespaces that space() and add_client() make."""

    def __init__(self, *, ipv6: bool = False) -> None:
        self.ipv6 = ipv6
        self.spaces: list[Namespace] = []
        self.router = self.space()
        for name, value in (("ipv4/ip_forward", 1), ("ipv4/fib_multipath_hash_policy", 1),
                            ("ipv4/conf/all/rp_filter", 0), ("ipv4/conf/default/rp_filter", 0)):
            self.router.write(f"net/{name}", value)
        if ipv6:
            self.router.write("net/ipv6/conf/all/forwarding", 1)
            self.router.write("net/ipv6/fib_multipath_hash_policy", 1)

    def space(self) -> Namespace:
        self.spaces.append(Namespace())
        return self.spaces[-1]

    def add_client(self, device: str = "client0") -> None:
        """A host on link 0 whose kernel speaks, as 198.18.0.2."""
        self.client = self.space()
        self.link(self.client, device, 0, 2)
        self.client.ip("route", "add", "default", "via", "198.18.0.1")
        if self.ipv6:
            self.client.ip("-6", "route", "add", "default", "via", "2001:db8:0::1")

    def cable(self, other: Namespace, device: str) -> str:
        """A veth pair without addresses; returns the router's end."""
        at_router = f"r-{device}"
        self.router.ip("link", "add", at_router, "type", "veth",
                       "peer", "name", device, "netns", other.name)
        for place, end in ((self.router, at_router), (other, device)):
            place.run("ethtool", "-K", end, *OFFLOADS_OFF)
            place.ip("link", "set", end, "up")
        return at_router

    def link(self, other: Namespace, device: str, number: int, host: int | None = None) -> None:
        """Link `number`; with `host` the other kernel has 198.18.NUMBER.HOST on it."""
        self.address(self.router, self.cable(other, device), number, 1)
        if host is not None:
            self.address(other, device, number, host)

    def lan(self, number: int, devices: dict[str, Namespace]) -> None:
        """Link `number` is one for all of them: a bridge, LAN, on which the router is, too."""
        self.router.ip("link", "add", LAN, "type", "bridge")
        for device, other in devices.items():
            self.router.ip("link", "set", self.cable(other, device), "master", LAN)
        self.address(self.router, LAN, number, 1)

    def address(self, place: Namespace, device: str, number: int, host: int) -> None:
        add_address(place, device, f"198.18.{number}.{host}/24")
        if self.ipv6:
            place.write(f"net/ipv6/conf/{device}/disable_ipv6", 0)
            place.ip("address", "add", f"2001:db8:{number}::{host}/64", "dev", device, "nodad")

    def route(self, *hops: str) -> None:
        """The way to the service is by these addresses."""
        words = [word for hop in hops for word in ("nexthop", "via", hop)]
        family, service = ("-6", f"{SERVICE6}/128") if ":" in hops[0] else ("-4", f"{SERVICE}/32")
        self.router.ip(family, "route", "replace", service, *words)

    def remove(self) -> None:
        for space in self.spaces:
            space.remove()
