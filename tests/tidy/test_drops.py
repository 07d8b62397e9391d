"""Each reason for a drop in lib/wire/drop.h has a row in doc/drops.md and a test."""
import re

from sources import ROOT, files

LIST = (ROOT / "lib/wire/drop.h").read_text()
ROWS = re.findall(r"^\s*X\((\w+),\s*(?:\\\s*)?(\w+),", LIST, re.MULTILINE)
LOSSES = {reason: loss for reason, loss in ROWS if loss != "nobody"}
REASONS = list(LOSSES)


def documented() -> list[tuple[str, str]]:
    """(reason, whose loss) of each row."""
    return re.findall(r"^\| `(\w+)` \| (\w*) \|", (ROOT / "doc/drops.md").read_text(),
                      re.MULTILINE)


def test_the_list_of_reasons_is_found():
    assert len(REASONS) > 40


def test_every_drop_reason_is_documented_once_with_whose_loss_it_is():
    assert sorted(documented()) == sorted(LOSSES.items())


def test_every_drop_reason_is_tested():
    cpp = "\n".join(path.read_text() for path in files("tests"))
    python = "\n".join(path.read_text() for path in files("tests/wire", ends=(".py",)))
    untested = [reason for reason in REASONS
                if not re.search(rf"\bDrop::{reason}\b", cpp) and f'"{reason}"' not in python]
    assert not untested, "no test names: " + ", ".join(untested)
