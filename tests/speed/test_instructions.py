"""What a connection costs the server's core in instructions, counted by callgrind: the same number
in every run, so that speed is not lost unnoticed. Whole connections go through one Shard, with
canned clients on the same core (bench/shard/canned_clients.h), whose instructions do not count.
Measured time says more (bench/ab.py); this says it without a quiet machine.
"""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# For processors of 2013: what valgrind knows. CI builds it by scripts/test.sh.
PROGRAM = Path(os.environ.get(
    "MAYFLY_COUNTED", ROOT / "build-counted/bench/shard/cycles_per_connection"))

# Who closes first; who the clients are; the most instructions of the shard for a connection: a few
# per cent above what they were when the line was last changed. If one is exceeded for a good
# reason, the commit that changes the line tells it.
CEILINGS = [
    ("client", "bare", 7_760),
    ("server", "bare", 7_010),
    ("client", "http", 9_940),
    ("server", "http", 8_880),
]
# The most that IPv6 may take, of what IPv4 takes.
IPV6_AT_MOST = 1.12


def instructions(closer: str, clients: str, folder: Path, family: str = "ipv4") -> float:
    counts = folder / "callgrind.out"
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}",
         "--toggle-collect=*::serve()", PROGRAM, "1", "512", "1000000", closer, clients,
         family],
        capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    closed = int(re.search(r"\((\d+) closed\)", run.stdout)[1])
    total = int(re.search(r"^(?:summary|totals): (\d+)", counts.read_text(), re.MULTILINE)[1])
    assert closed > 10_350
    return total / closed


@pytest.mark.parametrize("closer, clients, ceiling", CEILINGS,
                         ids=[f"{closer}_first_{clients}" for closer, clients, _ in CEILINGS])
def test_a_connection_takes_no_more_instructions_than(closer, clients, ceiling, tmp_path):
    count = instructions(closer, clients, tmp_path)
    print(f"{closer} first, {clients}: {count:,.0f} instructions a connection")
    assert count <= ceiling
    assert count > 0.9 * ceiling, "much less than the ceiling, which would hide a loss: lower it"


@pytest.mark.parametrize("closer", ["client", "server"])
def test_ipv6_takes_little_more_than_ipv4(closer, tmp_path):
    counts = {family: instructions(closer, "http", tmp_path, family)
              for family in ("ipv4", "ipv6")}
    ratio = counts["ipv6"] / counts["ipv4"]
    print(f"{closer} first: {counts['ipv6']:,.0f} instructions over IPv6, {ratio:.3f} of IPv4's")
    assert 1 < ratio <= IPV6_AT_MOST
