"""The live page in a browser: the disease breaks out, a policy is pressed, the line bends within
a second. The pictures are kept in out/test/live."""
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MAYFLY", ROOT / "build/app/mayfly"))
PICTURES = ROOT / "out/test/live"
RATE = 1_000

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
              pytest.mark.skipif(not BINARY.exists(), reason="mayfly is not built")]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A live lab whose table of 2,500 entries is full after some seconds."""
    page = f"127.0.0.1:{free_port()}"
    log = tmp_path_factory.mktemp("lab") / "log"
    with log.open("wb") as output:
        lab = subprocess.Popen(
            [BINARY, "lab", "--live", "--page", page, "-c", ROOT / "conf/lab/live.yaml",
             "--set", "server.hugepages=never", "--set", f"client.load.rate={RATE}",
             "--set", "server.time_wait.capacity=2500", "--set", "client.time_wait.capacity=64k"],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    until = time.monotonic() + 20
    while "ready" not in log.read_text():
        assert lab.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    yield f"http://{page}/"
    lab.terminate()
    assert lab.wait(10) == 0, log.read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def eventually(browser: Browser, expression: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not browser.run(f"Boolean({expression})"):
        assert time.monotonic() < until, f"not within {seconds} s: {expression}"
        time.sleep(0.05)


# How long after the change, by the server's clock, a sample shows the rate; null until then.
BENT_AFTER = f"""(() => {{
  const bent = changes.length > 0 &&
    samples.find(s => s.t > changes[0].t && s.cps > {RATE} / 2);
  return bent ? bent.t - changes[0].t : null;
}})()"""


def test_the_line_bends_within_a_second_of_the_press(browser, address):
    browser.visit(address)
    eventually(browser, f"samples.some(s => s.cps > {RATE} / 2)")
    eventually(browser, "samples.length > 0 && samples.at(-1).cps === 0 && "
                        "document.querySelector('#banner .bad button')")
    banner = browser.run("document.querySelector('#banner').textContent")
    assert "TIME_WAIT is full" in banner and "balanced would hold" in banner
    browser.screenshot(PICTURES / "disease.png")
    browser.run("document.querySelector('#banner button').click()")
    eventually(browser, f"{BENT_AFTER} !== null")
    assert browser.run(BENT_AFTER) < 1
    eventually(browser, "changes.length === 1 && document.querySelector('#policy').value === "
                        "'balanced'")
    eventually(browser, f"samples.slice(-3).every(s => s.cps > {RATE} / 2)")
    browser.screenshot(PICTURES / "cured.png")
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_and_quiet_on_every_screen(browser, address, width, scheme):
    browser.visit(address, width=width, scheme=scheme)
    eventually(browser, "document.querySelectorAll('figure:not([hidden]) canvas').length >= 10")
    browser.run("toggleHelp(true)")
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("[...document.querySelectorAll('.help p')].every(p => p.offsetHeight > 0 "
                       "|| p.closest('[hidden]'))")
    browser.run("toggleHelp(false)")
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.screenshot(PICTURES / f"{width}-{scheme}.png")
    assert browser.complaints() == []
    assert {url.split("/")[2] for url in browser.requests()} == {address.split("/")[2]}


def test_the_keyboard_reaches_what_the_mouse_does(browser, address):
    browser.visit(address)
    eventually(browser, "samples.length > 0 && "
                        "document.querySelector('#policy').options.length > 3")
    def press(key: str) -> None:
        browser.run("document.body.dispatchEvent(new KeyboardEvent('keydown', "
                    f"{{key: '{key}', bubbles: true}}))")

    for key, focused in (("h", "hold"), ("c", "capacity"), ("p", "policy")):
        press(key)
        assert browser.run("document.activeElement.id") == focused
    browser.run("document.activeElement.blur()")
    press("?")
    assert browser.run("[...document.querySelectorAll('.help')].every(one => one.open)")
    hold = browser.run("""(async () => {
      const slider = document.querySelector('#hold');
      slider.value = 500;
      slider.dispatchEvent(new Event('change'));
      const wanted = holdChosen();
      const inEffect = () => seconds(settings['time_wait.hold']);
      for (let i = 0; i < 100 && inEffect() !== seconds(wanted); ++i)
        await new Promise(done => setTimeout(done, 20));
      return JSON.stringify([seconds(wanted), inEffect()]);
    })()""")
    wanted, now = json.loads(hold)
    assert now == wanted


def test_the_plan_says_what_another_load_needs_and_which_policies_carry_it(browser, address):
    browser.visit(address)
    eventually(browser, "samples.length > 0")
    browser.run("document.querySelector('#plan').open = true")
    eventually(browser, "document.querySelectorAll('#plan-fits li').length > 3")
    browser.run("""(() => {
      const slider = document.querySelector('#plan-rate');
      slider.value = 1000;
      slider.dispatchEvent(new Event('input'));
    })()""")
    eventually(browser, "document.querySelector('#plan-shortages .bad')")
    assert browser.run("document.querySelector('#plan-fits .fails') !== null")
    browser.screenshot(PICTURES / "plan.png")
    assert browser.complaints() == []
