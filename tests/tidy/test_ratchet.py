"""Functions have at most 70 lines, files 500. The exceptions in ratchet.json may only shrink."""
import ast
import json
from pathlib import Path

from functions import functions
from sources import ROOT, files, lines, name

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
CODE = ("lib", "app", "tests", "bench", "scripts")
RATCHET = json.loads((ROOT / "tests/tidy/ratchet.json").read_text())


def python_functions(path: Path) -> list[tuple[str, int, int]]:
    return [(node.name, node.lineno, node.end_lineno - node.lineno + 1)
            for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def function_lengths() -> dict[str, int]:
    lengths: dict[str, int] = {}
    found = [(path, functions(path)) for path in files(*CODE)]
    found += [(path, python_functions(path)) for path in files(*CODE, ends=(".py",))]
    for path, each in found:
        for function, _, length in each:
            key = f"{name(path)}: {function}"
            lengths[key] = max(length, lengths.get(key, 0))
    return lengths


def file_lengths() -> dict[str, int]:
    paths = files(*CODE, ends=(".h", ".cc", ".py", ".sh"))
    return {name(path): len(lines(path)) for path in paths}


def check(lengths: dict[str, int], allowed: dict[str, int], limit: int) -> None:
    too_long = [f"{key} has {length} lines, allowed are {max(limit, allowed.get(key, 0))}"
                for key, length in lengths.items() if length > max(limit, allowed.get(key, 0))]
    slack = [f"{key} has {lengths.get(key, 0)} lines: shrink its entry ({number}) in ratchet.json"
             for key, number in allowed.items() if lengths.get(key, 0) < number]
    assert not too_long + slack, "\n".join(too_long + slack)


def test_functions_are_short():
    check(function_lengths(), RATCHET["functions"], FUNCTION_LINES_MAX)


def test_files_are_short():
    check(file_lengths(), RATCHET["files"], FILE_LINES_MAX)


def test_the_measure_finds_functions():
    """Guards the guard: a parser that finds nothing would let everything pass."""
    found = {function for path in files("lib/wire") for function, _, _ in functions(path)}
    assert "parse_frame" in found
