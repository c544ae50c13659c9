"""The report of the planner, out of the profiles that are there; no host is asked."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.wiring import Session
from holdfast.replication.planner.machine_facts import MachineFacts
from holdfast.replication.planner.machine_plan import Assumed
from holdfast.replication.planner.planning import Measured, Plan, Wish, make_plan
from holdfast.replication.planner.probes import kept_probes
from holdfast.replication.planner.profile_errors import NothingProfiled
from holdfast.replication.planner.profile_folder import all_profiles
from holdfast.replication.planner.series import Profile, read_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWish:
    assumed: Assumed
    # Bytes a second; None: as a probe has measured it, or as is needed.
    bandwidth: float | None = None
    begin: datetime | None = None
    end: datetime | None = None


def report(session: Session, wish: ReportWish) -> Plan:
    home = session.settings.home
    measured = [
        Measured(
            at=line.at,
            site=line.site,
            rate=line.rate,
            round_trip_seconds=line.round_trip_seconds,
        )
        for line in kept_probes(home)
    ]
    plan = make_plan(
        _profiles(home, wish),
        Wish(
            assumed=wish.assumed,
            bandwidth=wish.bandwidth,
            free=_free(home),
            measured=tuple(measured),
        ),
    )
    if not plan.machines:
        raise NothingProfiled
    return plan


def _profiles(home: str, wish: ReportWish) -> Iterator[tuple[MachineFacts, Profile]]:
    begin = wish.begin.timestamp() if wish.begin else 0.0
    end = wish.end.timestamp() if wish.end else float("inf")
    for folder in all_profiles(home):
        facts = folder.machine()
        if facts is not None:
            yield facts, read_profile(folder.lines(), begin=begin, end=end)


def _free(home: str) -> int | None:
    """On the file system of the logs."""
    with contextlib.suppress(OSError):
        found = os.statvfs(home)
        return found.f_bavail * found.f_frsize
    return None
