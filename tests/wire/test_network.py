"""The layers below TCP, and segments that belong to no connection."""
import socket

import pytest
from network import SERVER, Namespace, add_address
from peer import ICMP, IP, TCP, Peer
from scapy.layers.inet import fragment
from tools import URL, curl

REQUEST = b"GET / HTTP/1.1\r\nHost: mayfly\r\nConnection: close\r\n\r\n"


def test_a_ping_is_answered_with_its_own_payload(serve, peer):
    serve()
    for size in (0, 56, 1_472):
        payload = bytes(range(256)) * 6
        peer.send(IP(src=peer.address, dst=SERVER) / ICMP(id=7, seq=size) / payload[:size])
        reply = peer.receive(ICMP)
        assert (reply[ICMP].type, reply[ICMP].id, reply[ICMP].seq) == (0, 7, size)
        assert bytes(reply[ICMP].payload)[:size] == payload[:size]


def test_a_udp_port_is_unreachable(wire, serve):
    server = serve()
    with wire.peer.new_socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.connect((SERVER, 53))
        udp.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            udp.recv(100)
    assert server.stop()["drops"]["udp_closed"] == 1


def test_a_connection_to_a_closed_port_is_refused(wire, serve):
    server = serve()
    with pytest.raises(ConnectionRefusedError):
        wire.peer.connect(81)
    assert server.stop()["drops"]["tcp_no_listener"] == 1


def test_a_syn_to_a_closed_port_is_reset_from_sequence_number_0(serve, peer):
    serve()
    flow = peer.flow(81)
    flow.send("S")
    reset = flow.expect("RA")[TCP]  # RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    assert (reset.seq, reset.ack) == (0, flow.seq)


def test_an_ack_without_a_connection_is_reset_at_what_it_acknowledges(serve, peer):
    serve()
    flow = peer.flow(80)
    flow.send("A", b"late", ack=123_456)
    reset = flow.expect("R")[TCP]  # RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>
    assert reset.seq == 123_456


def test_a_reset_without_a_connection_is_not_answered(serve, peer):
    server = serve()
    flow = peer.flow(81)
    flow.send("R")
    flow.silent(0.3)
    assert server.stop()["drops"]["tcp_rst_no_connection"] == 1


def test_an_unanswered_syn_ack_is_sent_again(serve, peer):
    serve()
    flow = peer.flow(80)
    flow.send("S")
    first, second = flow.expect("SA"), flow.expect("SA")
    assert first[TCP].seq == second[TCP].seq
    assert 0.9 < second.time - first.time < 1.5  # RFC 6298 2.1: the first RTO is 1 s


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "last first"])
def test_a_segment_in_ip_fragments_is_put_together(serve, peer, order):
    serve()
    flow = peer.flow(80).open()
    for piece in fragment(flow.segment("A", REQUEST), fragsize=24)[::order]:
        peer.send(piece)
    assert flow.read_until("FA").endswith(b"hello, mayfly\n")


def test_a_wrong_checksum_is_dropped_and_counted(serve, peer):
    server = serve()
    flow = peer.flow(80).open()
    broken = flow.segment("A", REQUEST)
    broken[TCP].chksum = 0x1234
    peer.send(broken)
    flow.silent(0.3)
    flow.send("A", REQUEST)
    assert flow.read_until("FA").endswith(b"hello, mayfly\n")
    assert server.stop()["drops"]["tcp_checksum"] == 1


def test_a_tagged_port_speaks_on_its_vlan_only(wire, serve):
    server = serve(port={"vlan": 12})
    with Peer(wire.peer, wire.peer_device, vlan=12) as tagged:
        flow = tagged.flow(80).open()
        flow.send("A", REQUEST)
        assert flow.read_until("FA").endswith(b"hello, mayfly\n")
    for vlan in (None, 13):
        with Peer(wire.peer, wire.peer_device, vlan=vlan) as other, pytest.raises(AssertionError):
            other.resolve(0.3)
    assert server.stop()["drops"]["vlan_other"] > 0


def test_every_address_of_a_range_is_served(wire, serve):
    serve(port={"addresses": ["198.18.0.10-198.18.0.13/15", "198.18.0.1/15"]})
    for last in (1, 10, 11, 12, 13):
        assert curl(wire.peer, f"http://198.18.0.{last}/") == "hello, mayfly\n"
    with pytest.raises(OSError):
        wire.peer.connect(80, "198.18.0.14", seconds=0.5)


def test_a_configured_mac_address_is_the_one_that_answers(serve, peer):
    serve(port={"mac": "02:00:00:00:00:01"})
    peer.resolve()
    assert peer.server_mac == "02:00:00:00:00:01"


def test_a_peer_beyond_the_gateway_is_reached(wire, serve):
    router, far = wire.peer, Namespace()
    try:
        router.ip("address", "flush", "dev", wire.peer_device)
        router.ip("address", "add", "198.18.0.254/24", "dev", wire.peer_device)
        router.ip("link", "add", "far0", "type", "veth", "peer", "name", "far1", "netns", far.name)
        add_address(router, "far0", "198.19.0.254/24")
        add_address(far, "far1", "198.19.0.2/24")
        far.ip("route", "add", "default", "via", "198.19.0.254")
        router.write("net/ipv4/ip_forward", 1)
        serve(port={"addresses": [f"{SERVER}/24"], "gateway": "198.18.0.254"})
        assert curl(far, URL) == "hello, mayfly\n"
    finally:
        far.remove()


def test_text_out_of_order_is_kept_and_delivered_in_order(serve, peer):
    serve()
    flow = peer.flow(7).open()
    start = flow.seq
    flow.send("A", b"world", seq=start + 6)
    assert flow.expect("A")[TCP].ack == start  # a duplicate ACK
    flow.send("A", b"hello ", seq=start)
    flow.seq = start + 11
    assert flow.read(11) == b"hello world"


def test_text_that_arrives_twice_is_delivered_once(serve, peer):
    server = serve()
    flow = peer.flow(7).open()
    flow.send("A", b"once")
    assert flow.read(4) == b"once"
    flow.send("A")
    flow.send("A", b"once", seq=flow.seq - 4)
    assert flow.expect("A")[TCP].ack == flow.seq
    flow.silent(0.2)
    assert server.stop()["drops"]["tcp_duplicate"] == 1
