"""Embeds the XDP program: embed_program.py OUTPUT [OBJECT]. Without an object it is empty."""
import sys
from pathlib import Path

WIDTH = 24


def main(output: Path, objects: list[Path]) -> None:
    octets = b"".join(path.read_bytes() for path in objects)
    lines = [", ".join(str(octet) for octet in octets[at:at + WIDTH])
             for at in range(0, len(octets), WIDTH)]
    rows = ",\n    ".join(lines) or "0"
    output.write_text(f"""#include "nic/xdp_share.h"

namespace mayfly::nic {{
namespace {{

constexpr unsigned char kProgram[] = {{
    {rows}}};

}}  // namespace

std::string_view share_program() {{
  return {{reinterpret_cast<const char*>(kProgram), {len(octets)}}};
}}

}}  // namespace mayfly::nic
""")


main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
