"""bench/myths.py: what doc/myths.md says of the kernel and of Mayfly is so on this machine. The
quickest myths alone; the page has the figures of all of them."""
import json
import subprocess

import pytest
from mayfly import ROOT

PROGRAM = ROOT / "bench/myths.py"


def run(*words: str) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)"""
    with subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as program:
        try:
            output, errors = program.communicate(timeout=50)
        except BaseException:
            program.terminate()  # it removes what it has made, which it could not if it were killed
            raise
    return program.returncode, output, errors


@pytest.mark.time_limit(60)
@pytest.mark.parametrize(("name", "verdict"), [
    ("max_tw_buckets", "false"), ("so_reuseaddr", "half true"), ("so_linger_0", "half true"),
    ("conntrack", "false")])
def test_a_myth_comes_out_as_the_page_says(name, verdict, tmp_path):
    file = tmp_path / "result.json"
    status, output, errors = run(name, "--json", str(file))
    assert status == 0, output + errors
    result = json.loads(file.read_text())["myths"][name]
    assert (result["verdict"], result["as_expected"]) == (verdict, True)
    assert f"| {name} | {verdict} |" in output


def test_myths_are_listed_and_a_wrong_name_is_refused():
    names = {line.split()[0] for line in run("--list")[1].splitlines()}
    assert {"tw_recycle", "short_msl", "keep_alive", "leak"} <= names
    status, _, errors = run("tw_recycel")
    assert status == 2
    assert "no such myth: tw_recycel" in errors
