"""A statement does one thing: no `return f(), x;`, no `c ? f() : g();`. And no driver's name is
compared outside the table of quirks."""
import re
from pathlib import Path

from sources import ROOT, code, files, name

TEMPLATE_ARGUMENTS = re.compile(r"<[\w\s:,*&.]*>")
BRACKETS = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
LABELS = re.compile(r"^(?:(?:case\b[^:?]*(?:::[^:?]*)*|default)\s*:\s*)+")
INITIALISER = re.compile(r"\{[^{};]*\}")
CONDITION = re.compile(r"^(?:(?:if|for|while|else|do|constexpr)\b\s*_*\s*)+")
NO_EXPRESSION = re.compile(r"^(?:return|throw|using|static_assert|typedef|delete|goto)\b")
ASSIGNS = re.compile(r"(?<![=!<>])=(?!=)")
DRIVER = re.compile(r'(?:[=!]=|starts_with\(|:)\s*"net_\w*"|"net_\w*"\s*[=!]=')


def outer(text: str) -> str:
    """`text` with all that stands inside brackets, and template arguments, as underscores."""
    before = None
    while before != text:
        before = text
        text = BRACKETS.sub(lambda m: "_" * len(m[0]), text)
        text = TEMPLATE_ARGUMENTS.sub(lambda m: "_" * len(m[0]), text)
    return text


def end_of(text: str, at: int) -> int:
    """Where the statement that begins at `at` has its semicolon."""
    depth = 0
    while text[at] != ";" or depth > 0:
        depth += (text[at] in "([{") - (text[at] in ")]}")
        at += 1
    return at


def comma_returns(path: Path) -> list[str]:
    text, wrong = code(path), []
    for found in re.finditer(r"\breturn\b", text):
        statement = text[found.start():end_of(text, found.start())]
        if "," in outer(statement):
            wrong.append(f"{name(path)}:{text.count(chr(10), 0, found.start()) + 1}: "
                         + " ".join(statement.split()))
    return wrong


def conditional_statements(path: Path) -> list[str]:
    text, wrong = INITIALISER.sub(lambda m: re.sub(r"[^\n]", "_", m[0]), code(path)), []
    for found in re.finditer(r"(?:\A|(?<=[;{}]))\s*([^;{}]*);", text):
        statement = CONDITION.sub("", LABELS.sub("", outer(found[1]).strip()))
        before, question, _ = statement.partition("?")
        inside = text.count("(", 0, found.start()) > text.count(")", 0, found.start())
        if question and not inside and not re.search(r"[,)]|" + ASSIGNS.pattern, before) \
                and before.strip() and not NO_EXPRESSION.match(statement):
            wrong.append(f"{name(path)}:{text.count(chr(10), 0, found.start(1)) + 1}: "
                         + " ".join(found[0].split()))
    return wrong


def test_no_return_does_something_else_before_its_comma():
    wrong = [line for path in files("lib", "app") for line in comma_returns(path)]
    assert not wrong, "\n".join(wrong)


def test_no_conditional_expression_stands_for_an_if():
    wrong = [line for path in files("lib", "app") for line in conditional_statements(path)]
    assert not wrong, "\n".join(wrong)


def test_names_of_drivers_are_compared_in_the_table_of_quirks_alone():
    wrong = [f"{name(path)}: {found[0]}" for path in files("lib", "app")
             if path != ROOT / "lib/nic/quirks.cc" for found in DRIVER.finditer(path.read_text())]
    assert not wrong, "\n".join(wrong)


def test_the_rules_find_what_they_forbid(tmp_path, monkeypatch):
    """Guards the guard."""
    monkeypatch.setattr("test_statements.name", lambda path: path.name)
    file = tmp_path / "wrong.cc"
    file.write_text("int f() {\n  a ? g() : h();\n  if (x) b ? g() : h({1, 2});\n"
                    "  int c = a ? 1 : 2;\n  return a ? g(1, 2) : S<int, char>{1, 2};\n"
                    "  return g(), 1;\n}\n")
    assert [line.split(":")[1] for line in comma_returns(file)] == ["6"]
    assert [line.split(":")[1] for line in conditional_statements(file)] == ["2", "3"]
