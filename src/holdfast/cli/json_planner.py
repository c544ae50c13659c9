"""The JSON lines of `holdfast planner`; rates are bytes a second."""

from typing import Any

from holdfast.cli.json_base import Event


class PlannerProbed(Event):
    """`planner profile --probe`: what the link to a site was seen to carry."""

    site: str
    at: str
    bytes_per_second: int
    round_trip_seconds: float
    # What was allowed; null where there was no limit.
    limit: int | None


class PlannerMachine(Event):
    """`planner profile`: a machine that is looked at."""

    vm: str
    uuid: str
    # Each with target, size, allocated, measure (unique, written) and why.
    disks: list[dict[str, Any]]


class PlannerProfiled(Event):
    """`planner profile` is over."""

    machines: int
    seconds: float
    # By all guests.
    written: int
    # Machines in which a record of changes is left until the next profile.
    left: list[str]


class PlannerReport(Event):
    """`planner report`: what a replication needs, with the growth that was asked for."""

    # The time that was seen, and what share of it was made up for machines not looked at.
    begin: str
    end: str
    made_up: float
    # The interval the rest is reckoned for, in seconds.
    interval: int
    growth: float
    percentile: float
    # What was given; null when nothing was.
    bandwidth: float | None
    # With which the first copies are reckoned.
    copy_rate: float
    # Each with interval, always, mostly (90 % of the time), percentile, mean, shipped_per_day, gain.
    needs: list[dict[str, Any]]
    # Each with rate, is_given, achievable_age and outcomes: interval, met, late_per_day,
    # late_seconds_per_day, worst_age, percentile_age, peak_queue, is_overrun. Ages that grow for
    # ever are null.
    what_if: list[dict[str, Any]]
    # In their order, each with machines, size, rate, seconds (null: never done), room, lacking.
    batches: list[dict[str, Any]]
    # Each with vm, uuid, extent, consistency, seen_seconds, gaps, unique, written, written_mean,
    # written_percentile, written_peak, requests_peak, rate_needed, rate_mean, gains, first_copy, site, spool, scratch
    # and remarks (code, weight, disk, message, remedy).
    machines: list[dict[str, Any]]
    # What was measured: each with site, at, rate, round_trip_seconds.
    probes: list[dict[str, Any]]
    # What is weak about these figures, in words.
    notes: list[str]
    # Files that were written.
    files: list[str]
