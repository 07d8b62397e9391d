"""mayfly plan: the arithmetic of TIME_WAIT on the command line."""
import json

import pytest
from test_command_line import run

POLICIES = {"strict-rfc9293", "linux-default", "linux-tw-reuse", "linux-max-buckets",
            "linux-tw-recycle", "freebsd", "netbsd-nearness", "windows", "client-first", "balanced",
            "rfc6191", "newcomer", "evict-oldest", "hand-over", "reset", "none"}
MILLION = ("plan", "--rate", "1M", "--hold", "60s", "--memory", "100G")


def test_a_million_a_second_is_planned_in_words():
    done = run(*MILLION, "--clients", "10k", "--capacity", "16M")
    assert done.returncode == 0, done.stderr
    for words in ("1,000,000/s x 60s = 60,000,000", "16,000,000 entries x 48 B = 768 MB",
                  "60,000,000 four-tuples: 931 addresses x 64,512 ports",
                  "full after 16 s, then 266,666/s"):
        assert words in done.stdout, done.stdout
    assert all(policy in done.stdout for policy in POLICIES), done.stdout


def test_the_plan_is_written_as_json_too(tmp_path):
    file = tmp_path / "plan.json"
    assert run(*MILLION, "--first", "client", "--json", str(file)).returncode == 0
    plan = json.loads(file.read_text())
    assert (plan["entries"], plan["four_tuples"]) == (60_000_000, 6_451_200)
    assert plan["shortages"][0]["of"] == "pairs"
    assert plan["shortages"][0]["after_s"] == pytest.approx(6.4512)
    assert {policy["name"] for policy in plan["policies"]} == POLICIES
    assert {policy["fit"] for policy in plan["policies"]} <= {"fits", "harms", "fails"}


def test_json_on_standard_output_is_nothing_but_json():
    assert json.loads(run(*MILLION, "--json", "-").stdout)["held"] == 6_451_200


def test_a_plan_counts_with_the_memory_that_is_free():
    done = run("plan", "--rate", "100", "--hold", "1s", "--json", "-")
    assert json.loads(done.stdout)["demand"]["memory"] > 1_000_000


@pytest.mark.parametrize("words", [
    ("--rate", "1M"), ("--hold", "60s"), ("--rate", "fast", "--hold", "60s"),
    ("--rate", "1M", "--hold", "60"), ("--rate", "0", "--hold", "60s"),
    ("--rate", "1M", "--hold", "60s", "--ports", "70000"),
    ("--rate", "1M", "--hold", "60s", "--clients", "0"),
    ("--rate", "1M", "--hold", "60s", "--first", "nobody"),
    ("--rate", "1M", "--hold", "60s", "--capacity", "much")], ids=" ".join)
def test_a_plan_of_nonsense_is_bad_usage(words):
    done = run("plan", *words)
    assert done.returncode == 2
    assert done.stderr.count("--") >= 1, "it names the option"
    assert not done.stdout
