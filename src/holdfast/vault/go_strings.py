"""Names as restic writes them: Go's string quoting over raw bytes, without the quotes.

Names are bytes. What is not printable or not UTF-8 is escaped here; JSON then escapes once more.
"""

import re
from bisect import bisect_right

from holdfast.vault.printable import PRINTABLE

_SHORT = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
_SHORT |= {ord('"'): '\\"', ord("\\"): "\\\\"}
_UNQUOTED = {short[1]: bytes([code]) for code, short in _SHORT.items()} | {"'": b"'"}
_HARMLESS = re.compile(rb"[ !#-\[\]-~]*")
_ESCAPE = re.compile(
    r"\\(?:(x[0-9a-fA-F]{2})|(u[0-9a-fA-F]{4})|(U[0-9a-fA-F]{8})|([0-7]{3})|(.)|$)", re.DOTALL
)
_LAST_SHORT_ESCAPE = 0xFFFF
_BYTE_ESCAPES = range(0xDC80, 0xDD00)  # where surrogateescape puts bytes that are no UTF-8


def quote(name: bytes) -> str:
    if _HARMLESS.fullmatch(name):
        return name.decode("ascii")
    return "".join(map(_quoted, name.decode("utf-8", "surrogateescape")))


def unquote(text: str) -> bytes:
    """The raw bytes; ValueError where the escapes are not Go's."""
    if "\\" not in text:
        return text.encode("utf-8", "surrogatepass")
    parts: list[bytes] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(text[at : found.start()].encode("utf-8", "surrogatepass"))
        parts.append(_raw(found))
        at = found.end()
    parts.append(text[at:].encode("utf-8", "surrogatepass"))
    return b"".join(parts)


def is_printable(code: int) -> bool:
    """Whether Go prints this code point as it is: a table, since Python's moves with its version."""
    return bisect_right(PRINTABLE, code) % 2 == 1


def _quoted(char: str) -> str:
    code = ord(char)
    if code in _SHORT:
        return _SHORT[code]
    if code in _BYTE_ESCAPES:
        return f"\\x{code - 0xDC00:02x}"
    if is_printable(code):
        return char
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004  ASCII control characters
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT_ESCAPE else f"\\U{code:08x}"


def _raw(found: re.Match[str]) -> bytes:
    byte, short, long, octal, char = found.groups()
    if byte:
        return bytes([int(byte[1:], 16)])
    if short or long:
        return chr(int((short or long)[1:], 16)).encode("utf-8", "surrogatepass")
    if octal:
        return bytes([int(octal, 8)])
    if char not in _UNQUOTED:
        raise ValueError(f"not an escape: \\{char or ''}")
    return _UNQUOTED[char]
