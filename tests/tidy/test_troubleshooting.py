"""Every message that doc/troubleshooting.md explains is one that the project prints."""
import re

from sources import ROOT, files

PAGE = (ROOT / "doc/troubleshooting.md").read_text()
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE.split("## By message")[1], re.MULTILINE)


def test_explained_messages_are_printed():
    # Literals that the formatter has broken are joined again.
    text = "".join(re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in files("lib", "app"))
    assert len(MESSAGES) > 10
    assert not [message for message in MESSAGES if message not in text]
