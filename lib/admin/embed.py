"""Embeds the live page's files into the binary: embed.py OUTPUT SELF FILE...

SELF is this file: meson names it among the inputs, so that a change of it counts. page.html is
served at /, every other file under its own name.
"""
import re
import sys
from pathlib import Path

DELIMITER = "mayfly~page"
PIECE = 15_000  # a string literal may have 64 KiB; pieces are joined by the compiler
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def without_source_map(text: str) -> str:
    """The map is not embedded, and a browser would look for it."""
    return "\n".join(line.partition("//# sourceMappingURL=")[0]
                     for line in text.splitlines()
                     if not line.startswith("/*# sourceMappingURL=")) + "\n"


def without_style_attributes(text: str) -> str:
    """The Content-Security-Policy forbids them; through the object model it is the same."""
    return re.sub(r'\.setAttribute\("style",("[^"]*")\)', r".style.cssText=\1", text)


def literal(text: str) -> str:
    assert DELIMITER not in text
    return "\n".join(f'R"{DELIMITER}({text[at:at + PIECE]}){DELIMITER}"'
                     for at in range(0, len(text), PIECE))


def row(path: Path) -> str:
    served = "/" if path.name == "page.html" else f"/{path.name}"
    pattern = re.escape(served).replace("\\", "\\\\")
    text = without_style_attributes(without_source_map(path.read_text(encoding="utf-8")))
    return f'    {{"{served}", "{pattern}", "{TYPES[path.suffix]}",\n{literal(text)}}},'


def main(output: Path, files: list[Path]) -> None:
    rows = "\n".join(row(path) for path in files)
    output.write_text(f"""#include "admin/page.h"

#include <array>

namespace mayfly::admin {{
namespace {{

constexpr auto kFiles = std::to_array<PageFile>({{
{rows}
}});

}}  // namespace

std::span<const PageFile> page_files() {{ return kFiles; }}

const PageFile* page_file(std::string_view path) {{
  for (const PageFile& file : kFiles)
    if (file.path == path) return &file;
  return nullptr;
}}

}}  // namespace mayfly::admin
""", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[3:]])
