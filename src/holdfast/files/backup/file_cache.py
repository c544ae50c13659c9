"""What the last backup saw of each folder, so that an unchanged one costs one comparison.

A log of records and a small file that names the root. A record points to those of its
sub-folders; a later backup appends what changed and points to the rest, and a new root makes it
valid. Who finds another backup at work here reads what is valid and writes nothing. The log is mapped: opening it costs nothing, however many folders there are.

It is a cache: each record carries a checksum, and a damaged or missing one means reading files
again. That it is trusted at all rests on two rules that `backup` holds: a tree or blob taken
from here is looked up in the index of the vault, and once an index file this cache was written
under is gone (prune and repair do that), every blob is.
"""

import contextlib
import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Callable

import msgspec

from holdfast.files.backup.messages import NO_RECORD

_VERSION = 2
_HEAD = struct.Struct("<II")  # length and checksum of the record that follows
# Appending leaves dead records behind; above this share of the log it is written anew.
_DEAD_SHARE = 2
_SMALL_LOG = 16 << 20


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One folder: its entries, their contents, and the tree all that became."""

    listing: bytes  # encoded names and packed statuses, compared as a whole
    payloads: bytes
    attributes: bytes
    tree: bytes
    children: list[int]  # records of the sub-folders, in the order of the listing


class RootRecord(msgspec.Struct, frozen=True):
    record: int
    inode: int
    tree: str


class Roots(msgspec.Struct, frozen=True):
    """The valid end of a log, and what it was true under."""

    snapshot: str
    index_files: list[str]
    roots: dict[str, RootRecord]
    version: int = 0
    log: str = ""
    length: int = 0
    files: int = 0  # how much there was, so that the next backup can say how far it is
    size: int = 0


_encode = msgspec.msgpack.Encoder().encode
_records = msgspec.msgpack.Decoder(Record)
_lists = msgspec.msgpack.Decoder(list[bytes])
_attributes = msgspec.msgpack.Decoder(dict[bytes, list[tuple[str, bytes]]])


def encode_list(items: list[bytes]) -> bytes:
    return _encode(items)


def decode_list(content: bytes) -> list[bytes]:
    return _lists.decode(content)


def encode_attributes(attributes: dict[bytes, list[tuple[str, bytes]]]) -> bytes:
    return _encode(attributes)


def decode_attributes(content: bytes) -> dict[bytes, list[tuple[str, bytes]]]:
    return _attributes.decode(content)


class FileCache:
    """The records of one set of roots; empty where there is no scratch or nothing usable in it."""

    def __init__(self, folder: str | None, name: str, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._name = name
        self._memory: mmap.mmap | None = None
        self._log: int | None = None
        self._lock: int | None = None
        self._end = 0
        self._live = 0
        self.roots = self._open(warn)

    def record(self, offset: int) -> Record | None:
        """The record at a place, or None when there is none that can be trusted."""
        if offset == NO_RECORD or self._memory is None:
            return None
        try:
            length, checksum = _HEAD.unpack_from(self._memory, offset)
            start = offset + _HEAD.size
            content = self._memory[start : start + length]
            if len(content) != length or zlib.crc32(content) != checksum:
                return None
            return _records.decode(content)
        except (struct.error, OverflowError, msgspec.DecodeError):
            return None

    def keep(self, offset: int) -> None:
        """Count a record that stays valid, for the decision to write the log anew."""
        if self._memory is not None and offset != NO_RECORD:
            self._live += _HEAD.size + _HEAD.unpack_from(self._memory, offset)[0]

    def append(self, record: Record) -> int:
        """Add a record; where it lies, or NO_RECORD when there is nowhere to keep it."""
        if self._folder is None:
            return NO_RECORD
        content = _encode(record)
        at = self._end
        piece = _HEAD.pack(len(content), zlib.crc32(content)) + content
        try:
            if self._log is None:
                self._log = self._open_log()
            _write_all(self._log, piece, at)
        except OSError:
            # A full scratch must not fail a backup: go on without a cache.
            self._folder = None
            return NO_RECORD
        self._end += len(piece)
        self._live += len(piece)
        return at

    def commit(self, roots: Roots) -> None:
        """Make what was appended the truth for the next backup."""
        if self._folder is None:
            return
        done = msgspec.structs.replace(
            roots, version=_VERSION, log=f"{self._name}.log", length=self._end
        )
        path = os.path.join(self._folder, f"{self._name}.roots")
        # A cache may vanish at any time, so a failure to write it is no failure of the backup.
        with contextlib.suppress(OSError):
            with open(path + ".tmp", "wb") as target:
                content = msgspec.json.encode(done)
                target.write(b"%08x\n" % zlib.crc32(content) + content)
            os.replace(path + ".tmp", path)

    @property
    def is_overgrown(self) -> bool:
        """Whether most of the log is dead; then the next backup should start a new one."""
        return self._end > _SMALL_LOG and self._end > _DEAD_SHARE * self._live

    def discard(self) -> None:
        """Start from nothing next time."""
        if self._folder is None:
            return
        for suffix in (".roots", ".log"):
            # What cannot be removed is found unusable again.
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._folder, self._name + suffix))

    def close(self) -> None:
        for descriptor in filter(None, (self._log, self._lock)):
            os.close(descriptor)
        self._log = self._lock = self._folder = None

    def _open(self, warn: Callable[[str], None]) -> Roots | None:
        if self._folder is None:
            return None
        path = os.path.join(self._folder, f"{self._name}.roots")
        is_ours = False
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            is_ours = self._is_locked()
            with open(path, "rb") as source:
                return self._mapped(_checked(source.read()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.DecodeError) as err:
            warn(str(err))
            self.discard()
            return None
        finally:
            if not is_ours:
                # What is valid can be read beside a backup that appends to it, and that is all.
                self._folder = None

    def _is_locked(self) -> bool:
        """Whether nobody else writes here; two would put their records at the same places."""
        assert self._folder is not None
        path = os.path.join(self._folder, f"{self._name}.lock")
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _mapped(self, roots: Roots) -> Roots:
        assert self._folder is not None
        if roots.version != _VERSION:
            raise ValueError(f"version {roots.version}")
        descriptor = os.open(os.path.join(self._folder, roots.log), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size < roots.length:
                raise ValueError("the log is shorter than its root says")
            if roots.length:
                self._memory = mmap.mmap(descriptor, roots.length, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
        self._end = roots.length
        return roots

    def _open_log(self) -> int:
        assert self._folder is not None
        path = os.path.join(self._folder, f"{self._name}.log")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What a run that died has left behind the valid end.
            os.ftruncate(descriptor, self._end)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor


def _checked(content: bytes) -> Roots:
    checksum, _, body = content.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        raise ValueError("its roots are damaged")
    return msgspec.json.decode(body, type=Roots)


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], at + written)
