"""Replicas that were removed and can be had back for some days: folders of a name of their own.

    .away-UUID-SECONDS     until when, in seconds of the epoch; what is in it is as it was

Each is put away, and put back, in one step. Where a machine lives on in the folder of its replica
all but that is moved, and replica.json so that what is half moved is no replica yet, or no more.
"""

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.replication.replica_errors import ReplicaThere
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.replica_folder import ReplicaFolder, remove_folder, site_errors
from holdfast.storage.durable import sync_folder

# How long a person has to notice that it was the wrong one.
GRACE = timedelta(days=7)
# Whoever first sees one when its time is over waits: a clock that is wrong may be set right.
_LEAST_SEEN = timedelta(hours=1)
_NAME = re.compile(r"\.away-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """One of them; without facts where replica.json cannot be read."""

    path: Path
    vm: str
    until: datetime
    facts: ReplicaFacts | None

    @property
    def name(self) -> str:
        return self.facts.name if self.facts else self.vm

    @property
    def points(self) -> tuple[ReplicaPoint, ...]:
        return self.facts.points if self.facts else ()


def away_path(site: Path, vm: str, until: datetime) -> Path:
    """Of one that is put away now; never where another lies."""
    seconds = int(until.timestamp())
    while (path := site / f".away-{vm}-{seconds}").exists():
        seconds += 1
    return path


def list_away(site: Path) -> list[Away]:
    """Those that go first come first."""
    with site_errors(site), contextlib.suppress(FileNotFoundError):
        found = [_read(site, name) for name in os.listdir(site)]
        return sorted((each for each in found if each), key=lambda each: each.until)
    return []


def put_back(site: Path, away: Away) -> None:
    """Its points are points again; refused where there is a replica of the machine already."""
    folder = ReplicaFolder(site, away.vm)
    with site_errors(site):
        if folder.is_there():
            raise ReplicaThere(about=away.name, site=site)
        if folder.path.exists():
            folder.fill_from(away.path)
        else:
            away.path.rename(folder.path)
        sync_folder(site)


def purge(away: Away) -> None:
    """For good."""
    with site_errors(away.path):
        remove_folder(away.path)


class Sighting(NamedTuple):
    """When this process first saw one, by the clock nobody sets, and how long it was to stay then.

    What is purged is gone for good, and the wall clock alone, set a week ahead, would do it.
    """

    monotonic: float
    left: timedelta

    def is_over(self, monotonic: float) -> bool:
        return timedelta(seconds=monotonic - self.monotonic) >= self.left


def sighted(
    found: Sequence[Away], before: Mapping[Path, Sighting], now: datetime, monotonic: float
) -> dict[Path, Sighting]:
    """Of each that is there, when it was first seen."""
    return {
        each.path: before.get(each.path) or Sighting(monotonic, _left(each.until - now))
        for each in found
    }


def due_to_go(
    found: Sequence[Away], seen: Mapping[Path, Sighting], now: datetime, monotonic: float
) -> list[Away]:
    """Whose time is over by both clocks."""
    return [each for each in found if each.until <= now and seen[each.path].is_over(monotonic)]


def _left(until: timedelta) -> timedelta:
    """Never longer than one that is removed now, by a clock that may be years behind."""
    return max(_LEAST_SEEN, min(until, GRACE))


def _read(site: Path, name: str) -> Away | None:
    matched = _NAME.fullmatch(name)
    if matched is None:
        return None
    facts: ReplicaFacts | None = None
    with contextlib.suppress(HoldfastError):
        facts = ReplicaFolder(site, name).read().facts
    return Away(
        path=site / name,
        vm=matched[1],
        until=datetime.fromtimestamp(int(matched[2]), UTC),
        facts=facts,
    )
