"""Whether a machine is frozen for its next point: what was asked for, kept, and is due."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.app.vm_freeze_plan import FreezePlan, freeze_plan
from holdfast.app.vm_records import FreezeSettings, LastPoint
from holdfast.machines.points import Consistency

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def last(*, hours: float = 1, unfrozen: int = 0) -> LastPoint:
    frozen = NOW - timedelta(hours=hours)
    return LastPoint(at=NOW, consistency="filesystem", frozen_at=frozen, unfrozen=unfrozen)


def plan(
    kept: FreezeSettings,
    before: LastPoint | None = None,
    *,
    asked: bool | None = None,
    least: Consistency = Consistency.CRASH,
) -> str:
    """The code of the reason, empty where it is frozen."""
    found = freeze_plan(kept, before, now=NOW, asked=asked, least=least)
    return found.reason.code if found.reason else ""


def test_a_guest_is_frozen_unless_something_was_said() -> None:
    assert plan(FreezeSettings(), last()) == ""
    assert plan(FreezeSettings(never=True)) == "freeze-never"
    assert plan(FreezeSettings(), asked=False) == "freeze-not-asked"


def test_what_is_asked_for_this_time_counts_more() -> None:
    assert plan(FreezeSettings(never=True), asked=True) == ""
    assert plan(FreezeSettings(every=9), last(), asked=True) == ""


@pytest.mark.parametrize(
    ("unfrozen", "reason"), [(0, "freeze-not-due"), (1, "freeze-not-due"), (2, "")]
)
def test_each_third_point_is_frozen(unfrozen: int, reason: str) -> None:
    assert plan(FreezeSettings(every=3), last(unfrozen=unfrozen)) == reason


@pytest.mark.parametrize(("hours", "reason"), [(1, "freeze-not-due"), (5.9, ""), (7, ""), (-1, "")])
def test_it_is_frozen_when_its_time_has_passed_or_the_clock_was_put_back(
    hours: float, reason: str
) -> None:
    assert plan(FreezeSettings(every_seconds=6 * 3600), last(hours=hours)) == reason


def test_the_first_point_is_frozen_and_so_is_one_that_must_not_be_less() -> None:
    seldom = FreezeSettings(every=100)

    assert plan(seldom) == ""
    assert plan(seldom, LastPoint(at=NOW, consistency="crash", unfrozen=3)) == ""
    assert plan(seldom, last(), least=Consistency.FILESYSTEM) == ""


def test_the_mounts_that_are_kept_are_those_that_are_frozen() -> None:
    kept = FreezeSettings(mounts=("/", "/data"))

    found = freeze_plan(kept, None, now=NOW, asked=None, least=Consistency.CRASH)

    assert found == FreezePlan(mounts=("/", "/data"))
