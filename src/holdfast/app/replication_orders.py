"""Pause, resume and resync: wishes that are kept, and taken up by whoever is at work."""

from datetime import datetime

from holdfast.app.replication_process import Work, at_work
from holdfast.app.replication_wanted import find_settings
from holdfast.app.wiring import Session, identity_here
from holdfast.replication import replicator_wishes as wishes
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SourceFolder


def pause(session: Session, vm: str) -> tuple[str, bool]:
    """The machine's name, and whether something on this host takes the wish up."""
    settings, folder = _found(session, vm)
    wishes.pause(folder, session.clock, who=who_asks())
    return settings.name, is_followed(session)


def resume(session: Session, vm: str) -> tuple[str, bool]:
    settings, folder = _found(session, vm)
    wishes.resume(folder, session.clock)
    return settings.name, is_followed(session)


def resync(session: Session, vm: str, *, at: datetime | None, now: bool) -> tuple[str, bool]:
    settings, folder = _found(session, vm)
    wishes.ask_for_resync(folder, session.clock, who=who_asks(), at=at, is_now=now)
    return settings.name, is_followed(session)


def is_followed(session: Session) -> bool:
    return at_work(session.settings.home, Work.RUN) is not None


def who_asks() -> str:
    here = identity_here()
    return f"{here.username}@{here.hostname}"


def _found(session: Session, vm: str) -> tuple[ReplicationSettings, SourceFolder]:
    settings = find_settings(session.settings.home, vm)
    return settings, SourceFolder(session.settings.home, settings.vm)
