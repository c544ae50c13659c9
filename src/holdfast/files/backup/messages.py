"""What parent and workers say to each other: a batch of tasks out, results back."""

from collections.abc import Sequence
from typing import Any

import msgspec

NO_RECORD = -1
EMPTY_LIST = msgspec.msgpack.encode([])


class FolderTask(msgspec.Struct, array_like=True, tag="folder", frozen=True):
    """Read one folder, without what is below its sub-folders."""

    number: int
    logical: bytes  # the path it has in the point
    physical: bytes  # the path it is read from, another one when a snapshot is read
    record: int  # where the file cache holds what the last backup saw, or NO_RECORD
    device: int
    rules: tuple[bytes, ...]  # of ignore files above; those of the root are in the settings
    names: list[bytes] | None = None  # only these, where a root is a file


class PartTask(msgspec.Struct, array_like=True, tag="part", frozen=True):
    """Read some of the files of a folder that is too large for one task."""

    number: int
    hole: int
    logical: bytes
    physical: bytes
    record: int
    device: int
    names: list[bytes]


class SegmentTask(msgspec.Struct, array_like=True, tag="segment", frozen=True):
    """Read a piece of a big file."""

    number: int
    hole: int
    segment: int
    physical: bytes
    packed: bytes  # the status it had when it was listed
    offset: int
    length: int


Task = FolderTask | PartTask | SegmentTask


class SubFolder(msgspec.Struct, array_like=True, tag="sub", frozen=True):
    """A hole in a folder's nodes: one that is completed by a tree still to be made."""

    name: bytes
    head: bytes  # its encoded node without the tree; empty where the folder was unchanged
    record: int
    device: int
    rules: tuple[bytes, ...]
    enter: bool  # False where the folder stays empty: another file system, or a cache


class Part(msgspec.Struct, array_like=True, tag="part", frozen=True):
    """A hole that a PartTask fills with a run of nodes."""

    names: list[bytes]


class BigFile(msgspec.Struct, array_like=True, tag="big", frozen=True):
    """A hole that SegmentTasks fill with the blobs of one file."""

    name: bytes
    node: bytes  # encoded, with no content yet
    packed: bytes
    racy: bool
    size: int
    known: bool  # whether the last backup saw a file of that name


Hole = SubFolder | Part | BigFile


class Skip(msgspec.Struct, array_like=True, frozen=True):
    path: bytes
    errno: int
    reason: str
    detail: str = ""


class Counts(msgspec.Struct, array_like=True):
    """What happened to files, for the summary and the progress."""

    new: int = 0
    changed: int = 0
    unmodified: int = 0
    size: int = 0  # bytes of all files seen
    read: int = 0  # bytes that were really read
    blobs: int = 0
    added: int = 0  # plain bytes of new blobs

    def add(self, other: "Counts") -> None:
        for field in self.__struct_fields__:
            setattr(self, field, getattr(self, field) + getattr(other, field))


class Run(msgspec.Struct, array_like=True):
    """Some entries of a folder: their nodes with holes, and what the file cache keeps of them.

    `pieces` and `holes` alternate: the hole at place n comes after piece n.
    """

    pieces: list[bytes] = msgspec.field(default_factory=lambda: [b""])
    holes: list[Hole] = []
    # Lists, encoded as the cache keeps them: whoever gets them mostly only passes them on.
    listing: bytes = EMPTY_LIST  # name, packed status, name, packed status …
    payloads: bytes = EMPTY_LIST  # per entry: blob ids, or a link's target
    attributes: dict[bytes, list[tuple[str, bytes]]] = {}


class FolderDone(msgspec.Struct, array_like=True, tag="folder"):
    number: int
    run: Run
    counts: Counts
    skipped: list[Skip]
    known: bool  # whether the cache had a record of it
    readable: bool


class FolderSame(msgspec.Struct, array_like=True, tag="same", frozen=True):
    """Nothing in the listing changed; its sub-folders must still be looked at."""

    number: int
    folders: list[SubFolder]
    files: int
    size: int
    tree: bytes  # what the cache says this folder's tree was


class PartDone(msgspec.Struct, array_like=True, tag="part"):
    number: int
    hole: int
    run: Run
    counts: Counts
    skipped: list[Skip]


class SegmentDone(msgspec.Struct, array_like=True, tag="segment"):
    number: int
    hole: int
    segment: int
    ids: bytes
    length: int
    counts: Counts
    still: bool = True  # whether the file was the same before and after
    errno: int = 0
    detail: str = ""


class PackReady(msgspec.Struct, array_like=True, tag="pack"):
    """A slot holds a finished pack, or at the end the blobs of one that is not full."""

    slot: int
    size: int
    entries: bytes  # of a finished one: what the index will say of it
    blobs: int  # how many are in it
    spans: list[tuple[Any, ...]] = []  # of one that is not: of vault.pack_header.Span


class WorkerFailed(msgspec.Struct, array_like=True, tag="failed"):
    """A worker met something it cannot go on after; `trace` says where, for `-v`."""

    reason: str
    trace: str


class WorkerDone(msgspec.Struct, array_like=True, tag="done"):
    """All tasks are answered and all blobs handed over."""


Result = FolderDone | FolderSame | PartDone | SegmentDone | PackReady | WorkerFailed | WorkerDone

_encode = msgspec.msgpack.Encoder().encode
_tasks = msgspec.msgpack.Decoder(list[Task])
_results = msgspec.msgpack.Decoder(list[Result])


def encode(messages: Sequence[Task] | Sequence[Result]) -> bytes:
    return _encode(messages)


def decode_tasks(content: bytes) -> list[Task]:
    return _tasks.decode(content)


def decode_results(content: bytes) -> list[Result]:
    return _results.decode(content)
