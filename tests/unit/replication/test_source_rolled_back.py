"""What the loss of a record is called, by how the machine came to be as it is."""

from datetime import UTC, datetime

import pytest

from holdfast.hypervisor.states import Standing, State
from holdfast.machines.tracking import Why
from holdfast.replication.resync import Because
from holdfast.replication.source_facts import Generation
from holdfast.replication.source_rolled_back import cause_of_loss

BOOTED = Standing(state=State.RUNNING, reason="booted")
WENT_BACK = Standing(state=State.RUNNING, reason="from-snapshot")
NOT_UP = Standing(state=State.OFF, reason="failed")
BEFORE = Generation(name="a", taken_at=datetime(2026, 11, 22, tzinfo=UTC))
SINCE = Generation(name="b", taken_at=BEFORE.taken_at, is_from_snapshot=True)


@pytest.mark.parametrize(
    ("standing", "before", "has_snapshots", "called"),
    [
        (BOOTED, BEFORE, True, Why.MAP_MISSING),
        (WENT_BACK, BEFORE, False, Because.ROLLED_BACK),
        (WENT_BACK, SINCE, True, Why.MAP_MISSING),
        (WENT_BACK, None, True, Why.MAP_MISSING),
        (NOT_UP, BEFORE, True, Because.REVERT_REFUSED),
        (NOT_UP, BEFORE, False, Why.MAP_MISSING),
    ],
)
def test_a_record_that_went_with_a_snapshot_is_called_so(
    standing: Standing, before: Generation | None, *, has_snapshots: bool, called: str
) -> None:
    found = cause_of_loss(Why.MAP_MISSING, standing, before=before, has_snapshots=has_snapshots)

    assert found == called


def test_what_has_nothing_to_do_with_records_keeps_its_name() -> None:
    why = Because.MUCH_CHANGED

    assert cause_of_loss(why, WENT_BACK, before=BEFORE, has_snapshots=True) == why
