"""A policy: when to back up, what to keep, how to verify, when to free space, how fast to send.

It is JSON, and its values are what people type: `daily 02:00`, `weekly 4 on sat`, `1h`, `10M`.
`policy_reading` refuses whatever it does not understand before a policy is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from holdfast.base.units import parse_duration, parse_size
from holdfast.fleet.local_time import read_zone
from holdfast.fleet.policy_errors import PolicyNotUnderstood
from holdfast.fleet.retention_text import parse_retention, retain_arguments
from holdfast.fleet.retrying import FIRST, RETRIES, THEN, read_waits
from holdfast.fleet.schedule import Timing
from holdfast.fleet.schedule_text import parse_schedule
from holdfast.fleet.windows import Rate, Window, parse_window, stretch_around
from holdfast.vault.policy.retention_rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Check the repository, and read so much of it: "5%", "1/7", "20G"; none is structure only."""

    schedule: str = "sun 05:00"
    read_data: str | None = "5%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Free what no point needs. It begins only inside the windows; none is any time."""

    schedule: str = "sun 04:00"
    windows: list[str] = field(default_factory=list)
    max_unused: str = "5%"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthWindow:
    when: str
    # Bytes a second, as in "10M"; "0" is a pause, null no limit.
    rate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """The first window that holds counts; outside all of them the default."""

    default: str | None = None
    windows: list[BandwidthWindow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """After a failure that may pass: the first waits one by one, then always the last."""

    first: list[str] = field(default_factory=lambda: list(FIRST))
    then: str = THEN
    most: int = RETRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    # A run that takes longer is stopped; what it has stored already is not sent again.
    longest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    schedule: str
    zone: str = "UTC"
    jitter: str = "0s"
    # Over how long the virtual machines of one assignment are spread; null: half of the time to
    # the next run, fifteen minutes at most.
    spread: str | None = None
    catch_up: bool = True
    catch_up_within: str | None = None
    blackouts: list[str] = field(default_factory=list)
    in_blackout: Literal["put-off", "skip"] = "put-off"
    # No rule keeps everything.
    retention: list[str] = field(default_factory=list)
    verification: Verification | None = None
    prune: Prune | None = None
    bandwidth: Bandwidth | None = None
    retry: Retry = field(default_factory=Retry)
    limits: Limits = field(default_factory=Limits)

    @property
    def place(self) -> ZoneInfo:
        return read_zone(self.zone)

    @property
    def timing(self) -> Timing:
        """Of the backup."""
        return self._timing(self.schedule, tuple(map(parse_window, self.blackouts)))

    @property
    def verification_timing(self) -> Timing | None:
        return self._timing(self.verification.schedule) if self.verification else None

    @property
    def prune_timing(self) -> Timing | None:
        return self._timing(self.prune.schedule) if self.prune else None

    @property
    def rules(self) -> tuple[Rule, ...]:
        return parse_retention(self.retention)

    @property
    def retain_arguments(self) -> dict[str, list[str]]:
        """Of a retain job: {"keep_daily": ["7"], …}; empty: nothing is to be forgotten."""
        return retain_arguments(self.retention)

    @property
    def rates(self) -> tuple[Rate, ...]:
        windows = self.bandwidth.windows if self.bandwidth else []
        return tuple(Rate(window=parse_window(w.when), rate=_rate(w.rate)) for w in windows)

    @property
    def default_rate(self) -> int | None:
        return _rate(self.bandwidth.default) if self.bandwidth else None

    @property
    def longest_run(self) -> timedelta | None:
        return parse_duration(self.limits.longest) if self.limits.longest else None

    @property
    def waits(self) -> tuple[timedelta, ...]:
        """After each failure that may pass, as `retrying.wait_after` reads them."""
        return read_waits(self.retry.first, self.retry.then)

    def may_prune(self, now: datetime) -> bool:
        """Whether a prune may begin at this moment."""
        windows = tuple(map(parse_window, self.prune.windows)) if self.prune else ()
        return not windows or stretch_around(windows, now, self.place) is not None

    def _timing(self, schedule: str, blackouts: tuple[Window, ...] = ()) -> Timing:
        within = self.catch_up_within
        return Timing(
            schedule=parse_schedule(schedule),
            zone=self.place,
            jitter=parse_duration(self.jitter),
            blackouts=blackouts,
            skips_blackouts=self.in_blackout == "skip",
            catches_up=self.catch_up,
            catch_up_within=parse_duration(within) if within else None,
            spread=parse_duration(self.spread) if self.spread is not None else None,
        )


def known_policy(body: Mapping[str, Any]) -> Policy:
    """A policy that was read before, by a neighbouring version perhaps: what it added is ignored."""
    try:
        return msgspec.convert(dict(body), Policy)
    except msgspec.ValidationError as err:
        reason, _at, place = str(err).partition(" - at ")
        raise PolicyNotUnderstood(place=place.strip("`") or "$", reason=reason) from err


def policy_body(policy: Policy) -> dict[str, Any]:
    body = msgspec.to_builtins(policy)
    assert isinstance(body, dict)
    return body


# Folders whose content nobody gets back by installing a machine anew.
WORTHY = ("/etc", "/home", "/root", "/srv", "/opt", "/usr/local", "/var/spool/cron")


def propose(name: str = "default", zone: str = "UTC") -> Policy:
    """What suits most servers: once a night, a year of months, verified and pruned on Sundays."""
    return Policy(
        name=name,
        schedule="daily 02:00",
        zone=zone,
        jitter="1h",
        retention=["daily 7", "weekly 4", "monthly 12"],
        verification=Verification(),
        prune=Prune(),
    )


def _rate(text: str | None) -> int | None:
    return None if text is None else parse_size(text)
