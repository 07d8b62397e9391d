"""doc/myths.md has the figures and verdicts of the run of bench/myths.py that it names, and so has
the Chinese page, whose words for them test_zh.py does not compare."""
import ast
import json
import re
from pathlib import Path

import pytest
from sources import ROOT
from test_tree import LINK
from test_zh import figures, sections

ENGLISH, CHINESE = ROOT / "doc/myths.md", ROOT / "doc/zh/myths.md"
PAGES = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["English", "Chinese"])
VERDICTS = {ENGLISH: {"false": ("False.", "no"), "half true": ("Half true.", "half"),
                      "true": ("True.", "yes")},
            CHINESE: {"false": ("不成立。", "否"), "half true": ("一半成立。", "一半"),
                      "true": ("成立。", "是")}}
WORDS = {"是": "yes", "否": "no"}
SECTION = re.compile(r"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^bench/myths\.py (\w+)$", re.MULTILINE)
MYTHS_MIN = 10


def run() -> dict:
    """The JSON that the page links to."""
    (file,) = {target for target in LINK.findall(ENGLISH.read_text()) if target.endswith(".json")}
    return json.loads((ENGLISH.parent / file).read_text())


def results() -> dict[str, dict]:
    return run()["myths"]


def told(page: Path) -> dict[str, str]:
    """{myth: its section}"""
    return {COMMAND.search(text)[1]: text for text in SECTION.findall(page.read_text())}


def rows(text: str) -> list[list[str]]:
    """The cells of its tables, without the heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def shown(value) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"


def defined_myths() -> set[str]:
    """The names in bench/myth, read without what a run needs."""
    found = set()
    for path in (ROOT / "bench/myth").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Myth":
                found.add(node.args[0].value)
    return found


def test_each_myth_that_can_be_measured_was_measured_and_is_told():
    measured = list(results())
    assert len(measured) >= MYTHS_MIN
    assert set(measured) == defined_myths()
    for page in (ENGLISH, CHINESE):
        assert sorted(told(page)) == sorted(measured)


def test_the_run_came_out_as_the_program_expects():
    wrong = {name: result["statements"] for name, result in results().items()
             if not result["as_expected"]}
    assert not wrong


@PAGES
def test_the_page_names_the_kernel_that_was_measured(page):
    version = ".".join(run()["about"]["kernel"].split(".")[:2])
    assert f"Linux {version}" in SECTION.sub("", page.read_text())


@PAGES
def test_a_section_has_the_figures_that_were_measured(page):
    measured = results()
    for name, text in told(page).items():
        mine = measured[name]["figures"]
        table = rows(text)
        assert [[WORDS.get(cell, cell) for cell in row[1:]] for row in table] == \
            [[shown(both["linux"]), shown(both["mayfly"])] for both in mine.values()], name
        for (label, *_), row in zip(table, mine):
            assert label == row if page == ENGLISH else figures(label) == figures(row), name


@PAGES
def test_a_section_has_the_verdict_that_was_measured(page):
    for name, text in told(page).items():
        verdict = VERDICTS[page][results()[name]["verdict"]][0]
        assert text.split("\n\n")[1].startswith(f"**{verdict}**"), name


@PAGES
def test_the_overview_has_the_myths_in_their_order_with_their_verdicts(page):
    overview = rows(SECTION.sub("", page.read_text()))
    titles = [text.splitlines()[0].removeprefix("## ") for text in told(page).values()]
    assert [row[0] for row in overview] == titles
    assert [row[1] for row in overview] == [VERDICTS[page][results()[name]["verdict"]][1]
                                            for name in told(page)]


def test_the_two_pages_tell_the_myths_in_the_same_order():
    assert list(told(ENGLISH)) == list(told(CHINESE))
    assert len(sections(ENGLISH.read_text())) == len(sections(CHINESE.read_text()))
