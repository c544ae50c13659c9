"""The replications of this host as they are now: what is set, and what their status says by now."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.base.errors import HoldfastError
from holdfast.replication.judged_status import as_of
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SETTINGS, SourceFolder, replicated_here
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.status_file import read_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One replication; `error` is why its status could not be read."""

    settings: ReplicationSettings
    status: ReplicationStatus
    error: HoldfastError | None = None


def look_at(home: str, uuid: str, now: datetime) -> Look | None:
    """None where none is set; without a status yet, it is one that waits to begin."""
    folder = SourceFolder(home, uuid)
    settings = folder.settings()
    if settings is None:
        return None
    error: HoldfastError | None = None
    status: ReplicationStatus | None = None
    try:
        status = read_status(folder.path)
    except HoldfastError as err:
        error = err
    status = status or _none_yet(settings, _set_at(folder, now))
    limits = settings.thresholds
    return Look(
        settings=settings,
        status=as_of(status, now, every=settings.every, thresholds=limits),
        error=error,
    )


def look_at_all(home: str, now: datetime) -> Iterator[Look]:
    """By name."""
    found = (look_at(home, uuid, now) for uuid in replicated_here(home))
    yield from sorted((each for each in found if each), key=lambda each: each.settings.name)


def _none_yet(settings: ReplicationSettings, since: datetime) -> ReplicationStatus:
    return ReplicationStatus(
        vm=settings.vm,
        name=settings.name,
        site=settings.to.site,
        state=State.PAUSED if settings.paused else State.READY_FOR_INITIAL_COPY,
        updated_at=since,
        paused=settings.paused,
    )


def _set_at(folder: SourceFolder, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(os.stat(folder.path / SETTINGS).st_mtime, UTC)
    except OSError:
        return now
