"""The log of a replication: to be read, and to be made longer."""

from collections.abc import Iterator
from pathlib import Path

from holdfast.app.replication_wanted import find_settings
from holdfast.app.wiring import Session
from holdfast.replication.event_log import Entry, read_log, set_tracing
from holdfast.replication.source_folder import SourceFolder


def log_of(session: Session, vm: str) -> Iterator[Entry]:
    return read_log(_folder(session, vm)[1])


def trace(session: Session, vm: str, *, is_on: bool) -> str:
    """The machine's name."""
    name, folder = _folder(session, vm)
    set_tracing(folder, is_on=is_on)
    return name


def _folder(session: Session, vm: str) -> tuple[str, Path]:
    settings = find_settings(session.settings.home, vm)
    return settings.name, SourceFolder(session.settings.home, settings.vm).path
