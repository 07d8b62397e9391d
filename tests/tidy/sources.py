"""The project's files as the tidy rules see them."""
import re
import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"  # a fuzzer's inputs: any bytes
CPP = (".h", ".cc")


@lru_cache
def listed_files() -> list[Path]:
    """Every file of the project; what git ignores is none of it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # unpacked without its history
        ignored = re.compile(r"(build|out|\.git)")
        found = [p for p in ROOT.rglob("*") if not ignored.match(str(p.relative_to(ROOT)))]
    return sorted(p for p in found if p.is_file())


@lru_cache
def all_files() -> list[Path]:
    """Every text file of the project."""
    return [p for p in listed_files()
            if not p.is_relative_to(CORPUS) and b"\0" not in p.read_bytes()[:4096]]


def files(*folders: str, ends: tuple[str, ...] = CPP) -> list[Path]:
    """The files in these folders with one of these endings."""
    return [p for p in all_files()
            if p.suffix in ends and any(p.is_relative_to(ROOT / folder) for folder in folders)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def includes(path: Path) -> list[str]:
    """What a C++ file includes: `wire/drop.h`, and `<rte_hash.h>` with its brackets."""
    found = re.findall(r'^\s*#\s*include\s+(?:"([^"]+)"|(<[^>]+>))', path.read_text(), re.MULTILINE)
    return [ours or system for ours, system in found]


def code(path: Path) -> str:
    """A C++ file with comments, literals and directives blanked; line numbers still hold."""
    pattern = (r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
               r"|'(?:\\.|[^'\\\n]){1,4}'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*")
    return re.sub(pattern, lambda m: re.sub(r"[^\n]+", " ", m[0]), path.read_text(),
                  flags=re.DOTALL | re.MULTILINE)
