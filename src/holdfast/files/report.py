"""What a backup or a restore says about its work: progress while it runs, a report at the end."""

import errno
from collections.abc import Callable
from enum import Enum

import msgspec

from holdfast.base.ids import SnapshotId
from holdfast.base.texts import N_
from holdfast.vault.snapshot import Summary


class Phase(Enum):
    SCAN = "scan"
    BACKUP = "backup"
    RESTORE = "restore"
    VERIFY = "verify"
    CHECK = "check"
    PRUNE = "prune"
    REPLICATE = "replicate"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of long work; totals are 0 as long as they are unknown."""

    phase: Phase
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    current: str = ""
    warnings: int = 0


OnProgress = Callable[[Progress], None]


def no_progress(_: Progress) -> None:
    """Tell nobody."""


class SkipReason(Enum):
    """Why an item is not in the point, or not as it should be; codes of the source documents."""

    DAMAGED = "0x80070570"
    VANISHED = "0x80070002"
    PATH_GONE = "0x80070003"
    DENIED = "0x80070005"
    OFFLINE = "0x8007018b"
    CHANGED = "changed"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


# The sentence a person reads beside the code.
SKIP_SENTENCES: dict[SkipReason, str] = {
    SkipReason.DAMAGED: N_(
        "damaged and unreadable: check the disk with `dmesg` and a read-only fsck"
    ),
    SkipReason.VANISHED: N_("vanished before it was read"),
    SkipReason.PATH_GONE: N_("its folder vanished before it was read"),
    SkipReason.DENIED: N_("access denied: look for an LSM, missing rights or an immutable flag"),
    SkipReason.OFFLINE: N_("lies on storage that is offline or remote and does not answer"),
    SkipReason.CHANGED: N_("changed while it was read; what was read is in the point"),
    SkipReason.UNSUPPORTED: N_("a kind of item that cannot be backed up"),
    SkipReason.OTHER: N_("could not be read"),
}

_BY_ERRNO = {
    errno.EIO: SkipReason.DAMAGED,
    errno.EUCLEAN: SkipReason.DAMAGED,
    errno.EBADMSG: SkipReason.DAMAGED,
    errno.ENOENT: SkipReason.VANISHED,
    errno.ENOTDIR: SkipReason.PATH_GONE,
    errno.EACCES: SkipReason.DENIED,
    errno.EPERM: SkipReason.DENIED,
    errno.EILSEQ: SkipReason.UNSUPPORTED,
    errno.ESTALE: SkipReason.OFFLINE,
    errno.ENOTCONN: SkipReason.OFFLINE,
    errno.EHOSTDOWN: SkipReason.OFFLINE,
    errno.ETIMEDOUT: SkipReason.OFFLINE,
    errno.EREMOTEIO: SkipReason.OFFLINE,
}


def reason_of(number: int) -> SkipReason:
    return _BY_ERRNO.get(number, SkipReason.OTHER)


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """One item a job could not treat as it should."""

    path: bytes
    errno: int
    reason: SkipReason
    detail: str = ""


class BackupReport(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: SnapshotId
    parent: SnapshotId | None
    summary: Summary
    seconds: float
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()


class RestoreReport(msgspec.Struct, kw_only=True):
    """Counts of a restore; filled while it runs."""

    files: int = 0
    folders: int = 0
    others: int = 0
    files_unchanged: int = 0
    deleted: int = 0
    bytes_written: int = 0
    bytes_total: int = 0
    bytes_verified: int = 0
    seconds: float = 0.0
    problems: list[Skipped] = msgspec.field(default_factory=list)
