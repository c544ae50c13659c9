"""Values as people see them: paths that cannot trick a terminal, counts, moments, tables."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from holdfast.base.texts import ngettext

_WIDE = frozenset("WF")


def path(raw: bytes) -> str:
    """A path on one line: bytes that are no text and control characters show as escapes."""
    return line(raw.decode(errors="backslashreplace"))


def line(text: str) -> str:
    """Text that stays where it is printed; a file's name may hold a terminal's commands."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def moment(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def files(count: int) -> str:
    return ngettext("{count} file", "{count} files", count).format(count=f"{count:,}")


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns; Korean takes two places a letter, and lines up all the same."""
    if not rows:
        return []
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]


def width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in _WIDE else 1
        for c in text
    )


def _padded(text: str, wanted: int) -> str:
    return text + " " * (wanted - width(text))
