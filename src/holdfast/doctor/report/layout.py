"""Lines that fit a terminal: wrapped and padded by what letters take up, coloured if wanted.

Korean letters take two places, so everything here counts cells and not characters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

_CODES = {
    "title": "1",
    "fault": "1;31",
    "warning": "1;33",
    "good": "32",
    "unknown": "36",
    "quiet": "2",
    "typed": "1",
    "seen": "",
    "": "",
}
NARROWEST = 40


def printable(text: str) -> str:
    """One line that stays where it is printed; a log may hold a terminal's commands."""
    spaced = text.replace("\t", "    ")
    if spaced.isprintable():
        return spaced
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in spaced)


def padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def shortened(text: str, width: int) -> str:
    """The text, or as much of its beginning as fits, with a mark that it goes on."""
    if cell_len(text) <= width:
        return text
    kept = text[:width]
    while kept and cell_len(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def wrapped(text: str, width: int) -> Iterator[str]:
    """Break at spaces; what is longer than a line, a path or a command, stays whole."""
    line = ""
    for word in _words(text):
        joined = f"{line} {word}" if line else word
        if line and cell_len(joined) > width:
            yield line
            line = word
        else:
            line = joined
    yield line


def _words(text: str) -> Iterator[str]:
    """Words; what stands between backticks is one, so that it can be copied whole."""
    word = ""
    for piece in printable(" ".join(text.split("\n"))).split(" "):
        word = f"{word} {piece}" if word else piece
        if word.count("`") % 2 == 0:
            if word:
                yield word
            word = ""
    if word:
        yield word


@dataclass(slots=True, kw_only=True)
class Sheet:
    """Collects the lines of one report."""

    width: int = 100
    colour: bool = False
    lines: list[str] = field(default_factory=list)

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def heading(self, text: str, style: str = "title") -> None:
        self.blank()
        self.say(text, style)

    def say(self, text: str, style: str = "", *, indent: int = 0, hang: int = 0) -> None:
        """Wrapped text; lines after the first stand `hang` places further right."""
        room = max(NARROWEST, self.width - indent - hang)
        for number, line in enumerate(wrapped(text, room)):
            self.raw(line, style, indent=indent + (hang if number else 0))

    def item(self, mark: str, text: str, style: str = "", *, indent: int = 0) -> None:
        """A mark and text that hangs beside it."""
        room = max(NARROWEST, self.width - indent - cell_len(mark) - 1)
        for number, line in enumerate(wrapped(text, room)):
            before = mark if number == 0 else " " * cell_len(mark)
            self.lines.append(" " * indent + self.paint(f"{before} {line}", style))

    def raw(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """One line as it is, however long: to be typed or copied."""
        self.lines.append((" " * indent + self.paint(text, style)).rstrip())

    def table(self, rows: Sequence[tuple[str, Sequence[str]]], *, indent: int = 0) -> None:
        """Rows of a style and cells, in columns; the last column is not padded."""
        if not rows:
            return
        cells = [row for _style, row in rows]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        for style, row in rows:
            *before, last = map(padded, row, widths)
            self.raw("  ".join([*before, last.rstrip()]), style, indent=indent)

    def paint(self, text: str, style: str) -> str:
        code = _CODES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text
