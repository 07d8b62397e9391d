"""Takes the pictures of the live page that doc/pictures has.

pictures.py [--out FOLDER]

`mayfly lab --live` at its full rate until the table is full, then a press of `balanced`: pictures
before it and after, light and dark, of the first screen at 1,400 pixels and at 390. Needs pngquant
and chromium.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARY = Path(os.environ.get("MAYFLY", ROOT / "build/app/mayfly"))
PAGE = "127.0.0.1:9000"
SCREENS = {"": (1400, 900), "-phone": (390, 844)}

sys.path.insert(0, str(ROOT / "tests/report"))
from browser import Browser  # noqa: E402


def eventually(browser: Browser, expression: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not browser.run(f"Boolean({expression})"):
        if time.monotonic() > until:
            sys.exit(f"error: not within {seconds:.0f} s: {expression}")
        time.sleep(0.05)


def take(browser: Browser, path: Path, size: tuple[int, int], scheme: str) -> None:
    browser.visit(f"http://{PAGE}/", *size, scheme=scheme)
    eventually(browser, "document.querySelectorAll('figure:not([hidden]) canvas').length >= 10")
    time.sleep(1)
    browser.screenshot(path, beyond=False)
    subprocess.run(["pngquant", "--force", "--output", path, "128", path], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "doc/pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser, \
            subprocess.Popen([BINARY, "lab", "--live", "--page", PAGE, "--duration", "3min"],
                             cwd=ROOT, stdout=subprocess.DEVNULL) as lab:
        try:
            time.sleep(3)
            browser.visit(f"http://{PAGE}/")
            eventually(browser, "samples.length > 0 && samples.at(-1).cps === 0 && "
                                "document.querySelector('#banner .bad button')")
            time.sleep(8)
            for scheme in ("light", "dark"):
                take(browser, out / f"full-{scheme}.png", SCREENS[""], scheme)
            browser.run("choosePolicy('balanced')")
            time.sleep(20)
            for scheme in ("light", "dark"):
                for name, size in SCREENS.items():
                    take(browser, out / f"cured{name}-{scheme}.png", size, scheme)
        finally:
            lab.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
