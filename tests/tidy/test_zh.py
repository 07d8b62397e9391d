"""The Chinese pages say what the English ones say: the same sections, with the same code blocks,
key names, tables, links and figures. Numbers written as words are not compared."""
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from sources import ROOT, files, name
from test_tree import LINK

CHINESE = ROOT / "doc/zh"
PAGES = files("doc/zh", ends=(".md",))
FENCE = re.compile(r"^[ ]*```.*?^[ ]*```[^\n]*$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
HAN = re.compile(r"[\u4e00-\u9fff]")
SCALES = {"million": 10**6, "万": 10**4, "亿": 10**8}
FIGURE = re.compile(r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)(?: ?(million|万|亿))?")


def english(page: Path) -> Path:
    """The page that this one follows; a page of the project's root is found there."""
    return ROOT / page.name if page.name == "README.md" else ROOT / "doc" / page.name


def figures(text: str) -> Counter:
    """Every number, by value where the languages count in other units: 1.5 million is 150 万."""
    found = Counter()
    for digits, scale in FIGURE.findall(text):
        digits = digits.replace(",", "")
        found[f"{Decimal(digits) * SCALES[scale]:.0f}" if scale else digits] += 1
    return found


def sections(text: str) -> list[tuple[str, str]]:
    """(level of the heading, text) without code blocks; what comes before a heading is level ''."""
    parts = HEADING.split(FENCE.sub("", text))
    return list(zip([""] + parts[1::2], parts[0::2]))


def without_note(page: Path) -> str:
    """The text below the first line, which says what the page follows."""
    return page.read_text().split("\n", 1)[1]


def targets(text: str, page: Path) -> Counter:
    """Where links lead; one to a Chinese page counts as one to the page that it follows."""
    found = Counter()
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if "://" not in path and path:
            there = (page.parent / path).resolve()
            there = english(there) if there.parent == CHINESE else there
            path = name(there)
        found[f"{path}#{anchor}"] += 1
    return found


def code_spans(text: str) -> Counter:
    return Counter(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text))


def table_rows(text: str) -> Counter:
    """How many rows have so many columns."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return Counter(row.replace(r"\|", "").count("|") - 1 for row in rows)


def differences(page: Path, what) -> list[str]:
    """Section by section: what one page has and the other lacks. `what(text, page)` counts it."""
    ours, theirs = sections(without_note(page)), sections(english(page).read_text())
    wrong = []
    for at, ((_, here), (_, there)) in enumerate(zip(ours, theirs)):
        mine, model = what(here, page), what(there, english(page))
        if mine != model:
            wrong.append(f"{name(page)}, section {at} ({here.splitlines()[0] if here else ''}): "
                         f"lacks {dict(model - mine)}, has in addition {dict(mine - model)}")
    return wrong


def test_figures_are_compared_by_value_and_a_changed_digit_is_found():
    assert figures("1.5 million entries, 64,511 / 60 s") == figures("150 万个表项，64511 / 60 s")
    assert figures("RFC 9293 3.6.1, 85 %") != figures("RFC 9293 3.6.2，85 %")
    assert figures("16 of 24") != figures("24 个中的 24 个")


def test_there_are_chinese_pages():
    assert CHINESE / "README.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_chinese_page_names_the_english_one_that_decides(page):
    note = page.read_text().split("\n", 1)[0]
    followed = [(CHINESE / target).resolve() for target in LINK.findall(note)]
    assert followed == [english(page)] and english(page).exists()
    assert "以英文版为准" in note


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_chinese_page_has_the_sections_of_the_english_one_in_chinese(page):
    ours, theirs = sections(without_note(page)), sections(english(page).read_text())
    assert [level for level, _ in ours] == [level for level, _ in theirs]
    bare = [text.splitlines()[0] for level, text in ours if level and not HAN.search(text)]
    assert not bare, f"not translated: {bare}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_chinese_page_has_the_code_blocks_of_the_english_one(page):
    assert FENCE.findall(page.read_text()) == FENCE.findall(english(page).read_text())


@pytest.mark.parametrize("what", [
    lambda text, page: figures(LINK.sub("", text)),
    lambda text, page: code_spans(text),
    lambda text, page: table_rows(text),
    targets,
], ids=["figures", "code_spans", "table_rows", "links"])
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_section_of_a_chinese_page_holds_what_the_english_one_holds(page, what):
    wrong = differences(page, what)
    assert not wrong, "\n".join(wrong)
