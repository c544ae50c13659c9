"""Machines that were profiled, for tests of what a report makes of them."""

from datetime import UTC, datetime
from typing import Any

from holdfast.base.units import GIB, MIB
from holdfast.replication.planner.machine_facts import DiskFacts, MachineFacts, Measure
from holdfast.replication.planner.samples import AGES, MINUTE, Dirty, Line, Minute, Window, Written
from holdfast.replication.planner.series import Profile, read_profile

# A full hour.
BEGIN = 1_767_268_800
# Two moments, one after the other.
NOW = (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))


def facts(name: str = "web", **changes: Any) -> MachineFacts:
    known: dict[str, Any] = {
        "uuid": f"u-{name}",
        "name": name,
        "host": "qemu:///system",
        "seen_at": datetime(2026, 1, 1, tzinfo=UTC),
        "disks": (
            DiskFacts(target="vda", size=10 * GIB, allocated=4 * GIB, measure=Measure.UNIQUE),
        ),
        "consistency": "application",
    }
    return MachineFacts(**known | changes)


def profile(
    *rates: float,
    unique: float = 0.5,
    target: str = "vda",
    begin: int = BEGIN,
    windows: bool = True,
) -> Profile:
    """Of so many MiB a minute, of which this share differs in the end, whatever the interval is."""
    lines: list[Line] = []
    for number, rate in enumerate(rates):
        at, written = begin + number * MINUTE, int(rate * MIB)
        disks = {target: Written(bytes=written, requests=written // 4096)}
        lines.append(Minute(at=at, seconds=MINUTE, peak=written // 30, disks=disks))
        if windows and number % 15 == 0:
            dirty = Dirty(unique=int(written * unique), written=written)
            lines += [Window(at=at, seconds=age, age=age, disks={target: dirty}) for age in AGES]
    return read_profile(lines, begin=0, end=float("inf"))
