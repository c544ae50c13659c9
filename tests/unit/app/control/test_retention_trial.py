"""What a policy would keep, had it run all the time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.retention_trial import RetentionTrial, tried, try_policy
from holdfast.fleet.policy_reading import read_policy
from holdfast.testing.planes import add_person
from tests.unit.app.control.policies_ground import Ground, body

# A Saturday.
NOON = datetime(2026, 8, 15, 12, 0, tzinfo=UTC)


def kept(*retention: str, **more: Any) -> RetentionTrial:
    return tried(read_policy(body(*retention, **more)), now=NOON)


def counts(found: RetentionTrial) -> dict[str, int]:
    return {one.rule: one.points for one in found.rules}


def test_each_rule_has_as_many_points_as_it_names() -> None:
    found = kept("daily 7", "weekly 4", "monthly 12", "yearly 3")

    assert counts(found) == {"daily 7": 7, "weekly 4": 4, "monthly 12": 12, "yearly 3": 3}
    assert found.oldest_at == datetime(2024, 12, 31, 2, 0, tzinfo=UTC)
    assert (found.is_forever, found.is_thinned) == (False, False)


def test_points_are_listed_newest_first_and_a_point_may_be_held_by_several_rules() -> None:
    found = kept("daily 2", "weekly 1")

    assert [one.taken_at.day for one in found.points] == [15, 14]
    assert [hold.rule for hold in found.points[0].holds] == ["daily 2", "weekly 1"]
    assert found.count == 2


def test_a_rule_of_days_reaches_back_over_the_pauses_of_a_weekly_schedule() -> None:
    found = kept("daily 7", schedule="sun 03:00")

    assert counts(found) == {"daily 7": 7}
    assert found.oldest_at == datetime(2026, 6, 28, 3, 0, tzinfo=UTC)


def test_a_day_of_its_own_is_honoured() -> None:
    found = kept("monthly 6 on last sat")

    assert counts(found) == {"monthly 6 on last sat": 6, "newest": 1}
    assert all(one.taken_at.weekday() == 5 for one in found.points[1:])


def test_runs_that_come_often_are_all_there_where_a_rule_tells_them_apart() -> None:
    found = kept("hourly 48", "within 3d", schedule="every 15m")

    assert counts(found)["hourly 48"] == 48
    assert counts(found)["within 3d"] == 3 * 24 * 4
    assert not found.is_thinned


def test_the_last_ones_need_no_time_span() -> None:
    found = kept("last 30", schedule="monthly first sun 02:00")

    assert counts(found) == {"last 30": 30}


def test_so_many_runs_are_thinned_and_it_says_so() -> None:
    found = kept("within 1y", schedule="every 15m")

    assert found.is_thinned
    assert len(found.points) == 1000
    assert found.count > 5000


def test_without_a_rule_everything_is_kept_for_ever() -> None:
    found = kept()

    assert found.is_forever
    assert found.count > 365


def test_the_next_runs_are_named() -> None:
    found = kept("daily 7")

    assert found.next_runs[0] == NOON.replace(hour=2) + timedelta(days=1)
    assert len(found.next_runs) == 5


def test_what_the_vault_would_refuse_is_said(tmp_path: Path) -> None:
    ground = Ground(tmp_path)

    found = try_policy(ground.plane, ground.admin, ground.vault, body("daily 1"))

    assert found.refused is not None
    assert counts(found) == {"daily 1": 1}


def test_strangers_try_nothing_out(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    stranger = add_person(ground.plane).actor

    with pytest.raises(NotAllowed):
        try_policy(ground.plane, stranger, ground.vault, body("daily 7"))
