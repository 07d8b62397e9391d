"""idle: adaptive. A server to which nothing arrives leaves the processor to others, and is awake
when something does."""
import os
import socket
import statistics
import time

from network import SERVER
from tools import URL, ab, curl


def processor_seconds(process) -> float:
    fields = open(f"/proc/{process.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(process, seconds: float) -> float:
    before, begin = processor_seconds(process), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(process) - before) / (time.monotonic() - begin)


def late_ms() -> float:
    """How much later than asked this machine ends a short sleep now, in milliseconds: next to
    nothing, unless both cores are busy."""
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        time.sleep(400e-6)
        times.append(1e3 * (time.perf_counter() - begin) - 0.4)
    return statistics.median(times)


def test_an_idle_server_sleeps_and_a_packet_wakes_it(wire, serve):
    server = serve({"idle": "adaptive"})
    curl(wire.peer, URL)
    # 3 % are usual; a machine whose neighbours are busy is slower at waking.
    assert share_of_a_core(server, 2) < 0.10
    late, times = late_ms(), []
    for _ in range(20):
        time.sleep(0.02)  # it is asleep again
        with wire.peer.new_socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            begin = time.perf_counter()
            one.connect((SERVER, 7))
            times.append(1e3 * (time.perf_counter() - begin))
    late = max(late, late_ms())
    assert statistics.median(times) < 1 + 2 * late, late  # the server wakes, and the client
    assert ab(wire.peer, "-n", "500", "-c", "50")["Failed requests"] == 0
    server.stop()


def test_a_server_that_polls_is_busy_all_the_time(wire, serve):
    server = serve()
    assert share_of_a_core(server, 1) > 0.5
    server.stop()
