"""Bytes of unknown origin as UTF-8 blocks of whole lines, in bounded memory.

Windows tools write UTF-16, Korean Windows also CP949, Japanese CP932; logs get cut in the middle of a character.
Nothing here raises on any input.
"""

import codecs
import zlib
from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(head: bytes) -> tuple[str, int]:
    """Name the encoding that the first bytes speak for, and the length of the mark before them."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if wide := _wide(head):
        return wide, 0
    if _decodes(head, "utf-8"):
        return "utf-8", 0
    if _decodes(head, "cp949"):
        return "cp949", 0
    return ("cp932" if _japanese(head) else "cp1252"), 0


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of plain text is zero."""
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) > 0.4 * pairs and head[::2].count(0) < 0.1 * pairs:
        return "utf-16-le"
    if pairs and head[::2].count(0) > 0.4 * pairs and head[1::2].count(0) < 0.1 * pairs:
        return "utf-16-be"
    return None


def _decodes(head: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        decoder.decode(head)  # not final: the head may end inside a character
    except UnicodeDecodeError:
        return False
    return True


# Of what is not ASCII this much is kana in any Japanese text.
_KANA = 0.2
_LEAST_FOREIGN = 8


def _japanese(head: bytes) -> bool:
    """CP932 takes most western texts too: only kana speak for it."""
    try:
        text = codecs.getincrementaldecoder("cp932")("strict").decode(head)
    except UnicodeDecodeError:
        return False
    foreign = [letter for letter in text if letter > "\x7f"]
    kana = sum("\u3041" <= letter <= "\u30ff" for letter in foreign)
    return len(foreign) >= _LEAST_FOREIGN and kana >= _KANA * len(foreign)


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the stream as UTF-8, cut at line ends; a line longer than a block is cut inside."""
    rest = b""
    for piece in _pieces(stream):
        rest += piece
        cut = rest.rfind(b"\n") + 1
        if cut or len(rest) > BLOCK:
            yield rest[: cut or len(rest)]
            rest = rest[cut or len(rest) :]
    if rest:
        yield rest


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    head = _read(stream)
    name, mark = encoding_of(head[:65536])
    raw = head[mark:]
    if name == "utf-8":  # almost every log: not one copy more
        while raw:
            yield raw
            raw = _read(stream)
        return
    decoder = codecs.getincrementaldecoder(name)("replace")
    while raw:
        yield decoder.decode(raw).encode("utf-8", "replace")
        raw = _read(stream)
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _read(stream: BinaryIO) -> bytes:
    """What comes next; a damaged or cut compressed file ends where it cannot be read on."""
    try:
        return stream.read(BLOCK)
    except (OSError, EOFError, zlib.error):
        return b""


def text_of(stream: BinaryIO, limit: int = 8 * BLOCK) -> str:
    """The decoded start of a stream, for artefacts that are read as one piece."""
    parts, size = [], 0
    for block in blocks(stream):
        parts.append(block)
        size += len(block)
        if size >= limit:
            break
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def spoken(raw: bytes) -> str:
    """One record as text; a log may change its encoding half way down."""
    for name in ("utf-8", "cp949"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp1252", "replace")
