"""idle: adaptive. A server to which nothing arrives leaves the processor to others, and is awake
when something does."""
import multiprocessing
import os
import socket
import statistics
import time
from contextlib import contextmanager, nullcontext

import pytest
from mayfly import serve_settings
from network import LINUX, SERVER, add_address, sh
from tools import BODY, URL, ab, curl, eventually


def processor_seconds(process) -> float:
    fields = open(f"/proc/{process.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(process, seconds: float) -> float:
    before, begin = processor_seconds(process), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(process) - before) / (time.monotonic() - begin)


def answer_between_sleeps(end: socket.socket) -> None:
    """What an idle server does, without a network: sleeps for 400 us, looks, answers."""
    end.setblocking(False)
    while True:
        time.sleep(400e-6)
        try:
            if not end.recv(1):
                return
            end.send(b"x")
        except BlockingIOError:
            pass


def first_answers_ms(ready) -> float:
    """The median time of ask() to a side that has fallen asleep; ready() makes ask()."""
    times = []
    for _ in range(20):
        time.sleep(0.02)
        with ready() as ask:
            begin = time.perf_counter()
            ask()
            times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def this_machine_ms() -> float:
    """The same between two processes: a virtual machine takes its time to wake a processor."""
    near, far = socket.socketpair()
    child = multiprocessing.get_context("fork").Process(target=answer_between_sleeps, args=(far,))
    child.start()
    far.close()

    def ask():
        near.send(b"x")
        near.recv(1)

    try:
        return first_answers_ms(lambda: nullcontext(ask))
    finally:
        near.close()
        child.kill()
        child.join()


def test_an_idle_server_sleeps_and_a_packet_wakes_it(wire, serve):
    server = serve({"idle": "adaptive"})
    curl(wire.peer, URL)
    assert share_of_a_core(server, 2) < 0.05

    @contextmanager
    def ready():
        with wire.peer.new_socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            yield lambda: one.connect((SERVER, 7))

    reference = this_machine_ms()
    first = first_answers_ms(ready)
    # Two processes that do no more than wake each other may take longer than 1 ms here.
    assert first < max(1, 1.5 * max(reference, this_machine_ms()))
    assert ab(wire.peer, "-n", "500", "-c", "50")["Failed requests"] == 0
    server.stop()


@pytest.mark.parametrize("driver", ["net_af_packet", "net_af_xdp"])
def test_an_idle_server_loses_nothing_on_waking_over(wire, run_mayfly, driver):
    server = run_mayfly("serve", serve_settings(f"{driver}0,iface={wire.device}",
                                                {"idle": "adaptive"})).wait_ready()
    assert ab(wire.peer, "-n", "500", "-c", "50")["Failed requests"] == 0
    assert share_of_a_core(server, 2) < 0.05
    for _ in range(10):  # each burst finds it asleep
        time.sleep(0.05)
        assert ab(wire.peer, "-n", "50", "-c", "50")["Failed requests"] == 0
    assert server.stop()["drops"].get("device_missed", 0) == 0


def test_an_idle_server_on_a_tap_sleeps(wire, run_mayfly):
    wire.peer.ip("link", "delete", wire.peer_device)
    server = run_mayfly("serve", serve_settings("net_tap0,iface=mft0", {"idle": "adaptive"}),
                        namespace=wire.peer).wait_ready()
    add_address(wire.peer, "mft0", f"{LINUX}/15")
    time.sleep(0.1)
    assert ab(wire.peer, "-n", "500", "-c", "50")["Failed requests"] == 0
    assert share_of_a_core(server, 2) < 0.05
    server.stop()


def test_a_server_whose_interface_is_down_sleeps_and_goes_on_when_it_is_up(wire, serve):
    server = serve({"idle": "adaptive"})
    curl(wire.peer, URL)
    sh("ip", "link", "set", wire.device, "down")
    assert share_of_a_core(server, 1) < 0.25, "the socket's error is no work"
    sh("ip", "link", "set", wire.device, "up")
    eventually(lambda: curl(wire.peer, "--retry", "3", URL) == BODY.decode())
    assert share_of_a_core(server, 1) < 0.25
    server.stop()


def test_a_device_that_does_not_tell_is_looked_at_every_now_and_then(run_mayfly):
    server = run_mayfly("serve", serve_settings("net_ring0", {"idle": "adaptive"})).wait_ready()
    assert share_of_a_core(server, 2) < 0.25
    server.stop()


def test_a_server_that_polls_is_busy_all_the_time(wire, serve):
    server = serve()
    assert share_of_a_core(server, 1) > 0.5
    server.stop()
