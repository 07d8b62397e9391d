"""Embeds the report's page into the binary: embed.py OUTPUT SELF TEMPLATE FILE...

SELF is this file: meson names it among the inputs, so that a change of it counts.

A line "@include NAME" of the template becomes the content of the file of that name; the line
"@data" is where the result goes at run time. The output is C++: what comes before it and after it.
"""
import sys
from pathlib import Path

DELIMITER = "mayfly~page"


def assemble(template: str, parts: dict[str, str]) -> str:
    lines = []
    for line in template.splitlines():
        word, _, name = line.partition(" ")
        lines.append(parts[name].rstrip("\n") if word == "@include" else line)
    return "\n".join(lines) + "\n"


def without_source_map(text: str) -> str:
    """The map is not embedded, and a browser would look for it."""
    return "\n".join(line.partition("//# sourceMappingURL=")[0]
                     for line in text.splitlines() if not line.startswith("/*# sourceMappingURL="))


def literal(text: str) -> str:
    assert DELIMITER not in text
    return f'R"{DELIMITER}({text}){DELIMITER}"'


def main(output: Path, template: Path, files: list[Path]) -> None:
    parts = {path.name: without_source_map(path.read_text(encoding="utf-8")) for path in files}
    for name, text in parts.items():
        assert "</script" not in text and "</style" not in text, f"{name} would end its element"
    before, after = assemble(template.read_text(encoding="utf-8"), parts).split("@data\n")
    output.write_text(f"""#include "lab/page.h"

namespace mayfly::lab {{

const std::string_view kPageBeforeData = {literal(before)};
const std::string_view kPageAfterData = {literal(after)};

}}  // namespace mayfly::lab
""", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
