"""Which files there are: nothing stray in the root, no file type that does not belong, every page
of the documentation in its index, and no link of it that leads nowhere."""
import re

import pytest
from sources import CORPUS, ROOT, listed_files, name

ROOT_FILES = {".clang-format", ".clang-tidy", ".gitignore", "LICENSE", "README.md", "meson.build",
              "meson_options.txt"}
ROOT_FOLDERS = {".ci", "app", "bench", "conf", "doc", "lib", "scripts", "tests"}
SOURCES = {".h", ".cc"}
ENDINGS = {  # of all files in a folder, the deepest folder named here counts
    ".ci": {""},
    "app": SOURCES | {".in", ".md"},
    "bench": SOURCES | {".py"},
    "bench/results": {".json", ".md"},
    "conf": {".yaml"},
    "conf/cluster": {".yaml", ".conf", ".service", ".sh"},
    "conf/completion": {".bash"},
    "conf/prometheus": {".yml", ".json"},
    "conf/systemd": {".service"},
    "doc": {".md"},
    "doc/man": {".scd"},
    "doc/pictures": {".png"},
    "lib": SOURCES | {".md"},
    "lib/admin": SOURCES | {".py"},
    "lib/admin/page": {".html", ".css", ".js", ".svg"},
    "lib/nic": SOURCES | {".c", ".py"},
    "lib/lab": SOURCES | {".py"},
    "lib/lab/page": {".html", ".css", ".js"},
    "scripts": {".sh", ".py"},
    "tests": SOURCES | {".py", ".md"},
    "tests/golden": SOURCES | {".py", ".md", ".yaml"},
    "tests/golden/cases": {".pcap", ".txt"},
    "tests/tidy": {".py", ".json"},
    "tests/wire/scripts": {".script"},
}
BY_NAME = {"meson.build"}  # allowed everywhere
PAGES = [path for path in listed_files() if path.suffix == ".md"]
PICTURE = re.compile(r'\b(?:src|srcset)="([^"]+)"')
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def allowed_endings(path) -> set[str]:
    homes = [folder for folder in ENDINGS if path.is_relative_to(ROOT / folder)]
    return ENDINGS[max(homes, key=len)] if homes else set()


def test_nothing_lies_in_the_root_but_what_belongs_there():
    here = {path.name for path in listed_files() if path.parent == ROOT}
    folders = {path.relative_to(ROOT).parts[0] for path in listed_files() if path.parent != ROOT}
    assert here <= ROOT_FILES, f"stray: {sorted(here - ROOT_FILES)}"
    assert folders <= ROOT_FOLDERS, f"stray: {sorted(folders - ROOT_FOLDERS)}"


def test_every_file_is_of_a_type_that_belongs_into_its_folder():
    stray = [name(path) for path in listed_files()
             if path.parent != ROOT and not path.is_relative_to(CORPUS)
             and path.name not in BY_NAME and path.suffix not in allowed_endings(path)]
    assert not stray, "\n".join(stray)


def test_every_page_of_the_documentation_is_in_its_index():
    index = (ROOT / "doc/README.md").read_text()
    linked = {(ROOT / "doc" / target.split("#")[0]).resolve() for target in LINK.findall(index)}
    missing = [name(page) for page in PAGES
               if page.is_relative_to(ROOT / "doc") and page.name != "README.md"
               and page not in linked]
    assert not missing, "doc/README.md lists no " + ", ".join(missing)


def test_every_picture_is_small_and_shown_and_none_is_missing():
    there = {path for path in listed_files() if path.is_relative_to(ROOT / "doc/pictures")}
    shown = {(page.parent / target).resolve() for page in PAGES
             for target in PICTURE.findall(page.read_text())}
    assert there == shown
    assert not (large := [name(path) for path in there if path.stat().st_size > 150_000]), large


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page):
    broken = [target for target in LINK.findall(page.read_text())
              if "://" not in target and not target.startswith("#")
              and not (page.parent / target.split("#")[0]).exists()]
    assert not broken, f"{name(page)} links to {broken}"
