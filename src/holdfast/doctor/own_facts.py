"""Facts about Holdfast itself, as its own probes write them: one JSON object per line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord(Fact):
    """How one job of this machine ended; `chain` are the errors under the one that was shown."""

    job: str
    # The place of its vault, "" where that is not told.
    vault: str = ""
    # done, warnings, failed, damage
    result: str
    ended: datetime | None = None
    error: str = ""
    chain: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchFolder(Fact):
    """The folder for caches, and the disk it lies on."""

    folder: str
    exists: bool
    writable: bool
    reason: str = ""
    # False: it was moved to another place once, and is not there.
    in_place: bool = True
    kind: str = ""
    is_remote: bool = False
    size: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPlace(Fact):
    """Where the vault should be, as far as one can see without its passphrase."""

    place: str
    # file for a folder, else the cloud's scheme
    kind: str
    exists: bool
    has_config: bool
    readable: bool = True
    writable: bool = True
    # The code of the error that looking at it ended with, and what was said.
    error: str = ""
    reason: str = ""
    size: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedItem(Fact):
    """An item the last backup left out."""

    path: str
    code: str
    errno: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStage(Fact):
    """A stage of the way to the vault; of other ways `Reach` tells."""

    target: str
    stage: str
    reached: bool
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultClock(Fact):
    """How far our clock is ahead of the vault's."""

    ahead: timedelta
