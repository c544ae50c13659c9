"""The whole report as values: nothing here looks at a machine, a link or a clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.replication.planner.copy_batches import Batch, ToCopy, plan_batches
from holdfast.replication.planner.link_queue import Logs, needed_rate, percentile, ship
from holdfast.replication.planner.machine_facts import MachineFacts
from holdfast.replication.planner.machine_plan import (
    INTERVALS,
    Assumed,
    MachinePlan,
    delta_room,
    initial_room,
    logs_of,
    plan_machine,
)
from holdfast.replication.planner.samples import AGES, MINUTE
from holdfast.replication.planner.series import (
    Profile,
    Total,
    age_for,
    shipped_by_minute,
    without_disks,
    written_by_minute,
)

_DAY = 86400.0
_MOST_OF_THE_TIME = 0.9
# What-if rates beside the one that was given, as shares of what is needed.
_SHARES = (1.0, 0.75, 0.5, 0.25)
# The file system of the logs warns at this share, see replication.spool_guard.
_SPOOL_SHARE = 0.30
_NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a link must carry for a copy each so often; None where too little was seen to say.

    Rates are bytes a second.
    """

    interval: int
    always: float | None
    mostly: float | None
    percentile: float | None
    mean: float | None
    shipped_per_day: float
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it would go with one link and one interval; times are seconds."""

    interval: int
    met: float
    late_per_day: float
    late_seconds_per_day: float
    worst_age: float
    percentile_age: float
    peak_queue: float
    is_overrun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    rate: float
    is_given: bool
    outcomes: tuple[Outcome, ...]

    @property
    def achievable(self) -> Outcome | None:
        """The interval with which the site is never older than with any other."""
        possible = [one for one in self.outcomes if not one.is_overrun]
        return min(possible, key=lambda one: one.worst_age, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A link that was tried."""

    at: datetime
    site: str
    rate: float
    round_trip_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    assumed: Assumed = field(default_factory=Assumed)
    # Bytes a second; None: it is reckoned with what was measured, or with what is needed.
    bandwidth: float | None = None
    # What logs may take on this host's file system; None: unknown.
    free: int | None = None
    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    wish: Wish
    # Numbers of minutes since 1970.
    first_minute: int
    last_minute: int
    # The share of machine-minutes that nobody saw, and that have their machine's mean.
    made_up: float
    machines: tuple[MachinePlan, ...]
    needs: tuple[Need, ...]
    what_if: tuple[WhatIf, ...]
    # With which the first copies are reckoned.
    rate: float
    batches: tuple[Batch, ...]
    # Of all machines, bytes by minute: written, and shipped at the chosen interval.
    written: Mapping[int, float]
    shipped: Mapping[int, float]

    @property
    def able(self) -> tuple[MachinePlan, ...]:
        """The machines that can be replicated, at least in part."""
        return tuple(one for one in self.machines if one.facts.extent != _NOT)

    @property
    def site(self) -> int:
        return sum(one.site for one in self.able)

    @property
    def spool(self) -> int:
        return sum(one.spool for one in self.able)

    @property
    def scratch(self) -> int:
        return sum(one.scratch for one in self.able)

    def need(self, interval: int) -> Need | None:
        return next((one for one in self.needs if one.interval == interval), None)


class _Seen:
    """Profiles, taken in one by one: those of many machines and weeks do not fit into memory."""

    def __init__(self, assumed: Assumed) -> None:
        self._assumed = assumed
        self.machines: list[MachinePlan] = []
        self.first = self.last = 0
        self.written = Total()
        self._shipped = {age: Total() for age in AGES}

    def add(self, facts: MachineFacts, profile: Profile) -> None:
        first, last = min(profile.minutes), max(profile.minutes)
        self.first = min(self.first, first) if self.machines else first
        self.last = max(self.last, last)
        self.machines.append(plan_machine(facts, profile, self._assumed))
        if facts.extent == _NOT:
            return
        self.written.add(written_by_minute(profile))
        for age, total in self._shipped.items():
            total.add(shipped_by_minute(profile, age))

    def shipped(self) -> dict[int, dict[int, float]]:
        """By interval; those that are reckoned from the same windows have the same."""
        known = {age: total.series() for age, total in self._shipped.items()}
        intervals = sorted({*INTERVALS, self._assumed.interval})
        return {interval: known[age_for(interval)] for interval in intervals}


def make_plan(profiles: Iterable[tuple[MachineFacts, Profile]], wish: Wish) -> Plan:
    """Of machines of which something was seen; who cannot be replicated needs no link."""
    assumed, seen = wish.assumed, _Seen(wish.assumed)
    for facts, profile in profiles:
        if not profile.is_empty:
            seen.add(facts, _taken(facts, profile))
    written, shipped = seen.written.series(), seen.shipped()
    logs = {n: logs_of(series, n, assumed) for n, series in shipped.items()}
    needs = tuple(_need(logs[n], written, shipped[n], assumed) for n in logs)
    rate = wish.bandwidth or _measured(wish) or _enough(needs, assumed)
    return Plan(
        wish=wish,
        first_minute=seen.first,
        last_minute=seen.last,
        made_up=seen.written.made_up,
        machines=tuple(seen.machines),
        needs=needs,
        what_if=tuple(_what_if(rate, list(logs.values()), wish) for rate in _rates(needs, wish)),
        rate=rate,
        batches=tuple(_batches(seen.machines, rate, wish)),
        written=written,
        shipped=shipped[assumed.interval],
    )


def _taken(facts: MachineFacts, profile: Profile) -> Profile:
    """Without disks that are left out of a replication; of one that came later nobody knows."""
    out = {disk.target for disk in facts.disks} - {disk.target for disk in facts.taken_disks}
    return without_disks(profile, out) if out else profile


def _need(
    logs: Logs, written: Mapping[int, float], shipped: Mapping[int, float], assumed: Assumed
) -> Need:
    total = sum(shipped.values())
    days = len(shipped) * MINUTE / _DAY
    sizes = [size / logs.interval for stretch in logs.stretches for size in stretch]
    return Need(
        interval=round(logs.interval),
        always=needed_rate(logs) if sizes else None,
        mostly=needed_rate(logs, _MOST_OF_THE_TIME) if sizes else None,
        percentile=percentile(sizes, assumed.percent) if sizes else None,
        mean=sum(sizes) / len(sizes) if sizes else None,
        shipped_per_day=total * assumed.factor / days if days else 0.0,
        gain=sum(written.values()) / total if total else 1.0,
    )


def _measured(wish: Wish) -> float:
    """What was measured last."""
    newest = max(wish.measured, key=lambda one: one.at, default=None)
    return newest.rate if newest else 0.0


def _enough(needs: Sequence[Need], assumed: Assumed) -> float:
    return next((one.always or 0.0 for one in needs if one.interval == assumed.interval), 0.0)


def _rates(needs: Sequence[Need], wish: Wish) -> list[float]:
    enough = _enough(needs, wish.assumed)
    given = wish.bandwidth or _measured(wish)
    found = {enough * share for share in _SHARES} | ({given} if given else set())
    return sorted((rate for rate in found if rate > 0), reverse=True)


def _what_if(rate: float, logs: Sequence[Logs], wish: Wish) -> WhatIf:
    given = wish.bandwidth or _measured(wish)
    return WhatIf(
        rate=rate,
        is_given=rate == given,
        outcomes=tuple(_outcome(each, rate, wish.assumed) for each in logs if each.count),
    )


def _outcome(logs: Logs, rate: float, assumed: Assumed) -> Outcome:
    shipping = ship(logs, rate)
    days = shipping.seconds / _DAY
    return Outcome(
        interval=round(logs.interval),
        met=shipping.met,
        late_per_day=shipping.late / days,
        late_seconds_per_day=min(shipping.late_seconds / days, _DAY),
        worst_age=shipping.worst_age,
        percentile_age=percentile(shipping.ages, assumed.percent),
        peak_queue=shipping.peak_queue,
        is_overrun=shipping.is_overrun,
    )


def _batches(machines: Sequence[MachinePlan], rate: float, wish: Wish) -> list[Batch]:
    waiting = [
        ToCopy(
            name=one.facts.name,
            size=one.first_copy,
            rate=one.rate_mean,
            initial_room=initial_room(one),
            delta_room=delta_room(one),
        )
        for one in machines
        if one.facts.extent != _NOT
    ]
    free = None if wish.free is None else int(wish.free * _SPOOL_SHARE)
    return plan_batches(waiting, rate=rate, free=free)
