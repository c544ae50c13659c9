"""What the last backup saw of each folder, so that an unchanged one costs one comparison.

A log of records and a small file that names the root. A record points to those of its
sub-folders; a later backup appends what changed and points to the rest, and a new root makes it
valid. Who finds another backup at work here reads what is valid and writes nothing. The log is
mapped: opening it costs nothing, however many folders there are.

It is a cache: each record carries a checksum, and a damaged or missing one means reading files
again. That what it names is in the vault rests on the index files it was written under: while
they are all still there, nothing is looked up; once one is gone (prune and repair do that), every
blob and tree taken from here is looked up in the index.
"""

import contextlib
import fcntl
import mmap
import os
import zlib
from collections.abc import Callable

import msgspec

from holdfast.files.backup.compaction import copy_live
from holdfast.files.backup.log_records import HEAD, Record, packed_record, record_at
from holdfast.files.backup.messages import NO_RECORD

_VERSION = 2
# Appending leaves dead records behind; where they are more than this share, the log is rewritten.
_DEAD_SHARE = 2
_SMALL_LOG = 16 << 20


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
    above: list[str] = []  # the trees of the roots and of the folders above them


_encode = msgspec.msgpack.Encoder().encode
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
        self._log_name = self._log_names()[0]
        self._end = 0
        self._live = 0
        self.roots = self._open(warn)

    def record(self, offset: int) -> Record | None:
        """The record at a place, or None when there is none that can be trusted."""
        return record_at(self._memory, offset) if self._memory is not None else None

    def keep(self, offset: int) -> None:
        """Count a record that stays valid, for the decision to write the log anew."""
        if self._memory is not None and offset != NO_RECORD:
            self._live += HEAD.size + HEAD.unpack_from(self._memory, offset)[0]

    def append(self, record: Record) -> int:
        """Add a record; where it lies, or NO_RECORD when there is nowhere to keep it."""
        if self._folder is None:
            return NO_RECORD
        at = self._end
        piece = packed_record(record)
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
        # A cache may vanish at any time, so a failure to write it is no failure of the backup.
        with contextlib.suppress(OSError):
            if not self._is_overgrown:
                self._write_roots(self._folder, roots)
                return
            before = os.path.join(self._folder, self._log_name)
            self._write_roots(self._folder, self._rewritten(self._folder, roots))
            os.unlink(before)

    def _write_roots(self, folder: str, roots: Roots) -> None:
        done = msgspec.structs.replace(
            roots, version=_VERSION, log=self._log_name, length=self._end
        )
        path = os.path.join(folder, f"{self._name}.roots")
        with open(path + ".tmp", "wb") as target:
            content = msgspec.json.encode(done)
            target.write(b"%08x\n" % zlib.crc32(content) + content)
        os.replace(path + ".tmp", path)

    def _rewritten(self, folder: str, roots: Roots) -> Roots:
        """The same roots in a new log, which only they name: who dies here leaves the old one."""
        names = self._log_names()
        name = names[self._log_name == names[0]]
        target = os.path.join(folder, name)
        places = copy_live(
            os.path.join(folder, self._log_name),
            target,
            length=self._end,
            roots=[each.record for each in roots.roots.values()],
        )
        self._log_name, self._end = name, os.path.getsize(target)
        moved = {
            path: msgspec.structs.replace(each, record=places[each.record])
            for path, each in roots.roots.items()
        }
        return msgspec.structs.replace(roots, roots=moved)

    def _log_names(self) -> tuple[str, str]:
        return f"{self._name}.log", f"{self._name}-2.log"

    @property
    def _is_overgrown(self) -> bool:
        """Whether most of the log is dead."""
        return self._end > _SMALL_LOG and self._end > _DEAD_SHARE * self._live

    def discard(self) -> None:
        """Start from nothing next time."""
        if self._folder is None:
            return
        for name in (f"{self._name}.roots", *self._log_names()):
            # What cannot be removed is found unusable again.
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._folder, name))

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
        if roots.log not in self._log_names():
            raise ValueError("it is another's log")
        descriptor = os.open(os.path.join(self._folder, roots.log), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size < roots.length:
                raise ValueError("the log is shorter than its root says")
            if roots.length:
                self._memory = mmap.mmap(descriptor, roots.length, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
        self._log_name, self._end = roots.log, roots.length
        return roots

    def _open_log(self) -> int:
        assert self._folder is not None
        path = os.path.join(self._folder, self._log_name)
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
