"""Read one folder: list it, compare it with what the last backup saw, read what differs."""

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from holdfast.base.ids import ID_BYTES, BlobId
from holdfast.base.texts import N_, _
from holdfast.base.units import MIB
from holdfast.files.backup.content import MIN_CHUNK, ContentReader
from holdfast.files.backup.file_cache import (
    FileCache,
    decode_attributes,
    decode_list,
    encode_list,
)
from holdfast.files.backup.log_records import Record
from holdfast.files.backup.messages import (
    NO_RECORD,
    BigFile,
    Counts,
    FolderDone,
    FolderSame,
    FolderTask,
    Hole,
    Part,
    PartDone,
    PartTask,
    Run,
    SegmentDone,
    SegmentTask,
    Skip,
    SubFolder,
)
from holdfast.files.backup.plain_nodes import plain_node
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.backup.walk import Listing, OnSkip, enter, list_folder
from holdfast.files.nodes import (
    Attributes,
    make_node,
    pack_status,
    read_attributes,
    unpack_status,
)
from holdfast.files.report import SkipReason, reason_of
from holdfast.vault.blob_index import Has
from holdfast.vault.pack_header import Kind
from holdfast.vault.tree import Node, encode_nodes

# A file above this is read in pieces by all workers; each piece starts a new chunk.
SEGMENT = 128 * MIB
# What one task reads before the rest of its folder becomes tasks of its own.
_PART_FILES, _PART_BYTES = 256, 16 * MIB
_PART_NAME_BYTES = 8192
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
# Coarse kernel clocks tick every 4 ms: a file changed so shortly before it was read may change
# again without a new time.
_TICK_NS = 20_000_000
_SECOND_NS = 1_000_000_000
_KIND_BITS = 0o170000
_ANOTHER_KIND = N_("in its place is an item of another kind now")


class Known(NamedTuple):
    """What the cache knows of a folder's entries, by name."""

    packed: dict[bytes, bytes]
    payloads: dict[bytes, bytes]
    attributes: dict[bytes, list[tuple[str, bytes]]]
    children: dict[bytes, int]


_NOTHING_KNOWN = Known({}, {}, {}, {})
_NO_ATTRIBUTES: Attributes = []


def known_entries(record: Record) -> Known:
    listing = decode_list(record.listing)
    names, packed = listing[::2], listing[1::2]
    folders = [n for n, p in zip(names, packed, strict=True) if is_folder(p)]
    return Known(
        dict(zip(names, packed, strict=True)),
        dict(zip(names, decode_list(record.payloads), strict=True)),
        decode_attributes(record.attributes),
        dict(zip(folders, record.children, strict=True)),
    )


def is_folder(packed: bytes) -> bool:
    """Whether a packed status is a folder's; the mode comes first, little-endian."""
    return packed[1:2] != b"" and packed[1] & 0xF0 == stat.S_IFDIR >> 8


class FolderReader:
    """One worker's reader; it moves its process's working directory about."""

    def __init__(
        self,
        *,
        cache: FileCache,
        has: Has,
        content: ContentReader,
        counts: Counts,
        settings: WorkerSettings,
    ) -> None:
        self._cache = cache
        self._has = has
        self._content = content
        self.counts = counts
        self._settings = settings
        self.force = settings.force
        self._skipped: list[Skip] = []
        self._racy_after = 0
        self._parts_known = NO_RECORD, _NOTHING_KNOWN
        self._noatime = os.O_NOATIME

    def folder(self, task: FolderTask) -> FolderDone | FolderSame:
        self._begin()
        run = Run()
        record = self._cache.record(task.record)
        try:
            enter(task.physical)
            listing = list_folder(task, self._settings, self._skip_at(task.logical))
        except OSError as err:
            self._skip_folder(task.logical, err)
            return FolderDone(
                task.number, run, self.counts, self._skipped, record is not None, readable=False
            )
        if record is not None and self._is_same(record, listing):
            return self._same(task, record, listing)
        known = known_entries(record) if record is not None else _NOTHING_KNOWN
        _Entries(self, known, task.logical, task.device, run).read(listing)
        return FolderDone(
            task.number, run, self.counts, self._skipped, record is not None, readable=True
        )

    def part(self, task: PartTask) -> PartDone:
        self._begin()
        run = Run()
        known = self._known_to_parts(task.record)
        as_folder = FolderTask(
            task.number, task.logical, task.physical, task.record, task.device, (), task.names
        )
        try:
            enter(task.physical)
            listing = list_folder(as_folder, self._settings, self._skip_at(task.logical))
        except OSError as err:
            self._skip_folder(task.logical, err)
            listing = Listing([], (), frozenset(), {})
        _Entries(self, known, task.logical, task.device, run, split=False).read(listing)
        return PartDone(task.number, task.hole, run, self.counts, self._skipped)

    def _known_to_parts(self, place: int) -> Known:
        """Kept from part to part: a folder of a million files has thousands."""
        if place != self._parts_known[0]:
            record = self._cache.record(place)
            known = known_entries(record) if record is not None else _NOTHING_KNOWN
            self._parts_known = place, known
        return self._parts_known[1]

    def segment(self, task: SegmentTask) -> SegmentDone:
        self._begin()
        done = SegmentDone(task.number, task.hole, task.segment, b"", 0, self.counts)
        parent, name = os.path.split(task.physical)
        try:
            enter(parent)
            descriptor = self.open(name)
            try:
                done.ids, done.length = self._content.read_range(
                    descriptor, task.offset, task.offset + task.length
                )
                done.still = pack_status(os.fstat(descriptor)) == task.packed
            finally:
                os.close(descriptor)
        except OSError as err:
            why = as_seen(name, unpack_status(task.packed).st_mode, err)
            done.errno, done.detail = why.errno or errno.EIO, why.strerror or ""
        self.counts.read += done.length
        return done

    def open(self, name: bytes) -> int:
        """Open for reading without following links, waiting for FIFOs or touching access times."""
        try:
            return os.open(name, _READ_FLAGS | self._noatime)
        except PermissionError:
            if not self._noatime:
                raise
            # Only a file's owner and root may leave the access time alone.
            return os.open(name, _READ_FLAGS)

    def file(
        self, name: bytes, status: os.stat_result, on_problem: OnSkip
    ) -> tuple[bytes, int, bool, Attributes]:
        """Blob ids, length read, whether it held still meanwhile, and its attributes.

        They are asked for by descriptor, which spares the kernel another look-up of the name.
        """
        descriptor = self.open(name)
        try:
            found = None
            if status.st_size < MIN_CHUNK:
                found = self._content.read_small(descriptor, status.st_size)
            if found is None:
                found = self._content.read_range(descriptor, 0, max(status.st_size, MIN_CHUNK) * 2)
            attributes = self._attributes(descriptor, name, on_problem)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if not stat.S_ISREG(after.st_mode):
            raise FileNotFoundError(errno.ENOENT, _(_ANOTHER_KIND))
        ids, length = found
        self.counts.read += length
        still = (
            after.st_mtime_ns == status.st_mtime_ns
            and after.st_ctime_ns == status.st_ctime_ns
            and after.st_size == length
            and after.st_ino == status.st_ino
        )
        return ids, length, still, attributes

    def _attributes(self, descriptor: int, name: bytes, on_problem: OnSkip) -> Attributes:
        try:
            if not os.listxattr(descriptor):
                return _NO_ATTRIBUTES
        except OSError:
            pass  # what this means is for the longer way to say
        return read_attributes(descriptor, lambda err: on_problem(name, err))

    def has_all(self, ids: bytes) -> bool:
        """Whether the vault still has every blob of an unchanged file."""
        if self._settings.trust_cache:
            return True
        blobs = (BlobId(ids[at : at + ID_BYTES]) for at in range(0, len(ids), ID_BYTES))
        return all(self._has(Kind.DATA, blob) for blob in blobs)

    def is_racy(self, status: os.stat_result) -> bool:
        """Whether it changed so recently that its next change may not show."""
        changed = status.st_ctime_ns
        if changed + 2 * _SECOND_NS <= self._racy_after:
            return False
        if changed % _SECOND_NS == 0:
            # Perhaps a file system that keeps whole seconds, or every other one.
            changed += 2 * _SECOND_NS
        return changed > self._racy_after

    def note(self, path: bytes, number: int, reason: SkipReason, detail: str = "") -> None:
        self._skipped.append(Skip(path, number, reason.value, detail))

    def _skip(self, path: bytes, err: OSError) -> None:
        number = err.errno or errno.EIO
        self.note(path, number, reason_of(number), err.strerror or "")

    def _skip_folder(self, path: bytes, err: OSError) -> None:
        if err.errno != errno.ENOENT:
            self._skip(path, err)
        else:
            self.note(path, errno.ENOENT, SkipReason.PATH_GONE, err.strerror or "")

    def _skip_at(self, folder: bytes) -> "SkipAt":
        return SkipAt(self, folder)

    def _begin(self) -> None:
        self._skipped = []
        now = self._settings.clock.now()
        self._racy_after = int(now.timestamp() * 1e9) - _TICK_NS
        for field in self.counts.__struct_fields__:
            setattr(self.counts, field, 0)

    def _is_same(self, record: Record, listing: Listing) -> bool:
        if self._settings.force or not self._settings.trust_cache:
            return False
        return encode_list(listing.packed()) == record.listing

    def _same(self, task: FolderTask, record: Record, listing: Listing) -> FolderSame:
        children = iter(record.children)
        folders, files, size = [], 0, 0
        for name, status in listing.entries:
            kind = status.st_mode & _KIND_BITS
            if kind == stat.S_IFREG:
                files += 1
                size += status.st_size
            elif kind == stat.S_IFDIR:
                folders.append(self.sub_folder(name, b"", status, listing, next(children)))
        return FolderSame(task.number, folders, files, size, record.tree)

    def sub_folder(
        self, name: bytes, head: bytes, status: os.stat_result, listing: Listing, record: int
    ) -> SubFolder:
        device = self._settings.devices.get(status.st_dev, status.st_dev)
        return SubFolder(name, head, record, device, listing.rules, name not in listing.closed)


class SkipAt:
    """Notes what went wrong with an entry of one folder."""

    def __init__(self, reader: FolderReader, folder: bytes) -> None:
        self._reader = reader
        self._folder = folder

    def __call__(self, name: bytes, err: OSError) -> None:
        self._reader._skip(os.path.join(self._folder, name), err)  # noqa: SLF001  its other half


class _Entries:
    """Turns a listing into a run of nodes with holes."""

    def __init__(
        self,
        reader: FolderReader,
        known: Known,
        logical: bytes,
        device: int,
        run: Run,
        *,
        split: bool = True,
    ) -> None:
        self._reader = reader
        self._known = known
        self._logical = logical
        self._device = device
        self._run = run
        self._split = split
        self._skip = SkipAt(reader, logical)
        self._nodes: list[bytes] = []
        self._listing: list[bytes] = []
        self._payloads: list[bytes] = []
        self._files = 0
        self._bytes = 0
        self._is_partial = False  # attributes of the entry at hand are missing

    def read(self, listing: Listing) -> None:
        part: list[bytes] = []
        for name, status in listing.entries:
            if stat.S_ISDIR(status.st_mode):
                self._end_part(part)
                self._folder(name, status, listing)
            elif self._split and (self._files >= _PART_FILES or self._bytes >= _PART_BYTES):
                part.append(name)
                if len(part) >= _PART_FILES or sum(map(len, part)) > _PART_NAME_BYTES:
                    self._end_part(part)
            else:
                self._entry(name, status)
        self._end_part(part)
        self._end_piece()
        self._run.listing = encode_list(self._listing)
        self._run.payloads = encode_list(self._payloads)

    def _entry(self, name: bytes, status: os.stat_result) -> None:
        try:
            if stat.S_ISREG(status.st_mode):
                self._file(name, status)
            elif stat.S_ISLNK(status.st_mode):
                self._add(name, status, self._packed(status), os.readlink(name))
            else:
                self._add(name, status, self._packed(status), b"")
        except OSError as err:
            self._skip(name, as_seen(name, status.st_mode, err))

    def _file(self, name: bytes, status: os.stat_result) -> None:
        counts = self._reader.counts
        packed = pack_status(status)
        before = self._known.packed.get(name)
        if before == packed and not self._reader.force:
            payload = self._known.payloads[name]
            if self._reader.has_all(payload):
                counts.unmodified += 1
                counts.size += status.st_size
                attributes = self._known.attributes.get(name, [])
                self._add(name, status, packed, payload, attributes=attributes)
                return
        if status.st_size > SEGMENT:
            self._big_file(name, status, packed, known=before is not None)
            return
        self._read_file(name, status, packed)
        # Only now: a file that could not be read is none of the two.
        if before is None:
            counts.new += 1
        else:
            counts.changed += 1

    def _read_file(self, name: bytes, status: os.stat_result, packed: bytes) -> None:
        reader = self._reader
        ids, length, still, attributes = reader.file(name, status, self._incomplete)
        self._files += 1
        self._bytes += length
        reader.counts.size += length
        if not still:
            reader.note(os.path.join(self._logical, name), 0, SkipReason.CHANGED)
        if not still or reader.is_racy(status):
            packed = unequal(packed)
        if still and len(ids) == ID_BYTES and attributes is _NO_ATTRIBUTES:
            node = plain_node(name, status, ids)
            if node is not None:
                self._nodes.append(node)
                self._listing += (name, packed)
                self._payloads.append(ids)
                return
        self._add(name, status, packed, ids, size=length, attributes=attributes)

    def _big_file(self, name: bytes, status: os.stat_result, packed: bytes, *, known: bool) -> None:
        encoded = msgspec.json.encode(self._node(name, status, b""))
        racy = self._reader.is_racy(status) or self._is_partial
        self._is_partial = False
        self._hole(BigFile(name, encoded, packed, racy, status.st_size, known))

    def _folder(self, name: bytes, status: os.stat_result, listing: Listing) -> None:
        attributes = None
        if name in listing.elsewhere:
            attributes = read_attributes(listing.elsewhere[name])
        head = encode_nodes([self._node(name, status, b"", attributes)])
        record = self._known.children.get(name, NO_RECORD)
        self._keep(name, self._packed(status), b"")
        self._hole(self._reader.sub_folder(name, head, status, listing, record))

    def _add(
        self,
        name: bytes,
        status: os.stat_result,
        packed: bytes,
        payload: bytes,
        *,
        size: int | None = None,
        attributes: Attributes | None = None,
    ) -> None:
        node = self._node(name, status, payload, attributes)
        if size is not None:
            node.size = size
        self._nodes.append(encode_nodes([node]))
        self._keep(name, packed, payload)

    def _node(
        self,
        name: bytes,
        status: os.stat_result,
        payload: bytes,
        attributes: Attributes | None = None,
    ) -> Node:
        if attributes is None:
            attributes = read_attributes(name, lambda err: self._incomplete(name, err))
        if attributes:
            self._run.attributes[name] = attributes
        return make_node(name, status, payload=payload, attributes=attributes, device=self._device)

    def _incomplete(self, name: bytes, err: OSError) -> None:
        self._skip(name, err)
        self._is_partial = True

    def _packed(self, status: os.stat_result) -> bytes:
        # Another attribute set in this very tick would leave no trace either.
        packed = pack_status(status)
        return unequal(packed) if self._reader.is_racy(status) else packed

    def _keep(self, name: bytes, packed: bytes, payload: bytes) -> None:
        if self._is_partial:
            packed, self._is_partial = unequal(packed), False
        self._listing += (name, packed)
        self._payloads.append(payload)

    def _end_part(self, part: list[bytes]) -> None:
        if part:
            self._hole(Part(list(part)))
            part.clear()

    def _end_piece(self) -> None:
        if self._nodes:
            self._run.pieces[-1] = b",".join(self._nodes)
            self._nodes = []

    def _hole(self, hole: Hole) -> None:
        self._end_piece()
        self._run.holes.append(hole)
        self._run.pieces.append(b"")


def as_seen(name: bytes, mode: int, err: OSError) -> OSError:
    """Why an item that was listed with this mode could not be read, now that one looks again."""
    try:
        now = os.lstat(name)
    except FileNotFoundError as gone:
        return gone
    except OSError:
        return err
    if stat.S_IFMT(now.st_mode) != stat.S_IFMT(mode):
        return FileNotFoundError(errno.ENOENT, _(_ANOTHER_KIND))
    return err


def unequal(packed: bytes) -> bytes:
    """A status that no later one equals, so that the file is read again next time."""
    return packed[:-1] + b"\xff"


def segments(size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of the pieces of a big file."""
    for offset in range(0, size, SEGMENT):
        yield offset, min(SEGMENT, size - offset)
