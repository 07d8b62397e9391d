"""Finds the functions of a C++ file and their lengths, well enough for a ratchet."""
import re
from pathlib import Path

from sources import code

NOT_A_FUNCTION = re.compile(
    r"^\s*(inline namespace|namespace|class|struct|enum|union|extern)\b(?!.*\()", re.DOTALL)
CONTROL = re.compile(r"\b(if|for|while|switch|catch|do|else|try)\b")
NAME = re.compile(r"([\w:~]+|operator\s*[^\s\w(]+|operator\(\))\s*\(")


def function_name(head: str) -> str | None:
    """The name of the function that has this text before its `{`, None for another block."""
    if "(" not in head or NOT_A_FUNCTION.match(head) or CONTROL.match(head.strip()):
        return None
    head = re.sub(r"^\s*(template\s*<.*?>\s*(?=[\w\[]))+", "", head, flags=re.DOTALL)
    found = NAME.search(head)
    return found[1] if found else "lambda"


def functions(path: Path) -> list[tuple[str, int, int]]:
    """(name, first line, lines) of each function; one inside another belongs to the outer."""
    text = code(path)
    found, head_start, open_blocks = [], 0, []
    for at, char in enumerate(text):
        inside = any(block[0] for block in open_blocks)
        if char == "{":
            head = text[head_start:at]
            start = head_start + len(head) - len(head.lstrip())
            open_blocks.append((None if inside else function_name(head), start))
        elif char == "}" and open_blocks:
            name, start = open_blocks.pop()
            if name:
                first = text.count("\n", 0, start) + 1
                found.append((name, first, text.count("\n", 0, at) + 2 - first))
        if char in "{};" and not (char == ";" and unclosed(text[head_start:at])):
            head_start = at + 1
    return found


def unclosed(text: str) -> bool:
    """Inside parentheses, as the semicolons of a for are."""
    return text.count("(") > text.count(")")
