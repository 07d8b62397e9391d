"""idle: adaptive. A server to which nothing arrives leaves the processor to others, and is awake
when something does."""
import multiprocessing
import os
import socket
import statistics
import time
from contextlib import contextmanager, nullcontext

from network import SERVER
from tools import URL, ab, curl


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
    # Most of it is what this machine takes for a wake-up: 3 to 12 %; polling would be all of it.
    assert share_of_a_core(server, 2) < 0.25

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


def test_a_server_that_polls_is_busy_all_the_time(wire, serve):
    server = serve()
    assert share_of_a_core(server, 1) > 0.5
    server.stop()
