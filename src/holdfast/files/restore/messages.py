"""What travels between the parent and its workers. Nodes travel as they are encoded: compact."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

import msgspec

from holdfast.base.ids import BlobId, TreeId
from holdfast.files.report import Skipped
from holdfast.vault.tree import Node

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Node)
pack_node = _encoder.encode
unpack_node = _decoder.decode


class FolderTask(NamedTuple):
    """One listing to bring back; `path` lies below the target, b"" is the target itself."""

    path: bytes
    tree: TreeId
    # Made by this restore, so nothing can be in the way.
    fresh: bool
    # Wanted itself, not only the way to something wanted.
    wanted: bool
    first: int = 0
    last: int | None = None
    only: bytes | None = None


class FoundFolder(NamedTuple):
    task: FolderTask
    node: bytes


class EntryTask(NamedTuple):
    """One item that is not a folder."""

    folder: bytes
    name: bytes
    node: bytes


class Piece(NamedTuple):
    """A blob at its place in a file."""

    offset: int
    length: int
    blob: BlobId


class Segment(NamedTuple):
    """A part of a long file; `compare` says that there may be something right already."""

    folder: bytes
    name: bytes
    # New files are all holes, so zeros need not be written.
    new: bool
    compare: bool
    pieces: tuple[Piece, ...]


class LongFile(NamedTuple):
    """A file that several workers fill; its attributes come when all segments are done."""

    entry: EntryTask
    new: bool
    segments: tuple[Segment, ...]


class LinkedEntry(NamedTuple):
    """One name of an item that has several."""

    inode: tuple[int, int]
    entry: EntryTask
    is_file: bool


class LinkTask(NamedTuple):
    """Make a further name of an item that was restored under another."""

    entry: EntryTask
    folder: bytes
    name: bytes


class FileEnd(NamedTuple):
    """A long file whose segments are all done."""

    entry: EntryTask
    unchanged: bool


class FolderEnd(NamedTuple):
    """A folder whose content is complete and that now gets its attributes."""

    path: bytes
    node: bytes


class VerifyTask(NamedTuple):
    """A listing to compare; what was kept or is known to be wrong is left out."""

    folder: FolderTask
    left_out: frozenset[bytes]


class Kind(Enum):
    """What the items of a batch are."""

    FOLDERS = auto()
    ENTRIES = auto()
    SEGMENTS = auto()
    FILE_ENDS = auto()
    LINKS = auto()
    FOLDER_ENDS = auto()
    VERIFY = auto()
    VERIFY_FOLDERS = auto()


class Batch(NamedTuple):
    kind: Kind
    items: list[Any]  # of the task that belongs to the kind


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of one batch."""

    files: int = 0
    others: int = 0
    files_unchanged: int = 0
    bytes_total: int = 0
    bytes_written: int = 0
    bytes_verified: int = 0
    deleted: int = 0
    problems: list[Skipped] = field(default_factory=list)
    # Items whose owner could not be set because we are not root.
    owners_refused: int = 0
    folders: list[FoundFolder] = field(default_factory=list)
    rest: list[FolderTask] = field(default_factory=list)
    long_files: list[LongFile] = field(default_factory=list)
    linked: list[LinkedEntry] = field(default_factory=list)
    made: list[bytes] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    # Per segment its file and the bytes written, or None where the vault lacks some of it.
    segments: list[tuple[tuple[bytes, bytes], int | None]] = field(default_factory=list)
    current: bytes = b""
