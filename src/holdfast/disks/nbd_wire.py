"""The messages of NBD once both sides have agreed: requests, replies and their chunks. Pure.

Format: the NBD protocol document, sections "Transmission phase" and "Structured reply types".
What is not as it says there is a WireError; whoever reads from a peer makes it an error with a
name. What goes before is in nbd_haggling.
"""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum, IntFlag
from typing import NamedTuple

BASE_ALLOCATION = "base:allocation"
DIRTY_BITMAP = "qemu:dirty-bitmap:"
# Its flags are a number: 1 is the top image, 0 is in none of them.
ALLOCATION_DEPTH = "qemu:allocation-depth"
# Every peer must take a payload of this size, and need not take more.
LONGEST_PAYLOAD = 32 << 20
# Extents of one reply: as many as the largest payload we take.
_MOST_EXTENTS = LONGEST_PAYLOAD // 8

_REQUEST = struct.Struct(">IHHQQI")
_REQUEST_MAGIC = 0x25609513
_SIMPLE = struct.Struct(">IIQ")
_SIMPLE_MAGIC = 0x67446698
# The rest of a structured head, which begins like a simple one but for flags and kind.
_STRUCTURED = struct.Struct(">IHHQ")
_STRUCTURED_MAGIC = 0x668E33EF
_LENGTH = struct.Struct(">I")
_OFFSET = struct.Struct(">Q")
_HOLE = struct.Struct(">QI")
_ERROR = struct.Struct(">IH")

REQUEST_SIZE = _REQUEST.size
REPLY_SIZE = _SIMPLE.size
LENGTH_SIZE = _LENGTH.size
OFFSET_SIZE = _OFFSET.size


class WireError(Exception):
    """A peer sent what the protocol does not know; says what."""


class Export(IntFlag):
    """What can be done with an export."""

    HAS_FLAGS = 1 << 0
    READ_ONLY = 1 << 1
    FLUSH = 1 << 2
    FUA = 1 << 3
    TRIM = 1 << 5
    WRITE_ZEROES = 1 << 6
    DF = 1 << 7
    MULTI_CONN = 1 << 8


class Command(IntEnum):
    READ = 0
    WRITE = 1
    DISCONNECT = 2
    FLUSH = 3
    TRIM = 4
    WRITE_ZEROES = 6
    BLOCK_STATUS = 7


class CommandFlag(IntFlag):
    FUA = 1 << 0
    NO_HOLE = 1 << 1
    DF = 1 << 2
    REQ_ONE = 1 << 3


class Allocation(IntFlag):
    """What `base:allocation` tells of an extent."""

    HOLE = 1 << 0
    ZERO = 1 << 1


DIRTY = 1
DONE = 1 << 0


class Chunk(IntEnum):
    NONE = 0
    DATA = 1
    HOLE = 2
    STATUS = 5
    ERROR = (1 << 15) + 1
    ERROR_AT = (1 << 15) + 2


class Errno(IntEnum):
    """The numbers errors have on the wire, whatever they are on this machine."""

    EPERM = 1
    EIO = 5
    ENOMEM = 12
    EINVAL = 22
    ENOSPC = 28
    EOVERFLOW = 75
    ENOTSUP = 95
    ESHUTDOWN = 108


class Request(NamedTuple):
    command: int
    cookie: int
    offset: int
    length: int
    flags: int = 0


class Reply(NamedTuple):
    """The beginning of a reply; of a structured one another four bytes follow: its length."""

    cookie: int
    error: int
    is_structured: bool = False
    flags: int = 0
    kind: int = 0


def encode_request(request: Request) -> bytes:
    return _REQUEST.pack(
        _REQUEST_MAGIC,
        request.flags,
        request.command,
        request.cookie,
        request.offset,
        request.length,
    )


def decode_request(head: bytes) -> Request:
    magic, flags, command, cookie, offset, length = _unpacked(_REQUEST, head)
    if magic != _REQUEST_MAGIC:
        raise WireError(f"a request begins with {magic:#x}")
    return Request(command, cookie, offset, length, flags)


def encode_simple(cookie: int, error: int = 0) -> bytes:
    return _SIMPLE.pack(_SIMPLE_MAGIC, error, cookie)


def encode_chunk(cookie: int, kind: Chunk, length: int, *, is_last: bool) -> bytes:
    """The head of a chunk whose payload has `length` bytes."""
    flags = DONE if is_last else 0
    return _STRUCTURED.pack(_STRUCTURED_MAGIC, flags, kind, cookie) + _LENGTH.pack(length)


def decode_reply(head: bytes) -> Reply:
    magic, error, cookie = _unpacked(_SIMPLE, head)
    if magic == _SIMPLE_MAGIC:
        return Reply(cookie, error)
    if magic != _STRUCTURED_MAGIC:
        raise WireError(f"a reply begins with {magic:#x}")
    _magic, flags, kind, cookie = _STRUCTURED.unpack(head)
    return Reply(cookie, 0, is_structured=True, flags=flags, kind=kind)


def decode_length(tail: bytes) -> int:
    """The length of a chunk's payload."""
    return int(_unpacked(_LENGTH, tail)[0])


def encode_offset(offset: int) -> bytes:
    return _OFFSET.pack(offset)


def decode_offset(head: bytes) -> int:
    return int(_unpacked(_OFFSET, head)[0])


def encode_hole(offset: int, length: int) -> bytes:
    return _HOLE.pack(offset, length)


def decode_hole(payload: bytes) -> tuple[int, int]:
    offset, length = _unpacked(_HOLE, payload)
    return offset, length


def encode_error(error: int, words: str = "", *, at: int | None = None) -> bytes:
    """The payload of an error chunk; ERROR_AT wants `at`."""
    said = words.encode()[:4096]
    where = b"" if at is None else _OFFSET.pack(at)
    return _ERROR.pack(error, len(said)) + said + where


def decode_error(payload: bytes) -> tuple[int, str]:
    """The number and the words of an error chunk; where it was is seldom known and left out."""
    if len(payload) < _ERROR.size:
        raise WireError(f"an error of {len(payload)} bytes")
    error, length = _ERROR.unpack_from(payload)
    if not error or _ERROR.size + length > len(payload):
        raise WireError("an error without a number or with its words cut off")
    words = payload[_ERROR.size : _ERROR.size + length]
    return error, words.decode(errors="backslashreplace")


def encode_status(context: int, extents: Iterable[tuple[int, int]]) -> bytes:
    """Lengths and flags of extents that follow each other."""
    flat = [number for extent in extents for number in extent]
    return struct.pack(f">I{len(flat)}I", context, *flat)


def decode_status(payload: bytes) -> tuple[int, Sequence[tuple[int, int]]]:
    """The context, and length and flags of extents that follow each other."""
    count, rest = divmod(len(payload) - 4, 8)
    if count < 1 or count > _MOST_EXTENTS or rest:
        raise WireError(f"a block status of {len(payload)} bytes")
    context, *numbers = struct.unpack(f">{1 + 2 * count}I", payload)
    lengths = numbers[::2]
    if not all(lengths):
        raise WireError("an extent of no bytes")
    return context, list(zip(lengths, numbers[1::2], strict=True))


def error_name(error: int) -> str:
    try:
        return Errno(error).name
    except ValueError:
        return str(error)


def _unpacked(layout: struct.Struct, content: bytes) -> tuple[int, ...]:
    if len(content) != layout.size:
        raise WireError(f"{len(content)} bytes where {layout.size} belong")
    return layout.unpack(content)
