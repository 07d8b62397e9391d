"""The lab's page as a browser shows it: complete, quiet, readable on each screen and on paper."""
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = os.environ.get("MAYFLY_LAB_EXAMPLE", ROOT / "build-unit/tests/report/lab_example")
EXAMPLES = ["whole", "hazards", "one", "compared", "nothing"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([EXAMPLE, folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def summary(pages: Path, example: str) -> dict:
    return json.loads((pages / example / "summary.json").read_text())


def texts(browser: Browser, selector: str) -> list[str]:
    return browser.run(f"[...document.querySelectorAll({json.dumps(selector)})]"
                       ".map(e => e.textContent)")


def unfold(browser: Browser) -> None:
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_is_complained_of_asked_for_or_cut_off(browser, pages, example, width):
    page = pages / example / "report.html"
    browser.open(page, width=width)
    unfold(browser)
    browser.run("charts.forEach(draw)")
    assert browser.complaints() == []
    assert browser.requests() == [page.resolve().as_uri()]
    assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_experiment_has_its_card_and_its_row(browser, pages, example):
    experiments = summary(pages, example)["experiments"]
    names = sorted(one["name"] for one in experiments)
    in_rows = sorted(one["name"] for one in experiments if one["situation"] is None)
    browser.open(pages / example / "report.html")
    cards = browser.run("[...document.querySelectorAll('[data-experiment]')]"
                        ".map(e => e.dataset.experiment)")
    assert sorted(cards) == names
    assert sorted(texts(browser, ".story > .scroll tbody th, #more > .scroll tbody th")) == in_rows


def test_every_policy_and_every_harm_has_its_place(browser, pages):
    result = summary(pages, "whole")
    browser.open(pages / "whole" / "report.html")
    assert texts(browser, "#policies > .scroll tbody th") == [p["name"] for p in result["policies"]]
    assert texts(browser, "#hazards .scroll tbody th") == \
        [row["policy"] for row in result["hazards"]["ledger"]]
    assert texts(browser, ".harms dt") == [harm["title"] for harm in result["hazards"]["legend"]]
    assert texts(browser, ".advice h3") == [one["user"] for one in result["advice"]]


def test_the_sections_come_in_their_order(browser, pages):
    browser.open(pages / "whole" / "report.html")
    assert browser.run("[...document.querySelectorAll('main > section')].map(e => e.id)") == \
        ["advice", "picture", "policies", *(f"story-{number}" for number in range(1, 7)), "more",
         "hazards", "origin"]
    browser.open(pages / "compared" / "report.html")
    names = [one["name"] for one in summary(pages, "compared")["situations"]]
    assert browser.run("[...document.querySelectorAll('main > section')].map(e => e.id)") == \
        ["answer", "picture", *(f"situation-{name}" for name in names), "hazards", "origin"]
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))


def test_what_is_bad_is_said_in_words_too(browser, pages):
    marked = sum(len(policy["marks"]) for policy in summary(pages, "whole")["policies"])
    browser.open(pages / "whole" / "report.html")
    bad = texts(browser, "#policies > .scroll td.bad")
    assert len(bad) == marked > 0
    assert all(text.endswith("(bad)") for text in bad)


def test_an_interrupted_experiment_is_shown_as_one(browser, pages):
    browser.open(pages / "whole" / "report.html")
    assert "interrupted after 3.3 s" in texts(browser, "[data-experiment=soak] .verdict")[0]


def test_text_of_the_user_stays_text(browser, pages):
    browser.open(pages / "whole" / "report.html")
    assert texts(browser, "#origin pre") == [summary(pages, "whole")["origin"]["config"]]


def test_each_chart_is_told_in_figures(browser, pages):
    browser.open(pages / "whole" / "report.html")
    for one in summary(pages, "whole")["experiments"]:
        rows = texts(browser, f"[data-experiment='{one['name']}'] details tbody tr")
        assert len(rows) == len(one["extents"]) >= 4
        assert f"{round(one['extents']['cps']['max']):,}" in rows[0]


def test_the_charts_of_a_story_have_one_scale(browser, pages):
    browser.open(pages / "whole" / "report.html")
    for story in summary(pages, "whole")["stories"].values():
        scales = browser.run(f"charts.filter(c => !c.unshared && {json.dumps(story['experiments'])}"
                             ".includes(c.of.name)).map(c => c.most)")
        assert len(scales) == 2 * len(story["experiments"])
        assert len(set(scales[0::2])) == len(set(scales[1::2])) == 1


def test_charts_are_drawn_when_unfolded_and_seen_and_all_of_them_for_print(browser, pages):
    browser.open(pages / "whole" / "report.html")
    drawn = "charts.filter(c => c.graph).length"
    everything = browser.run("charts.length")
    assert browser.run(drawn) == 0, "all are folded"
    unfold(browser)
    browser.run("new Promise(seen => { charts[0].box.scrollIntoView();"
                "const wait = () => charts[0].graph ? seen() : setTimeout(wait, 20); wait(); })")
    assert 0 < browser.run(drawn) < everything
    assert browser.print_pdf().startswith(b"%PDF")
    assert browser.run(drawn) == everything


def test_the_first_screen_says_what_to_do_in_each_situation(browser, pages):
    situations = summary(pages, "compared")["situations"]
    browser.open(pages / "compared" / "report.html", width=1400, height=900)
    assert texts(browser, ".answer h3") == [one["title"] for one in situations]
    assert texts(browser, ".answer .policy") == [one["policy"] for one in situations]
    assert texts(browser, ".answer code") == [one["command"] for one in situations]
    lowest = browser.run("Math.max(...[...document.querySelectorAll('.answer code')]"
                         ".map(e => e.getBoundingClientRect().bottom))")
    assert lowest <= 900, "all five are on the first screen"
    browser.open(pages / "compared" / "report.html", width=390, height=844)
    first = browser.run("document.querySelector('.answer code').getBoundingClientRect().bottom")
    assert first <= 844


def test_the_picture_has_a_dot_for_each_policy_and_the_front(browser, pages):
    result = summary(pages, "compared")
    policies = [row["policy"] for row in result["situations"][0]["policies"]]
    browser.open(pages / "compared" / "report.html")
    dots = browser.run("[...document.querySelectorAll('.picture .dot')]"
                       ".map(e => [e.dataset.policy, e.tabIndex, e.getAttribute('aria-label')])")
    assert [dot[0] for dot in dots] == policies
    assert all(dot[1] == 0 and "at the server" in dot[2] for dot in dots)
    assert browser.run("document.querySelector('.picture .front').getAttribute('d')")
    on_front = texts(browser, ".points .on-front b")
    assert "newcomer" in on_front and "strict-rfc9293" not in on_front, "it carries less"
    assert browser.run("""(() => {
        const seen = (name) => document
            .querySelector(`[data-policy='${name}'] circle:last-of-type`);
        return +seen("none").getAttribute("cx") > +seen("newcomer").getAttribute("cx"); })()""")
    browser.run("document.querySelector('#picture input[value=nat]').click()")
    assert len(texts(browser, ".points li")) == len(policies)


def test_a_situation_shows_every_policy_with_the_memory_of_each_end(browser, pages):
    browser.open(pages / "compared" / "report.html")
    for one in summary(pages, "compared")["situations"]:
        table = f"#situation-{one['name']} > .scroll"
        names = texts(browser, f"{table} tbody th")
        assert [name.split("\u2713")[0] for name in names] == [p["policy"] for p in one["policies"]]
        heads = texts(browser, f"{table} thead th")
        assert {"memory at the server", "memory at the client", "newcomers kept out",
                "unevenness (sd/mean)"} <= set(heads)
        rates = texts(browser, f"{table} tbody td:nth-child(2)")
        assert rates[1].startswith(f"{round(one['policies'][1]['sustained_cps']):,}")


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_table_that_is_cut_off_says_that_it_scrolls(browser, pages, example, width):
    browser.open(pages / example / "report.html", width=width)
    unfold(browser)
    wrong = browser.run("""new Promise(done => requestAnimationFrame(() => setTimeout(() => done(
        [...document.querySelectorAll('.scroll')].filter(box => box.clientWidth > 0 &&
            (box.scrollWidth > box.clientWidth + 1) === box.previousElementSibling.hidden)
            .map(box => box.getAttribute('aria-label'))), 50)))""")
    assert wrong == []
    if width == 390 and example == "compared":
        assert browser.run("[...document.querySelectorAll('.more-columns')]"
                           ".some(e => e.offsetHeight > 0)")


def test_latency_and_states_have_their_plots(browser, pages):
    browser.open(pages / "compared" / "report.html")
    experiments = summary(pages, "compared")["experiments"]
    assert len(texts(browser, ".latency svg title")) == len(experiments)
    assert "p99 78" in texts(browser, ".latency svg title")[0]
    assert browser.run("charts.filter(c => c.lines.includes('established')).length") == \
        len(experiments)


def luminance(color: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
              for value in (int(color[at:at + 2], 16) / 255 for at in (1, 3, 5))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_paper(browser, pages, scheme):
    browser.open(pages / "nothing" / "report.html", scheme=scheme)
    ink = {name: browser.run(f"inkOf('{name}')") for name in (
        "paper", "card", "bad-ground", "ink", "muted", "good", "bad", "limit", "measured",
        "second", "wanted")}
    for ground in ("paper", "card"):
        for text in ("ink", "muted", "good", "bad", "limit", "measured", "second"):
            assert contrast(ink[text], ink[ground]) >= 4.5, f"{text} on {ground}"
        assert contrast(ink["wanted"], ink[ground]) >= 3, "a line needs less than text"
    assert contrast(ink["bad"], ink["bad-ground"]) >= 4.5
