"""Paths inside recovery points as texts: any bytes there and back, and patterns that mean them.

A path is written as it is. Only what no text can hold (bytes that are no UTF-8, control
characters) and the percent sign itself are written as %XX.
"""

import re
from urllib.parse import unquote_to_bytes

_TO_SPELL = re.compile("[\x00-\x1f\x7f-\x9f%\u2028\u2029\udc80-\udcff]")
# What means something else than itself to gitignore.
_SPECIAL = re.compile(r"([\\*?\[\]!# ])")
# White space at the end of a pattern is cut off, unless it is a space behind a backslash.
_NO_PATTERN = re.compile(r"[^\S ]|[\udc80-\udcff]")


def spelled(path: bytes) -> str:
    """The path as a text that `path_of` reads back."""
    return _TO_SPELL.sub(_as_hex, path.decode("utf-8", "surrogateescape"))


def path_of(text: str) -> bytes:
    """The bytes of a path, from its root; `..` leads nowhere."""
    parts = unquote_to_bytes(text.encode("utf-8", "surrogatepass")).split(b"/")
    kept = [part for part in parts if part not in (b"", b".")]
    if b".." in kept or b"\0" in b"".join(kept):
        raise ValueError(text)
    return b"/" + b"/".join(kept)


def readable(name: bytes) -> str:
    """For people: what no text can hold is seen, and nothing of it acts on a terminal."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def pattern_of(path: bytes) -> str:
    """A pattern in gitignore's syntax that takes in this item and what lies below it.

    What no pattern can hold becomes `?`: at worst an item beside it comes back as well.
    """
    text = _SPECIAL.sub(r"\\\1", path.decode("utf-8", "surrogateescape"))
    return _NO_PATTERN.sub("?", text)


def _as_hex(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))
