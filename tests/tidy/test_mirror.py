"""tests/unit mirrors lib/: a folder and a program for each of its folders, and no test left out."""
import re

import pytest
from sources import ROOT, files

# Folders that another program tests.
ELSEWHERE = {"world": "tests/sim/meson.build", "run": "tests/wire/conftest.py"}
UNIT = ROOT / "tests/unit"
FOLDERS = sorted({path.relative_to(ROOT / "lib").parts[0] for path in files("lib")})


def unit_folders() -> set[str]:
    return {path.relative_to(UNIT).parts[0] for path in files("tests/unit")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_lib_has_a_unit_test_program(folder):
    if folder in ELSEWHERE and folder not in unit_folders():
        assert (ROOT / ELSEWHERE[folder]).exists()
        return
    build = UNIT / folder / "meson.build"
    assert build.exists(), f"tests/unit/{folder} has no meson.build"
    assert f"test('unit_{folder}'" in build.read_text()
    assert f"'{folder}'" in (UNIT / "meson.build").read_text(), "tests/unit/meson.build skips it"


def test_a_folder_of_unit_tests_mirrors_one_of_lib():
    assert unit_folders() <= set(FOLDERS)


def test_every_file_of_tests_is_built():
    wrong = []
    for path in files("tests", ends=(".cc",)):
        builds = [folder / "meson.build" for folder in (path.parent, path.parent.parent)]
        text = "".join(build.read_text() for build in builds if build.exists())
        text += "".join(p.read_text() for p in files("tests", ends=(".build",))
                        if path.is_relative_to(ROOT / "tests/support"))
        listed = re.search(rf"[/']{re.escape(path.name)}'", text)
        if not listed and f"'{path.stem}'" not in text:  # a fuzz target is listed by its name
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong, "in no meson.build: " + ", ".join(wrong)
