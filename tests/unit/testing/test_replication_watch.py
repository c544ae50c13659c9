"""What a watch makes of what it sees: who was told, and which points are booted at its end."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.replication.status import Health, Reason, ReplicationStatus, State
from holdfast.testing.replication_watch import Followed, spread

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def seen(behind: int, *told: str) -> Followed:
    """One look at a machine that is so many seconds behind."""
    followed = Followed("web", "u-1", {})
    reasons = tuple(Reason(code=code, health=Health.WARNING, since=NOW) for code in told)
    status = ReplicationStatus(
        vm="u-1",
        name="web",
        site="south",
        state=State.REPLICATING,
        health=Health.WARNING if told else Health.NORMAL,
        reasons=reasons,
        updated_at=NOW,
        latest_at=NOW - timedelta(seconds=behind),
    )
    followed.note(status, NOW)
    return followed


def test_more_than_two_cycles_behind_must_be_told() -> None:
    assert seen(90).unwarned == ["12:00:00: 90 s behind"]
    assert seen(90, "rpo-high").unwarned == []
    assert seen(59).unwarned == []


def test_that_something_else_is_amiss_tells_nothing_of_it() -> None:
    assert seen(90, "disk-left-out", "cycles-missed").unwarned


def test_how_long_it_was_so_is_counted() -> None:
    assert [seen(behind).late for behind in (60, 61, 90)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("most", "chosen"), [(0, ""), (1, "g"), (2, "ag"), (3, "adg"), (7, "abcdefg"), (9, "abcdefg")]
)
def test_the_oldest_the_newest_and_some_between_are_booted(most: int, chosen: str) -> None:
    assert "".join(spread("abcdefg", most)) == chosen
