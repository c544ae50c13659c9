"""Write src/holdfast/vault/printable.py; must run on a Python with Unicode 15.0, which is 3.12."""

import sys
import unicodedata
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/holdfast/vault/printable.py"
HEAD = '''"""Where printable code points begin and end, in Unicode 15.0, the version Go uses.

Even places begin a run, odd places end it. Written by tools/generate_printable.py.
"""

# fmt: off
PRINTABLE: tuple[int, ...] = (
'''


def edges() -> list[int]:
    found = []
    inside = False
    for code in range(sys.maxunicode + 1):
        if chr(code).isprintable() != inside:
            found.append(code)
            inside = not inside
    return found


def rows(numbers: list[int]) -> list[str]:
    done, row = [], "   "
    for number in numbers:
        item = f" {number:#x},"
        if len(row) + len(item) > 98:  # noqa: PLR2004  the line width
            done.append(row)
            row = "   "
        row += item
    return [*done, row]


if __name__ == "__main__":
    if unicodedata.unidata_version != "15.0.0":
        sys.exit(f"this Python has Unicode {unicodedata.unidata_version}, not 15.0.0")
    TARGET.write_text(HEAD + "\n".join(rows(edges())) + "\n)\n")
