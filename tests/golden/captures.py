"""Makes the captures of cases/ and the headers of their texts from the scripts in scenarios/.

    /usr/bin/python3 tests/golden/captures.py

writes what has changed and removes what no script makes.

What the server answers is put down by the test program: MAYFLY_GOLDEN=update (README.md).
"""
import importlib
import sys
from io import BytesIO
from pathlib import Path

from scapy.utils import RawPcapWriter
from script import Recipe, Scenario

FOLDER = Path(__file__).parent
CASES = FOLDER / "cases"


def recipes() -> list[Recipe]:
    """All scenarios, in the order of their names."""
    modules = [importlib.import_module(f"scenarios.{path.stem}")
               for path in sorted((FOLDER / "scenarios").glob("*.py"))]
    found = [each for module in modules for each in vars(module).values()
             if isinstance(each, Recipe)]
    return sorted(found, key=lambda recipe: recipe.name)


def capture_of(scenario: Scenario) -> bytes:
    """The pcap file."""
    file = BytesIO()
    writer = RawPcapWriter(file, linktype=1, sync=True)
    writer.write_header(None)
    for at, frame in scenario.arrivals:
        writer.write_packet(frame, sec=at // 1_000_000, usec=at % 1_000_000)
    return file.getvalue()


def text_path(name: str) -> Path:
    return CASES / f"{name}.txt"


def capture_path(name: str) -> Path:
    return CASES / f"{name}.pcap"


def split_text(text: str) -> tuple[str, str]:
    """The header of a case's text, and what comes after it."""
    lines = text.splitlines(keepends=True)
    at = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:at]), "".join(lines[at:])


def strays(names: set[str]) -> list[Path]:
    """Files of cases/ that belong to no scenario."""
    return [path for path in sorted(CASES.rglob("*")) if path.is_file()
            and str(path.relative_to(CASES).with_suffix("")) not in names]


def write_changed(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(path.relative_to(FOLDER))


def main() -> int:
    made = [recipe.make() for recipe in recipes()]
    for scenario in made:
        text = text_path(scenario.name)
        body = split_text(text.read_text())[1] if text.exists() else "\n"
        write_changed(capture_path(scenario.name), capture_of(scenario))
        write_changed(text, (scenario.header + body).encode())
    for path in strays({scenario.name for scenario in made}):
        path.unlink()
        print(f"removed {path.relative_to(FOLDER)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
