"""mayfly sim from the command line: many seeds, the same seed twice, and what mistakes bring."""
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAYFLY = Path(os.environ.get("MAYFLY", ROOT / "build/app/mayfly"))
SEEDS, BATCH = 2000, 100
FIRSTS = range(1001, 1001 + SEEDS, BATCH)


def sim(*options: str, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run([MAYFLY, "sim", *options], capture_output=True, text=True, timeout=900,
                          **kwargs)


@pytest.fixture(scope="module")
def batches(tmp_path_factory) -> Iterator[dict[int, Future]]:
    """The runs of all batches by their first seed, as many at a time as there are cores."""
    out = str(tmp_path_factory.mktemp("seeds"))

    def run(first: int) -> subprocess.CompletedProcess:
        return sim("--seed", str(first), "--seeds", str(BATCH), "--out", out)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {first: pool.submit(run, first) for first in FIRSTS}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("first", FIRSTS)
def test_seeds_violate_nothing(first, batches):
    run = batches[first].result()
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr


def test_the_same_seed_says_and_writes_the_same(tmp_path):
    runs = [sim("--seed", "7", "--trace", str(tmp_path / f"{n}.txt"),
                "--pcap", str(tmp_path / f"{n}.pcap")) for n in "ab"]
    assert runs[0].returncode == 0
    assert runs[0].stdout == runs[1].stdout
    for kind in ("txt", "pcap"):
        a, b = ((tmp_path / f"{n}.{kind}").read_bytes() for n in "ab")
        assert len(a) > 1000 and a == b


def test_the_seed_is_said_first_and_last():
    lines = sim("--seed", "12").stdout.splitlines()
    assert lines[0] == lines[-1] == "seed 12"


def test_a_capture_is_one_that_tcpdump_reads(tmp_path):
    sim("--seed", "3", "--pcap", str(tmp_path / "sim.pcap"))
    read = subprocess.run(["tcpdump", "-nr", tmp_path / "sim.pcap"], capture_output=True, text=True)
    assert read.returncode == 0
    assert "Flags [S]" in read.stdout and "Flags [S.]" in read.stdout


def test_a_failing_seed_is_made_smaller_and_leaves_a_trace(tmp_path):
    """A policy without TIME_WAIT, held to the promises of TIME_WAIT."""
    for seed in range(1, 400):
        run = sim("--seed", str(seed), "--faults", "hasty,loss,delay,jitter", "--no-harm",
                  "--out", str(tmp_path))
        if run.returncode != 0:
            break
    assert run.returncode == 1
    assert "VIOLATED" in run.stdout and "sends" in run.stdout and "receives" in run.stdout
    again = next(line for line in run.stdout.splitlines() if line.startswith("again: mayfly sim "))
    assert (tmp_path / f"sim-{seed}.txt").stat().st_size > 0
    assert (tmp_path / f"sim-{seed}.pcap").stat().st_size > 24
    rerun = sim(*again.split()[3:], cwd=tmp_path)
    assert rerun.returncode == 1 and "VIOLATED" in rerun.stdout
    assert (tmp_path / "out" / f"sim-{seed}.txt").exists(), "the default folder is made"


def test_json_and_policy(tmp_path):
    path = tmp_path / "result.json"
    run = sim("--seed", "4", "--connections", "40", "--faults", "loss", "--json", str(path),
              "--policy", "strict-rfc9293", cwd=ROOT)
    assert run.returncode == 0, run.stderr
    result = json.loads(path.read_text())
    assert result["seed"] == 4 and result["faults"] == "loss" and result["opened"] >= 40
    assert "violation" not in result


def test_the_faults_are_listed():
    lines = sim("--faults", "list").stdout.splitlines()
    assert len(lines) > 15 and any(line.startswith("partition ") for line in lines)


@pytest.mark.parametrize("options, says", [
    (("--faults", "loss,rain"), "no fault 'rain'"),
    (("--connections", "0"), "must be 1 to 100M"),
    (("--connections", "many"), "--connections many"),
    (("--seeds", "0"), "must be above 0"),
    (("--policy", "nonsense"), "is no preset"),
    (("--seed", "x"), "--seed"),
])
def test_mistakes_are_told(options, says):
    run = sim(*options, cwd=ROOT)
    assert run.returncode == 2
    assert says in run.stderr + run.stdout
