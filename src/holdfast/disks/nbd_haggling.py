"""The messages of NBD before both sides have agreed: greeting, options and their replies. Pure.

Format: the NBD protocol document, section "Handshake phase", fixed newstyle only.
"""

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from holdfast.disks.nbd_wire import LONGEST_PAYLOAD, WireError

_GREETING = struct.Struct(">8s8sH")
_MAGIC = b"NBDMAGIC"
_OPTION_MAGIC = b"IHAVEOPT"
_CLIENT = struct.Struct(">I")
_OPTION = struct.Struct(">8sII")
_REPLY = struct.Struct(">QIII")
_REPLY_MAGIC = 0x3E889045565A9
_LENGTH = struct.Struct(">I")
_COUNT = struct.Struct(">H")
_EXPORT = struct.Struct(">HQH")
_BLOCKS = struct.Struct(">HIII")
_OLD_EXPORT = struct.Struct(">QH")

GREETING_SIZE = _GREETING.size
CLIENT_FLAGS_SIZE = _CLIENT.size
OPTION_SIZE = _OPTION.size
OPTION_REPLY_SIZE = _REPLY.size
# No option needs more, and a peer that says so is no peer.
LONGEST_OPTION = 64 << 10

FIXED_NEWSTYLE = 1 << 0
NO_ZEROES = 1 << 1


class Option(IntEnum):
    EXPORT_NAME = 1
    ABORT = 2
    LIST = 3
    STARTTLS = 5
    INFO = 6
    GO = 7
    STRUCTURED_REPLY = 8
    LIST_META_CONTEXT = 9
    SET_META_CONTEXT = 10


class Answer(IntEnum):
    ACK = 1
    SERVER = 2
    INFO = 3
    META_CONTEXT = 4
    UNSUPPORTED = (1 << 31) + 1
    POLICY = (1 << 31) + 2
    INVALID = (1 << 31) + 3
    TLS_REQUIRED = (1 << 31) + 5
    UNKNOWN = (1 << 31) + 6


_ERRORS_BEGIN = 1 << 31
_UNLIMITED = (1 << 32) - 1


class Info(IntEnum):
    EXPORT = 0
    BLOCK_SIZE = 3


class OptionReply(NamedTuple):
    option: int
    kind: int
    length: int

    @property
    def is_error(self) -> bool:
        return self.kind >= _ERRORS_BEGIN


class Blocks(NamedTuple):
    """What a request must be a multiple of, should be, and must not exceed."""

    minimum: int = 1
    preferred: int = 4096
    maximum: int = LONGEST_PAYLOAD


def encode_greeting() -> bytes:
    return _GREETING.pack(_MAGIC, _OPTION_MAGIC, FIXED_NEWSTYLE | NO_ZEROES)


def decode_greeting(greeting: bytes) -> int:
    """The flags of a server."""
    if len(greeting) != _GREETING.size:
        raise WireError(f"a greeting of {len(greeting)} bytes")
    magic, option_magic, flags = _GREETING.unpack(greeting)
    if magic != _MAGIC or option_magic != _OPTION_MAGIC or not flags & FIXED_NEWSTYLE:
        raise WireError("it does not greet as a newstyle NBD server does")
    return int(flags)


def encode_client_flags(flags: int) -> bytes:
    return _CLIENT.pack(flags)


def decode_client_flags(content: bytes) -> int:
    (flags,) = _CLIENT.unpack(content)
    if flags & ~(FIXED_NEWSTYLE | NO_ZEROES):
        raise WireError(f"a client with the flags {flags:#x}")
    return int(flags)


def encode_option(option: Option, content: bytes = b"") -> bytes:
    return _OPTION.pack(_OPTION_MAGIC, option, len(content)) + content


def decode_option(head: bytes) -> tuple[int, int]:
    """An option and the length of what follows."""
    magic, option, length = _OPTION.unpack(head)
    if magic != _OPTION_MAGIC or length > LONGEST_OPTION:
        raise WireError(f"an option of {length} bytes that begins with {magic!r}")
    return option, length


def encode_option_reply(option: int, kind: Answer, content: bytes = b"") -> bytes:
    return _REPLY.pack(_REPLY_MAGIC, option, kind, len(content)) + content


def decode_option_reply(head: bytes) -> OptionReply:
    if len(head) != _REPLY.size:
        raise WireError(f"a reply to an option of {len(head)} bytes")
    magic, option, kind, length = _REPLY.unpack(head)
    if magic != _REPLY_MAGIC or length > LONGEST_OPTION:
        raise WireError(f"a reply to an option of {length} bytes that begins with {magic:#x}")
    return OptionReply(option, kind, length)


def encode_go(export: str, infos: Iterable[Info] = ()) -> bytes:
    """The content of GO and INFO."""
    wanted = list(infos)
    return _string(export) + _COUNT.pack(len(wanted)) + b"".join(map(_COUNT.pack, wanted))


def decode_go(content: bytes) -> str:
    """The export; which infos are asked for does not matter to one that gives all."""
    name, rest = _read_string(content)
    if len(rest) < _COUNT.size or len(rest) != _COUNT.size * (1 + _COUNT.unpack_from(rest)[0]):
        raise WireError("a list of infos of another length than it says")
    return name


def encode_export_info(size: int, flags: int) -> bytes:
    return _EXPORT.pack(Info.EXPORT, size, flags)


def encode_blocks_info(blocks: Blocks) -> bytes:
    return _BLOCKS.pack(Info.BLOCK_SIZE, *blocks)


def encode_old_export(size: int, flags: int, *, with_zeroes: bool) -> bytes:
    """The answer to EXPORT_NAME, which has no head and cannot say no."""
    return _OLD_EXPORT.pack(size, flags) + bytes(124 if with_zeroes else 0)


def decode_info(content: bytes) -> tuple[int, int] | Blocks | None:
    """Size and flags of the export, or its block sizes, or None: something we did not ask for."""
    if len(content) < _COUNT.size:
        raise WireError("an info without a kind")
    kind: int = _COUNT.unpack_from(content)[0]
    match kind:
        case Info.EXPORT if len(content) == _EXPORT.size:
            _kind, size, flags = _EXPORT.unpack(content)
            return size, flags
        case Info.BLOCK_SIZE if len(content) == _BLOCKS.size:
            return _checked(Blocks(*_BLOCKS.unpack(content)[1:]))
        case Info.EXPORT | Info.BLOCK_SIZE:
            raise WireError(f"an info of {len(content)} bytes")
        case _:
            return None


def encode_contexts(export: str, queries: Iterable[str]) -> bytes:
    """The content of SET_META_CONTEXT and LIST_META_CONTEXT."""
    strings = [_string(query) for query in queries]
    return _string(export) + _LENGTH.pack(len(strings)) + b"".join(strings)


def decode_contexts(content: bytes) -> tuple[str, list[str]]:
    """The export and the queries."""
    export, rest = _read_string(content)
    if len(rest) < _LENGTH.size:
        raise WireError("queries without their number")
    return export, list(_read_strings(rest[_LENGTH.size :], count=_LENGTH.unpack_from(rest)[0]))


def encode_context(number: int, name: str) -> bytes:
    return _LENGTH.pack(number) + name.encode()


def decode_context(content: bytes) -> tuple[int, str]:
    """The number a context has on this connection, and its name."""
    if len(content) <= _LENGTH.size:
        raise WireError("a context without a name")
    return int(_LENGTH.unpack_from(content)[0]), _decoded(content[_LENGTH.size :])


def encode_export_name(name: str) -> bytes:
    """One export of a list."""
    return _string(name)


def _checked(blocks: Blocks) -> Blocks:
    low, preferred, most = blocks
    is_whole = most % low == 0 or most == _UNLIMITED if low else False
    if not 0 < low <= min(preferred, 1 << 16, most) or low & (low - 1) or not is_whole:
        raise WireError(f"block sizes of {low}, {preferred} and {most} bytes")
    return blocks


def _string(text: str) -> bytes:
    content = text.encode()
    return _LENGTH.pack(len(content)) + content


def _read_string(content: bytes) -> tuple[str, bytes]:
    if len(content) < _LENGTH.size:
        raise WireError("a string without a length")
    end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
    if end > len(content):
        raise WireError("a string that is cut off")
    return _decoded(content[_LENGTH.size : end]), content[end:]


def _read_strings(content: bytes, *, count: int) -> Iterator[str]:
    rest = content
    for _number in range(count):
        string, rest = _read_string(rest)
        yield string
    if rest:
        raise WireError("something after the last string")


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as err:
        raise WireError("a string that is not UTF-8") from err
