"""The format of a change log: pure, of bytes and values. docs/change-log-format.md describes it.

    prelude   magic, version, length of the head, check; the head as JSON; its SHA-256
    frames    64 bytes each, with what they hold behind them: data, zeroes or a file
    foot      counts, and the SHA-256 of everything before it

The frames of one disk come in the order of their offsets and do not overlap; those of several
disks may alternate. Everything a frame says is covered by its check and what it holds by its
digest, so that nothing is used that has changed since it was written; that no frame is missing is
said by the foot. None of it protects against who writes a log on purpose: every number is held
against the head and the limits here.
"""

import re
import struct
import uuid
import zlib
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.replication.log_head import VERSION, LogHead

# A frame of data never has more, and never reaches over a multiple of it.
LONGEST = MIB
# What is zero in such a block is no data.
ZERO_UNIT = 64 * KIB
LONGEST_HEAD = 4 * MIB
LONGEST_FILE = 64 * MIB
MOST_FILE_BYTES = 128 * MIB
MOST_FILES = 256
MOST_DISKS = 1024
# As far as a file can be addressed.
LARGEST_DISK = 1 << 62

MAGIC = b"HFchange"
_FOOT_MAGIC = b"HFsealed"
_PRELUDE = struct.Struct("<8sII")
_FRAME = struct.Struct("<BBHIQQQ32s")
_FOOT = struct.Struct("<8sQQQQ32s")
_CHECK = struct.Struct("<I")
# With the check of the prelude.
PRELUDE_BYTES = _PRELUDE.size + _CHECK.size
FRAME_BYTES = _FRAME.size
# Begins as no frame can, so that it is known for what it is.
FOOT_BYTES = _FOOT.size + _CHECK.size
DIGEST_BYTES = 32
NO_DIGEST = bytes(DIGEST_BYTES)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_NAME_LENGTH = struct.Struct("<H")


class Broken(ValueError):
    """What is wrong with these bytes; readers make an error for people of it."""


class FromNewer(ValueError):
    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class FrameKind(IntEnum):
    DATA = 1
    ZERO = 2
    # Its plain bytes are the length of its name, its name and its content.
    FILE = 3


class Method(IntEnum):
    RAW = 0
    ZSTD = 1


class Frame(NamedTuple):
    """`disk` is an index of the head's disks; `stored` bytes lie behind the frame."""

    kind: FrameKind
    method: Method
    disk: int
    offset: int
    length: int
    stored: int
    digest: bytes

    @property
    def end(self) -> int:
        return self.offset + self.length


class Foot(NamedTuple):
    frames: int
    plain_bytes: int
    zero_bytes: int
    # Of the file before the foot.
    size: int
    digest: bytes


def encode_head(head: LogHead) -> bytes:
    check_head(head)
    content = msgspec.json.encode(head)
    if len(content) > LONGEST_HEAD:
        raise Broken(f"its head has {len(content)} bytes")
    prelude = _PRELUDE.pack(MAGIC, head.version, len(content))
    return prelude + _check_of(prelude) + content + sha256(content).digest()


def head_length(prelude: bytes) -> int:
    """Of the JSON that follows the prelude; its digest comes behind it."""
    magic, version, length = _PRELUDE.unpack_from(prelude)
    if magic != MAGIC:
        raise Broken("it does not begin as a change log does")
    if prelude[_PRELUDE.size :] != _check_of(prelude[: _PRELUDE.size]):
        raise Broken("its first bytes have changed")
    if version > VERSION:
        raise FromNewer(version)
    if length > LONGEST_HEAD:
        raise Broken(f"its head has {length} bytes")
    return int(length)


def parse_head(content: bytes, digest: bytes) -> LogHead:
    if sha256(content).digest() != digest:
        raise Broken("its head has changed")
    try:
        head = msgspec.json.decode(content, type=LogHead)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise Broken(f"its head makes no sense: {err}") from err
    check_head(head)
    return head


def check_head(head: LogHead) -> None:
    """Names become names of files at a site that does not trust who sends them."""
    if head.version != VERSION:
        raise Broken(f"its head is of version {head.version}")
    if not _is_uuid(head.vm):
        raise Broken(f"{head.vm!r} is no UUID")
    if not is_ours(head.until) or (head.since and not is_ours(head.since)):
        raise Broken(f"{head.since!r} to {head.until!r} are no generations")
    targets = [disk.target for disk in head.disks]
    if len(targets) > MOST_DISKS or len(set(targets)) != len(targets):
        raise Broken("it names a disk twice, or too many")
    for disk in head.disks:
        if not _TARGET.fullmatch(disk.target):
            raise Broken(f"{disk.target!r} is no name of a disk")
        if not 0 <= disk.size <= LARGEST_DISK:
            raise Broken(f"{disk.target} has {disk.size} bytes")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def encode_frame(frame: Frame) -> bytes:
    kind, method, disk, offset, length, stored, digest = frame
    fields = (kind, method, disk, 0, offset, length, stored, digest)
    packed = bytearray(_FRAME.pack(*fields))
    _CHECK.pack_into(packed, 4, zlib.crc32(packed))
    return bytes(packed)


def is_foot(begin: bytes) -> bool:
    """Of the first bytes behind a frame; a cut foot is still one."""
    return begin[:1] == _FOOT_MAGIC[:1]


def parse_frame(packed: bytes, head: LogHead) -> Frame:
    kind, method, disk, check, offset, length, stored, digest = _FRAME.unpack(packed)
    if check != zlib.crc32(packed[8:], zlib.crc32(packed[:4] + bytes(4))):
        raise Broken("a frame has changed")
    try:
        frame = Frame(FrameKind(kind), Method(method), disk, offset, length, stored, digest)
    except ValueError as err:
        raise Broken(f"a frame is of no kind we know: {err}") from err
    check_frame(frame, head)
    return frame


def check_frame(frame: Frame, head: LogHead) -> None:
    if frame.kind is FrameKind.FILE:
        is_fitting = frame.disk == frame.offset == 0 and frame.length <= LONGEST_FILE
    else:
        is_fitting = frame.disk < len(head.disks) and frame.end <= head.disks[frame.disk].size
    if frame.kind is FrameKind.DATA:
        is_fitting &= frame.offset % LONGEST + frame.length <= LONGEST
    if not is_fitting or not frame.length:
        raise Broken(f"{frame.length} bytes at {frame.offset} are not within a disk")
    _check_stored(frame)


def _check_stored(frame: Frame) -> None:
    if frame.kind is FrameKind.ZERO:
        is_fitting = frame.stored == 0 and frame.method is Method.RAW and frame.digest == NO_DIGEST
    elif frame.method is Method.RAW:
        is_fitting = frame.stored == frame.length
    else:
        # It is packed only where that pays.
        is_fitting = 0 < frame.stored < frame.length
    if not is_fitting:
        raise Broken(f"{frame.length} bytes are stored as {frame.stored}")


def encode_foot(foot: Foot) -> bytes:
    packed = _FOOT.pack(_FOOT_MAGIC, *foot)
    return packed + _check_of(packed)


def parse_foot(packed: bytes) -> Foot:
    magic, *fields = _FOOT.unpack_from(packed)
    if magic != _FOOT_MAGIC or packed[_FOOT.size :] != _check_of(packed[: _FOOT.size]):
        raise Broken("its foot has changed")
    return Foot(*fields)


def encode_file(name: str, content: bytes) -> bytes:
    """The plain bytes of a frame that holds a file."""
    check_name(name)
    encoded = name.encode()
    return _NAME_LENGTH.pack(len(encoded)) + encoded + content


def parse_file(plain: bytes) -> tuple[str, bytes]:
    try:
        (length,) = _NAME_LENGTH.unpack_from(plain)
        name = struct.unpack_from(f"{length}s", plain, 2)[0].decode("ascii")
    except (struct.error, UnicodeDecodeError) as err:
        raise Broken(f"a file in it has no name: {err}") from err
    check_name(name)
    return name, plain[2 + length :]


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Broken(f"{name!r} cannot be the name of a file in it")


def _check_of(packed: bytes) -> bytes:
    return _CHECK.pack(zlib.crc32(packed))
