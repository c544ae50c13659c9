"""What one machine needs: of the link, of room here for logs, and of room at the other site."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.base.units import GIB, MIB
from holdfast.replication.planner.kept_points import kept_distances
from holdfast.replication.planner.link_queue import Logs, needed_rate, percentile
from holdfast.replication.planner.machine_facts import MachineFacts, Measure
from holdfast.replication.planner.samples import MINUTE
from holdfast.replication.planner.series import (
    Profile,
    requests_by_minute,
    shipped_by_minute,
    stretches,
    written_by_minute,
)

# For which it is reckoned how often a copy may be made.
INTERVALS = (30, 300, 900, 1800, 3600)
# Four that wait before they are merged, and the one that is being made.
_LOGS = 5
# A first copy goes by pieces of this size.
_SLICE = GIB
# How fast changes are read out of a disk, on storage that is not the best.
_READ_RATE = 100.0 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What a report is reckoned with; growth is a share, so 0.3 is 30 % more than was seen."""

    interval: int = 900
    growth: float = 0.3
    percent: float = 95.0
    hours: int = 24
    most_points: int = 50

    @property
    def factor(self) -> float:
        return 1.0 + self.growth


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much was seen: of it, and of the time from its first to its last minute."""

    seconds: float
    # Minutes between that nobody saw.
    gaps: int
    # Disks whose unique changes were measured, and those of which only what was written is known.
    unique: tuple[str, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePlan:
    """Rates are bytes a second and grown, except where it says `seen`."""

    facts: MachineFacts
    coverage: Coverage
    written_mean_seen: float
    written_percentile_seen: float
    # In the busiest poll.
    written_peak_seen: float
    requests_peak_seen: float
    # Bytes written for each byte that a cycle ships, by interval.
    gains: Mapping[int, float]
    # What cycles ship, at the chosen interval.
    rate_mean: float
    rate_needed: float
    first_copy: int
    spool: int
    scratch: int
    site: int


def plan_machine(facts: MachineFacts, profile: Profile, assumed: Assumed) -> MachinePlan:
    written = written_by_minute(profile)
    rates = [size / MINUTE for size in written.values()]
    logs = logs_of(shipped_by_minute(profile, assumed.interval), assumed.interval, assumed)
    size = sum(disk.size for disk in facts.taken_disks)
    first = sum(disk.allocated for disk in facts.taken_disks)
    peak = max([*rates, *(float(minute.peak) for minute in profile.minutes.values())], default=0.0)
    log = int(min(logs.greatest, size))
    return MachinePlan(
        facts=facts,
        coverage=_coverage(facts, profile),
        written_mean_seen=sum(rates) / len(rates) if rates else 0.0,
        written_percentile_seen=percentile(rates, assumed.percent),
        written_peak_seen=peak,
        requests_peak_seen=max(requests_by_minute(profile).values(), default=0.0) / MINUTE,
        gains={interval: gain(profile, interval) for interval in INTERVALS},
        rate_mean=logs.total / logs.seconds if logs.seconds else 0.0,
        rate_needed=needed_rate(logs),
        first_copy=first,
        spool=min(_LOGS * log, 2 * size),
        scratch=_scratch(peak * assumed.factor, log, size),
        site=int(first * assumed.factor) + _layers(profile, assumed, size),
    )


def logs_of(shipped: Mapping[int, float], interval: float, assumed: Assumed) -> Logs:
    """As they would be after the growth."""
    grown = {number: size * assumed.factor for number, size in shipped.items()}
    return Logs(interval=interval, stretches=stretches(grown, interval))


def gain(profile: Profile, interval: int) -> float:
    shipped = sum(shipped_by_minute(profile, interval).values())
    written = sum(written_by_minute(profile).values())
    return written / shipped if shipped else 1.0


def initial_room(plan: MachinePlan) -> int:
    """A piece of the first copy that waits, one that is made, and what is overwritten meanwhile."""
    return 2 * min(_SLICE, plan.first_copy) + plan.scratch


def delta_room(plan: MachinePlan) -> int:
    return plan.spool + plan.scratch


def _scratch(peak: float, log: int, size: int) -> int:
    """What the guest overwrites while its changes are read, at its busiest."""
    seconds = max(log, min(size, _SLICE)) / _READ_RATE
    return min(int(peak * seconds), size)


def _layers(profile: Profile, assumed: Assumed, size: int) -> int:
    """All points at the site; a layer is never larger than the disks."""
    distances = kept_distances(
        interval=assumed.interval, hours=assumed.hours, most=assumed.most_points
    )
    rates: dict[int, float] = {}
    for distance in set(distances):
        shipped = shipped_by_minute(profile, distance)
        mean = sum(shipped.values()) / (len(shipped) * MINUTE) if shipped else 0.0
        rates[distance] = mean * assumed.factor
    return int(sum(min(rates[distance] * distance, size) for distance in distances))


def _coverage(facts: MachineFacts, profile: Profile) -> Coverage:
    measured = {target for window in profile.windows for target in window.disks}
    taken = facts.taken_disks
    unique = [d.target for d in taken if d.measure is Measure.UNIQUE and d.target in measured]
    numbers = profile.minutes.keys()
    span = max(numbers) - min(numbers) + 1 if numbers else 0
    return Coverage(
        seconds=sum(min(minute.seconds, MINUTE) for minute in profile.minutes.values()),
        gaps=span - len(numbers),
        unique=tuple(unique),
        written=tuple(disk.target for disk in taken if disk.target not in unique),
    )
