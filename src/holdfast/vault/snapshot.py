"""Snapshots: the root of one recovery point. Format: restic design document, "Snapshots"."""

from datetime import datetime

import msgspec

from holdfast.base.ids import SnapshotId, TreeId
from holdfast.vault.errors import FileUnreadable

# What snapshots say they were written by.
PROGRAM = "holdfast 0.1.0"


class Summary(msgspec.Struct, kw_only=True):
    """What the backup counted; all fields are always written."""

    backup_start: str
    backup_end: str
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    data_blobs: int = 0
    tree_blobs: int = 0
    data_added: int = 0
    data_added_packed: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0


class SnapshotFile(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A snapshot as it stands in its file, fields in restic's order."""

    time: str
    parent: str = ""
    tree: str
    paths: list[str]
    hostname: str = ""
    username: str = ""
    uid: int = 0
    gid: int = 0
    excludes: list[str] = []
    tags: list[str] = []
    original: str = ""
    program_version: str = ""
    summary: Summary | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A recovery point: its id, its time as a value, and the rest as stored."""

    id: SnapshotId
    taken_at: datetime
    stored: SnapshotFile

    @property
    def tree(self) -> TreeId:
        return TreeId(bytes.fromhex(self.stored.tree))

    @property
    def host(self) -> str:
        return self.stored.hostname

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self.stored.paths)

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(self.stored.tags)


def encode_snapshot(stored: SnapshotFile) -> bytes:
    return msgspec.json.encode(stored)


def parse_snapshot(snapshot: SnapshotId, content: bytes | bytearray) -> Snapshot:
    """Read a decrypted snapshot file; unknown keys are fine, newer clients write them."""
    try:
        stored = msgspec.json.decode(content, type=SnapshotFile)
        taken_at = parse_moment(stored.time)
        if len(bytes.fromhex(stored.tree)) != 32:  # noqa: PLR2004  a digest
            raise ValueError(f"impossible tree id {stored.tree!r}")
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise FileUnreadable(name=f"snapshots/{snapshot}", reason=err) from err
    return Snapshot(snapshot, taken_at, stored)


def parse_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(_six_digits(text))
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment


def _six_digits(text: str) -> str:
    """Cut Go's nanoseconds to the microseconds datetime can hold."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)].ljust(6, '0')}{tail[digits:]}"
