"""Text as it stood on the terminal, whatever mail or a web page made of it."""

import re
from collections.abc import Sequence

_COLOUR = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
_QUOTE = re.compile(r"^[ \t]*(?:>+ ?)+")


def as_shown(lines: Sequence[str]) -> list[str]:
    """The same lines without colours, quote marks and the indent that all of them share."""
    plain = [_QUOTE.sub("", _COLOUR.sub("", line) if "\x1b" in line else line) for line in lines]
    spoken = [line for line in plain if line.strip()]
    indent = min((len(line) - len(line.lstrip(" ")) for line in spoken), default=0)
    return [line[indent:] for line in plain] if indent else plain
