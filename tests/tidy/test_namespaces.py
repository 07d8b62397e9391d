"""A file's namespace is its folder's: lib/tcp is mayfly::tcp, and lib/base is mayfly itself."""
import re
from pathlib import Path

from sources import ROOT, code, files, name

OPENED = re.compile(r"^namespace (mayfly(?:::\w+)*) \{ *$", re.MULTILINE)
BLOCK = re.compile(r"^namespace mayfly \{.*?^\}", re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^using (\w+)::(\w+);$", re.MULTILINE)
# Known in mayfly itself, see doc/decisions/0008-namespaces.md.
VOCABULARY = {"Drop", "Emission", "FlowKey4", "FlowKey6", "Ipv4Address", "Ipv6Address",
              "MacAddress", "Prefix", "Segment", "Seq"}
FOLDERS = {path.relative_to(ROOT / "lib").parts[0] for path in files("lib")
           if path.parent != ROOT / "lib"}


def namespace_of(path: Path) -> str:
    top, *rest = path.relative_to(ROOT).parts
    if top == "lib":
        return "mayfly" if len(rest) == 1 or rest[0] == "base" else f"mayfly::{rest[0]}"
    return {"app": "mayfly::app", "tests": "mayfly::testing", "bench": "mayfly::bench"}[top]


def may_open(path: Path, opened: str) -> bool:
    own = namespace_of(path)
    if opened == own or opened.startswith(own + "::"):
        return True
    # How a test prints a type, and the templates it makes once, belong to the type's namespace.
    return own == "mayfly::testing" and opened.removeprefix("mayfly::") in FOLDERS


def exports(path: Path) -> list[str]:
    """What a header of lib/X makes known in mayfly itself: nothing but names of its own folder."""
    if namespace_of(path) == "mayfly":
        return []
    found = []
    for block in BLOCK.findall(code(path)):
        names = EXPORT.findall(block)
        alone = len(block.strip().splitlines()) == len(names) + 2
        assert alone and {folder for folder, _ in names} <= {path.parent.name}, name(path)
        found += [exported for _, exported in names]
    return found


def test_the_namespace_of_a_file_is_that_of_its_folder():
    paths = [path for path in files("lib", "app", "tests", "bench")
             if not path.is_relative_to(ROOT / "app/examples")]
    wrong = [f"{name(path)}: {opened}" for path in paths
             for opened in OPENED.findall(BLOCK.sub("", code(path)) if exports(path)
                                          else code(path))
             if not may_open(path, opened)]
    assert not wrong, "\n".join(wrong)


def test_only_the_vocabulary_is_known_outside_its_folder():
    found = [exported for path in files("lib", ends=(".h",)) for exported in exports(path)]
    assert sorted(found) == sorted(VOCABULARY)
