"""How much of a disk is audited when: all of it in a month by the clock, and never too much."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.machines.audit_plan import PASS, AuditWish, begun, blocks_due, mark_after
from holdfast.machines.points import AuditMark

START = datetime(2026, 11, 1, tzinfo=UTC)
BLOCKS = 10_000


def audited(hours: int, *, count: int = BLOCKS, every: int = 1) -> list[range]:
    """What each backup looks at, one in so many hours."""
    mark, found = begun(AuditWish(now=START)), []
    for hour in range(every, hours + 1, every):
        wish = AuditWish(now=START + timedelta(hours=hour))
        due = blocks_due(mark, count, wish)
        found.append(due)
        mark = mark_after(mark, due, count, wish)
    return found


@pytest.mark.parametrize("every", [1, 24, 24 * 7])
def test_a_month_sees_each_block_once(every: int) -> None:
    # The backup that ends it comes when its time comes.
    hours = -(-30 * 24 // every) * every

    seen = [number for due in audited(hours, every=every) for number in due]

    assert seen == list(range(BLOCKS))


def test_a_disk_smaller_than_a_month_has_hours_is_seen_as_well() -> None:
    seen = [number for due in audited(30 * 24, count=7) for number in due]

    assert seen == list(range(7))


def test_one_backup_after_a_long_time_reads_no_more_than_a_quarter() -> None:
    after_a_year = audited(365 * 24, every=365 * 24)

    assert after_a_year == [range(BLOCKS // 4)]


def test_a_pass_at_its_end_is_followed_by_another() -> None:
    end = AuditWish(now=START + PASS)
    mark = AuditMark(since=START, blocks=BLOCKS - 5)

    due = blocks_due(mark, BLOCKS, end)

    assert due == range(BLOCKS - 5, BLOCKS)
    assert mark_after(mark, due, BLOCKS, end) == begun(end)


def test_all_of_it_may_be_asked_for_and_counts_as_a_pass() -> None:
    wish = AuditWish(now=START, whole=True)
    mark = AuditMark(since=START - PASS / 2, blocks=3)

    due = blocks_due(mark, BLOCKS, wish)

    assert due == range(BLOCKS)
    assert mark_after(mark, due, BLOCKS, wish) == begun(wish)


def test_a_disk_of_which_nothing_is_noted_begins_now() -> None:
    wish = AuditWish(now=START)

    due = blocks_due(None, BLOCKS, wish)

    assert len(due) == 0
    assert mark_after(None, due, BLOCKS, wish) == begun(wish)


def test_a_clock_put_back_or_a_disk_made_smaller_harms_nothing() -> None:
    past = AuditWish(now=START - PASS)
    mark = AuditMark(since=START, blocks=50)

    assert len(blocks_due(mark, BLOCKS, past)) == 0
    assert mark_after(mark, range(50, 50), BLOCKS, past) == begun(past)
    assert len(blocks_due(mark, 20, AuditWish(now=START + PASS))) == 0
