#!/usr/bin/env python3
"""Writes the seeds of the corpora that are made by rule: make_corpus.py, from anywhere.

Each target's file says how it reads its input. The other files of a corpus were found by a fuzzer
and are named after what they broke.
"""
import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
CONF = Path(__file__).resolve().parents[2] / "conf"
US, PEER = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
OUR_IP, PEER_IP = bytes([198, 18, 0, 1]), bytes([198, 18, 1, 1])
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

MSS = bytes([2, 4, 5, 0xb4])
SCALE = bytes([1, 3, 3, 7])
SACK_OK = bytes([1, 1, 4, 2])
STAMP = bytes([1, 1, 8, 10]) + struct.pack("!II", 1000, 2000)
SACK = bytes([1, 1, 5, 18]) + struct.pack("!IIII", 100, 200, 300, 400)
LINUX_SYN = bytes([2, 4, 5, 0xb4, 4, 2, 8, 10]) + struct.pack("!II", 1000, 0) + SCALE


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(protocol: int, payload: bytes, options: bytes = b"", fragment: int = 0x4000) -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), 1, fragment, 64,
                       protocol, 0) + PEER_IP + OUR_IP + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def tcp(flags: int, options: bytes = b"", text: bytes = b"") -> bytes:
    head = struct.pack("!HHIIBBHHH", 40000, 80, 1000, 2000 if flags & ACK else 0,
                       (5 + len(options) // 4) << 4, flags, 65535, 0, 0) + options
    pseudo = PEER_IP + OUR_IP + struct.pack("!BBH", 0, 6, len(head) + len(text))
    return head[:16] + struct.pack("!H", checksum(pseudo + head + text)) + head[18:] + text


OUR_IP6, PEER_IP6 = (bytes([0x20, 1, 0xd, 0xb8]) + bytes(8) + ip for ip in (OUR_IP, PEER_IP))
ALL_NODES = bytes([0xff, 2]) + bytes(13) + b"\1"


def ipv6(last: int, payload: bytes, chain: bytes = b"", first: int | None = None, hops: int = 64,
         to: bytes = OUR_IP6) -> bytes:
    """`chain` has the extension headers, of which the first is of type `first`."""
    head = struct.pack("!IHBB", 0x60000000, len(chain) + len(payload),
                       last if first is None else first, hops)
    return head + PEER_IP6 + to + chain + payload


def over_ipv6(protocol: int, at: int, message: bytes, to: bytes = OUR_IP6) -> bytes:
    """The message with its checksum, which is at `at`."""
    message = message[:at] + bytes(2) + message[at + 2:]
    pseudo = PEER_IP6 + to + struct.pack("!II", len(message), protocol)
    return message[:at] + struct.pack("!H", checksum(pseudo + message)) + message[at + 2:]


def icmp6(kind: int, code: int, rest: int, body: bytes) -> bytes:
    return over_ipv6(58, 2, struct.pack("!BBHI", kind, code, 0, rest) + body)


def ethernet(payload: bytes, kind: int = 0x0800, tag: bytes = b"", to: bytes = US) -> bytes:
    return to + PEER + tag + struct.pack("!H", kind) + payload


def icmp(kind: int, code: int, body: bytes) -> bytes:
    head = struct.pack("!BBHI", kind, code, 0, 7)
    return head[:2] + struct.pack("!H", checksum(head + body)) + head[4:] + body


def arp(operation: int) -> bytes:
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + PEER + PEER_IP + bytes(6) + OUR_IP


def frames() -> dict[str, bytes]:
    segment = ipv4(6, tcp(ACK, STAMP, b"text"))
    return {
        "syn_of_linux": ethernet(ipv4(6, tcp(SYN, LINUX_SYN))),
        "syn_without_options": ethernet(ipv4(6, tcp(SYN))),
        "ack_with_timestamps_and_text": ethernet(segment),
        "ack_with_sack_blocks": ethernet(ipv4(6, tcp(ACK, STAMP + SACK))),
        "fin": ethernet(ipv4(6, tcp(FIN | ACK))),
        "rst": ethernet(ipv4(6, tcp(RST))),
        "urgent": ethernet(ipv4(6, tcp(ACK | URG | PSH, text=b"!"))),
        "padded_to_the_minimum": ethernet(ipv4(6, tcp(ACK))) + bytes(6),
        "priority_tagged": ethernet(segment, tag=bytes([0x81, 0, 0x60, 0])),
        "other_vlan": ethernet(segment, tag=bytes([0x81, 0, 0, 12])),
        "to_everybody": ethernet(segment, to=b"\xff" * 6),
        "ip_options": ethernet(ipv4(6, tcp(ACK), bytes([7, 4, 4, 0]))),
        "source_route": ethernet(ipv4(6, tcp(ACK), bytes([131, 3, 4, 0]))),
        "first_fragment": ethernet(ipv4(6, tcp(ACK, text=b"x" * 16)[:32], fragment=0x2000)),
        "echo_request": ethernet(ipv4(1, icmp(8, 0, b"ping"))),
        "port_unreachable": ethernet(ipv4(1, icmp(3, 3, ipv4(6, tcp(ACK))))),
        "udp": ethernet(ipv4(17, struct.pack("!HHHH", 53, 53, 8, 0))),
        "other_protocol": ethernet(ipv4(132, b"sctp")),
        "arp_request": ethernet(arp(1), 0x0806),
        "arp_reply": ethernet(arp(2), 0x0806),
        "ipv6": ethernet(b"\x60" + bytes(39), 0x86dd),
        **{name: ethernet(packet, 0x86dd) for name, packet in packets6().items()},
        "cut_in_the_header": ethernet(segment)[:40],
    }


def packets6() -> dict[str, bytes]:
    syn, text = (over_ipv6(6, 16, tcp(*what)) for what in ((SYN, LINUX_SYN), (ACK, STAMP, b"text")))
    pad = bytes([1, 4, 0, 0, 0, 0])
    options, routing = bytes([43, 0]) + pad, bytes([6, 0, 0, 0, 0, 0, 0, 0])
    mac = PEER
    return {
        "ipv6_syn": ipv6(6, syn),
        "ipv6_text": ipv6(6, text),
        "ipv6_chain": ipv6(6, syn, options + routing, 0),
        "ipv6_routing": ipv6(6, syn, routing[:3] + b"\1" + routing[4:], 43),
        "ipv6_unknown_option": ipv6(6, syn, bytes([6, 0, 0x9e, 4, 0, 0, 0, 0]), 60),
        "ipv6_atomic_fragment": ipv6(6, syn, bytes([6]) + bytes(7), 44),
        "ipv6_first_fragment": ipv6(6, text[:24], bytes([6, 0, 0, 1, 0, 0, 0, 7]), 44),
        "ipv6_last_fragment": ipv6(6, text[24:], bytes([6, 0, 0, 24, 0, 0, 0, 7]), 44),
        "ipv6_esp": ipv6(50, bytes(8)),
        "ipv6_echo": ipv6(58, icmp6(128, 0, 7, b"ping")),
        "ipv6_solicitation": ipv6(58, icmp6(135, 0, 0, OUR_IP6 + b"\1\1" + mac), hops=255),
        "ipv6_advertisement": ipv6(58, icmp6(136, 0, 0x60000000, PEER_IP6 + b"\2\1" + mac),
                                   hops=255),
        "ipv6_too_big": ipv6(58, icmp6(2, 0, 1280, ipv6(6, syn))),
    }


def parse_frame() -> dict[str, bytes]:
    seeds = {name: b"\0" + frame for name, frame in frames().items()}
    broken = bytearray(frames()["ack_with_timestamps_and_text"])
    broken[-1] ^= 1
    seeds["checksum_trusted_to_the_device"] = b"\1" + broken
    seeds["emitted_syn"] = b"\2" + bytes(9) + bytes([SYN]) + bytes(4) + b"\xff\xff\x0f" + bytes(9)
    seeds["emitted_ack_with_sack"] = (b"\2" + bytes(9) + bytes([ACK]) + bytes(8) +
                                      b"\xff\xff\x18" + bytes(8) + b"\2" + bytes(range(24)) +
                                      b"text")
    seeds["emitted_arp"] = b"\3" + bytes(range(30))
    seeds["emitted_icmp"] = b"\4" + bytes(range(30))
    return seeds


def tcp_options() -> dict[str, bytes]:
    syn, ack = bytes([SYN]), bytes([ACK])
    return {
        "linux_syn": syn + LINUX_SYN,
        "all_of_a_syn": syn + MSS + SACK_OK + STAMP + SCALE,
        "timestamps_aligned": ack + STAMP,
        "timestamps_unaligned": ack + STAMP[2:] + b"\1\1",
        "three_sack_blocks": ack + STAMP + bytes([1, 1, 5, 26]) + bytes(range(24)),
        "four_sack_blocks": ack + bytes([1, 1, 5, 34]) + bytes(range(32)),
        "sack_of_no_whole_block": ack + bytes([5, 6, 0, 0, 0, 0, 1, 1]),
        "end_hides_the_rest": syn + b"\0" + MSS + bytes(3),
        "unknown_kinds": syn + bytes([254, 4, 0, 0, 34, 2, 1, 1]) + MSS,
        "mss_of_another_length": syn + bytes([2, 3, 5, 1]) + MSS,
        "length_zero": syn + bytes([8, 0, 1, 1]),
        "length_one": syn + bytes([3, 1, 7, 1]),
        "runs_past_the_header": syn + bytes([1, 1, 1, 8]),
        "syn_options_on_an_ack": ack + MSS + SCALE + SACK_OK,
    }


def in_one_and_in_pieces(texts: dict[str, bytes]) -> dict[str, bytes]:
    seeds = {name: b"\0" + text for name, text in texts.items()}
    return seeds | {f"{name}_in_pieces": bytes([3, 3, 15, 30]) + text
                    for name, text in texts.items()}


def http_request() -> dict[str, bytes]:
    host = b"Host: m\r\n"
    return in_one_and_in_pieces({
        "get": b"GET / HTTP/1.1\r\n" + host + b"\r\n",
        "two_and_close": b"GET / HTTP/1.1\r\n" + host + b"\r\nHEAD /small HTTP/1.1\r\n" + host +
                         b"Connection: close\r\n\r\n",
        "http_1_0": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "chunked": b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
                   b"4;a=b\r\nwxyz\r\n0\r\nT: t\r\n\r\n",
        "expects_continue": b"GET / HTTP/1.1\r\n" + host + b"Expect: 100-continue\r\n"
                            b"Content-Length: 4\r\n\r\nbody",
        "two_lengths": b"GET / HTTP/1.1\r\n" + host + b"Content-Length: 4\r\n"
                       b"Content-Length: 5\r\n\r\nbody",
        "escaped_target": b"GET http://m/a%20b?q=%zz HTTP/1.1\r\n" + host + b"\r\n",
        "folded": b"GET / HTTP/1.1\r\n" + host + b"A: b\r\n c\r\n\r\n",
        "options_asterisk": b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n",
    })


def http_response() -> dict[str, bytes]:
    return in_one_and_in_pieces({
        "length": b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello",
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
        "interim": b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
                   b"Content-Length: 2\r\n\r\nok",
        "until_the_end": b"HTTP/1.0 200 OK\r\n\r\nhello",
        "options": b"HTTP/1.1 200 OK\r\nConnection: upgrade ,, Close\r\nContent-Length: 1\r\n\r\nx",
        "no_content": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        "not_found": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "two_lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    })


def admin_request() -> dict[str, bytes]:
    def ask(method: str, path: str, body: bytes = b"", more: str = "") -> bytes:
        kind = "Content-Type: application/json\r\n" if body else ""
        return (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}{kind}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    return {
        "stats": ask("GET", "/api/stats"),
        "two_at_once": ask("GET", "/metrics") + ask("HEAD", "/api/health?x=%00"),
        "page": ask("GET", "/") + ask("GET", "/page.js"),
        "events": ask("GET", "/api/events"),
        "set": ask("PATCH", "/api/configuration",
                   b'{"time_wait.hold": "5s", "tcp.sack": false, "a.b": 1e3}'),
        "set_nothing": ask("PATCH", "/api/configuration", b"{}"),
        "key_with_an_equals_sign": ask("PATCH", "/api/configuration", b'{"a=b": "c"}'),
        "unset": ask("POST", "/api/unset", b'{"keys": ["time_wait.hold"]}'),
        "policy": ask("PUT", "/api/policy", b'{"name": "balanced", "for": "30s"}'),
        "escapes": ask("PUT", "/api/policy",
                       b'{"name": "\\u0000\\n\\ud83d\\ude00\\"\xc3\xa9"}'),
        "not_utf8": ask("PUT", "/api/policy", b'{"name": "\xff\xfe"}'),
        "deeply_nested": ask("PUT", "/api/policy", b"[" * 500),
        "reload_and_drain": ask("POST", "/api/reload", b"{}") + ask("POST", "/api/drain"),
        "another_site": ask("POST", "/api/drain", b"", "Origin: http://evil.example\r\n"),
        "fields": ask("GET", "/api/stats", b"", "Range: bytes=0-,1-2\r\nAccept-Encoding: br\r\n"
                      "Connection: close\r\nAuthorization: Bearer x\r\n"),
        "chunks": b"PUT /api/policy HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "no_request": b"hello\r\n\r\n",
        "odd_version": b"GET /api/stats HTTP/9.9\r\nHost: localhost\r\n\r\n",
    }


def configuration() -> dict[str, bytes]:
    def file(kind: str, path: Path) -> bytes:
        return kind.encode() + path.read_bytes()

    small = (b"scores: [0]\nports: [{device: net_ring0, addresses: [198.18.0.1/15]}]\n"
             b"listen: [{port: 80, service: http}]\n")
    load = (b"lcores: [1]\nports: [{device: net_ring1, addresses: [198.18.1.1-198.18.1.10/15]}]\n"
            b"target: {address: 198.18.0.1}\nload: {concurrency: 512}\n")
    seeds = {f"serve_{p.stem}": file("s", p) for p in sorted((CONF / "serve").glob("*.yaml"))}
    seeds |= {f"load_{p.stem}": file("l", p) for p in sorted((CONF / "load").glob("*.yaml"))}
    seeds |= {f"preset_{p.stem.replace('-', '_')}": small + b"\x1eP" + p.read_bytes()
              for p in sorted((CONF / "policy").glob("*.yaml"))}
    seeds["lab_first"] = file("x", CONF / "lab" / "first.yaml")
    seeds["serve_small"] = small
    seeds["load_small"] = load
    seeds["overrides"] = small + b"\x1etime_wait.hold=5s\x1elisten.0.port=8080\x1eports.0.vlan=12"
    seeds["override_of_nothing"] = small + b"\x1e=\x1ea.b.c=1\x1elisten.7.port=1"
    seeds["written_back_serve"] = file("S", CONF / "serve" / "veth.yaml")
    seeds["written_back_load"] = file("L", CONF / "load" / "veth.yaml")
    seeds["written_back_texts"] = b"S" + small[1:] + (
        b'http: {routes: [{path: /, body: "a\\n\\"#: \\\\"}, {path: /e, body: ""}]}\n')
    seeds["written_back_separators"] = b"S" + small[1:] + (
        b'http: {routes: [{path: /, body: "a\\NULLn\\"#: \\\\"}, '
        b'{path: /e, body: "\\L\\P\\_\\uFEFF"}]}\n')
    seeds["aliases"] = b"stcp: &a {mss: 1400}\nclose: *a\n<<: *a\n"
    seeds["not_utf8"] = b"scores: \xff\n"
    return {name: seed for name, seed in seeds.items() if len(seed) < 4096}


TCP_SETTINGS = bytes([0x0f]) + struct.pack("<H", 1372) + bytes([2, 9, 14, 7])


def listener() -> dict[str, bytes]:
    def seed(options: int, *steps: bytes) -> bytes:
        base = TCP_SETTINGS + struct.pack("<III", 1, 1000, 5000)
        syn = bytes([SYN, 0]) + struct.pack("<HB", 65535, options)
        return base + syn + bytes(8) + b"\0" + bytes(4) + b"".join(steps)

    ack = bytes([7, ACK, 0, 0]) + struct.pack("<HB", 65535, 0) + bytes([0, 0, 0])
    return {
        "syn_with_options": seed(0x0f),
        "syn_without_options": seed(0),
        "handshake": seed(0, ack),
        "handshake_and_close": seed(0, ack, bytes([2, 0, 0]), ack),
        "syn_again": seed(0, bytes([7, SYN, 1, 0xff]) + struct.pack("<HB", 65535, 0) + bytes(3)),
    }


def connection() -> dict[str, bytes]:
    return {f"state_{state}_{name}": TCP_SETTINGS + struct.pack("<IB", 1, state) +
            bytes((state * 37 + i * salt) & 0xff for i in range(120))
            for state in range(9) for name, salt in (("calm", 1), ("busy", 91))}


def time_wait() -> dict[str, bytes]:
    def seed(stamps: int, reopen: int, rst: int, *segments: bytes) -> bytes:
        entry = struct.pack("<IIIHB", 5000, 9000, 1000, 65535, 0)
        flags = bytes([stamps, *[0] * stamps, 0])  # timestamps, and if so vanished; ended
        return (entry + flags + bytes([reopen, rst, 0, 0]) +
                struct.pack("<III", 1, 9500, 1_000_000) + b"".join(segments))

    def segment(flags: int, near: bytes, options: int = 0, stamp: bytes = b"") -> bytes:
        ack = b"\0" if flags & ACK else b""
        return bytes([flags]) + near + ack + struct.pack("<HB", 65535, options) + stamp + b"\0"

    at, before, ahead = b"\0", b"\1\xff", b"\1\x10"
    newer = b"\1\x01"
    return {
        "fin_again": seed(0, 0, 0, segment(FIN | ACK, before)),
        "syn_after_the_last": seed(0, 0, 0, segment(SYN, at)),
        "syn_before_the_last": seed(0, 1, 0, segment(SYN, before)),
        "syn_with_a_newer_timestamp": seed(1, 0, 0, segment(SYN, before, 8, newer)),
        "syn_with_the_same_timestamp": seed(1, 0, 0, segment(SYN, at, 8, b"\0")),
        "syn_where_none_may_reopen": seed(0, 2, 0, segment(SYN, at)),
        "rst_ignored": seed(0, 0, 0, segment(RST, at)),
        "rst_accepted": seed(0, 0, 1, segment(RST, at)),
        "rst_of_a_newcomer": seed(0, 0, 2, segment(RST, at)),
        "rst_challenged": seed(0, 0, 1, segment(RST, ahead)),
        "old_text": seed(0, 0, 0, segment(ACK | PSH, before)),
        "syn_ack": seed(0, 0, 0, segment(SYN | ACK, at)),
        "half_the_sequence_space_away": struct.pack("<IIIHBB", 0, 9000, 0, 0, 0, 0) + bytes(9) +
                                        struct.pack("<I", 9000 + (1 << 31)),
    }


OPEN, TEXT, CLOSE, BARE_ACK, ANY, BURST, MANGLED, RAW, USEC, MSEC, APP, CONNECT, ICMP, CHANGE, \
    DEVICE, AGAIN = range(16)


def shard() -> dict[str, bytes]:
    def seed(*actions: bytes, hold: int = 2, bits: int = 0, cookies: int = 0, half_open: int = 2,
             temper: bytes = bytes(6), begins: int = 0) -> bytes:
        policy = bytes([hold, 2, 0, 0, 0, 0, bits, cookies, half_open])
        return TCP_SETTINGS + policy + bytes([1, 3, 1, begins]) + temper + b"".join(actions)

    def any_segment(action: int, flags: int, seq: int = 0, ack: int = 0) -> bytes:
        return bytes([action, 0, flags, 3]) + struct.pack("<hh", seq, ack)

    opened, text, fin, ack = b"\0\0\0", b"\1\0\x20", b"\2\0", b"\3\0"
    server_closes, server_resets = bytes([APP, 4]), bytes([APP, 6])
    later = bytes([MSEC]) + struct.pack("<H", 2000)
    pong = bytes([0, 0, 0, 4, 1, 0])  # answers text, closes when the peer has
    held = (opened, server_closes, ack, fin)
    return {
        "request_and_answer_peer_closes": seed(opened, text, ack, fin, ack, temper=pong),
        "server_closes_and_holds": seed(*held, later),
        "fin_again_in_time_wait": seed(*held, any_segment(ANY, FIN | ACK)),
        "reopened_by_a_syn": seed(*held, bytes([AGAIN, 0, 1, 0x40, 0]), opened, text),
        "reopened_by_an_old_syn": seed(*held, bytes([AGAIN, 0, 1, 0x40, 0, 0, 0]), opened, later),
        "rst_in_time_wait": seed(*held, b"\4\0\4\0"),
        "server_aborts": seed(opened, text, server_resets, ack),
        "both_close_at_once": seed(opened, server_closes, any_segment(ANY, FIN | ACK), ack),
        "much_text": seed(opened, bytes([APP, 3]), ack, ack, later, ack),
        "out_of_order": seed(opened, any_segment(BURST, ACK, 50), text, ack),
        "retransmission": seed(opened, bytes([APP, 1]), later, later, ack),
        "active_open": seed(bytes([CONNECT, 0]), any_segment(ANY, SYN | ACK, -1), text),
        "active_open_never_answered": seed(bytes([CONNECT, 0]), *[later] * 12),
        "syn_flood_with_cookies": seed(b"\0\0\0", b"\0\1\0", b"\0\2\0", text, cookies=1),
        "handshakes_refused": seed(b"\0\0\0", b"\0\1\0", b"\0\2\0", cookies=2, half_open=0),
        "closed_port": seed(b"\0\3\0", b"\1\3\1"),
        "icmp_error": seed(opened, bytes([APP, 1, ICMP, 0, 0, 0, 4, 0, 2])),
        "mangled": seed(opened, bytes([MANGLED, 0, ACK, 0, 2, 20, 9, 30, 1, 1]), text),
        "raw_arp": seed(bytes([RAW, 42]) + frames()["arp_request"]),
        "raw_echo_request": seed(bytes([RAW, 46]) + frames()["echo_request"]),
        "raw_fragment": seed(bytes([RAW, 66]) + frames()["first_fragment"]),
        **{f"raw_{name}": seed(bytes([RAW, len(ethernet(packet))]) + ethernet(packet, 0x86dd),
                               begins=4)
           for name, packet in packets6().items()},
        "no_buffers": seed(opened, bytes([APP, 1, DEVICE, 0, 1, 50]), later),
        "device_full": seed(opened, bytes([APP, 3, DEVICE, 0, 0, 50]), ack, later),
        "settings_change": seed(*held, bytes([CHANGE]) + TCP_SETTINGS + bytes(8), later),
        "no_hold": seed(*held, hold=0),
        "handed_over": seed(opened, fin, server_closes, ack, bits=4),
    }


def main() -> None:
    for make in (configuration, connection, admin_request, http_request, http_response, listener,
                 parse_frame, shard, tcp_options, time_wait):
        folder = CORPUS / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, seed in make().items():
            (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
