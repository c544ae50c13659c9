"""How fast this site takes logs in, from all sources together: kept here, whoever made it a site."""

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from holdfast.app.local_zone import local_zone
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_notes import read_note, write_note
from holdfast.app.wiring import Session
from holdfast.fleet.local_time import read_zone
from holdfast.replication.pace import Pace
from holdfast.replication.settings import Limit


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    limits: tuple[Limit, ...] = ()


def intake_limits(home: str) -> tuple[Limit, ...]:
    found = read_note(_note(home), Intake)
    return found.limits if found else ()


def put_intake_limits(home: str, limits: Sequence[Limit]) -> None:
    """Obeyed within a second, by a site that is at work."""
    write_note(_note(home), Intake(limits=tuple(limits)))


class IntakePace:
    """The pace of a site that is at work, as it is kept now."""

    def __init__(self, session: Session) -> None:
        self._home = session.settings.home
        self._limits = intake_limits(self._home)
        zone = _zone(session)
        self.pace = Pace(session.clock, self._limits, zone)

    def refresh(self) -> None:
        limits = intake_limits(self._home)
        if limits != self._limits:
            self._limits = limits
            self.pace.change(limits)


def _zone(session: Session) -> ZoneInfo:
    return read_zone(local_zone(session.settings.harmless.get("TZ", "")))


def _note(home: str) -> Path:
    return SiteFolder(home).path / "intake.json"
