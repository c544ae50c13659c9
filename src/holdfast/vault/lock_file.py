"""Lock files: who works on a repository. Format: restic design document, "Locks"."""

from datetime import datetime

import msgspec

from holdfast.base.ids import LockId
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.layout import LOCKS
from holdfast.vault.snapshot import parse_moment


class ProcessMark(msgspec.Struct, frozen=True):
    """Tells a process from all others, also from one that got its number later.

    restic ignores the field; where it is missing, a process can only be guessed by its number.
    """

    boot: str
    namespace: int
    started: int


class LockFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    time: str
    exclusive: bool
    hostname: str
    username: str
    pid: int
    uid: int = 0
    gid: int = 0
    holdfast: ProcessMark | None = None


class Lock(msgspec.Struct, frozen=True):
    """A lock as it was found."""

    id: LockId
    taken_at: datetime
    stored: LockFile

    @property
    def holder(self) -> str:
        return f"{self.stored.username}@{self.stored.hostname}, process {self.stored.pid}"


def encode_lock(stored: LockFile) -> bytes:
    return msgspec.json.encode(stored)


def parse_lock(name: LockId, content: bytes | bytearray) -> Lock:
    try:
        stored = msgspec.json.decode(content, type=LockFile)
        return Lock(name, parse_moment(stored.time), stored)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise FileUnreadable(name=f"{LOCKS}/{name}", reason=err) from err
