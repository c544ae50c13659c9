"""What is certain of a machine at its source, and what only a person can say."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from holdfast.recovery.desk import Heard
from holdfast.recovery.record import Act, ActKind
from holdfast.recovery.source_silence import (
    BUSY_FOR,
    SILENT_FOR,
    Listening,
    Whether,
    judge_whether_it_runs,
)
from holdfast.replication.site_orders import OrderKind, SourceTidings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW, MINUTE = timedelta(0), SILENT_FOR + timedelta(seconds=1)
PLAIN = Act(id="one", kind=ActKind.UNPLANNED, who="ada", begun_at=NOON)
ASKED = msgspec.structs.replace(PLAIN, has_asked=True)
HANDED = msgspec.structs.replace(ASKED, handed_over="g9")
RUNS = SourceTidings(is_active=True)
OFF = SourceTidings(is_active=False)
HELD = SourceTidings(act="one", doing=OrderKind.HAND_OVER, is_fenced=True, is_active=False)


def judged(
    told: SourceTidings, *, act: Act = PLAIN, age: timedelta = NOW, has_answered: bool = False
) -> Whether:
    listening = Listening(heard=Heard(at=NOON - age, tidings=told), since=NOON - 9 * MINUTE)
    return judge_whether_it_runs(act, listening, NOON, has_answered=has_answered)


@pytest.mark.parametrize("told", [RUNS, OFF])
def test_without_being_asked_one_that_speaks_proves_nothing(told: SourceTidings) -> None:
    assert judged(told) is Whether.UNKNOWN


def test_one_that_has_shut_it_down_for_this_act_is_certain() -> None:
    assert judged(HELD, act=ASKED) is Whether.NO


@pytest.mark.parametrize("change", [{"act": "other"}, {"is_fenced": False}, {"is_active": None}])
def test_for_another_act_or_only_by_chance_it_is_not(change: dict[str, object]) -> None:
    told = msgspec.structs.replace(HELD, **change)

    assert judged(told, act=ASKED, has_answered=True) is Whether.UNKNOWN


def test_what_was_handed_over_stays_so_when_its_host_dies() -> None:
    assert judged(OFF, act=HANDED, age=timedelta(seconds=5)) is Whether.NO


def test_and_not_when_somebody_has_started_it_there() -> None:
    assert judged(RUNS, act=HANDED) is Whether.UNKNOWN


def test_one_that_was_asked_and_says_that_it_runs_does() -> None:
    assert judged(RUNS, act=ASKED, has_answered=True) is Whether.YES


def test_one_that_was_asked_is_silent_for_longer_before_it_is_gone() -> None:
    assert judged(RUNS, age=MINUTE) is Whether.NO
    assert judged(RUNS, act=ASKED, age=MINUTE) is Whether.UNKNOWN
    assert judged(RUNS, act=ASKED, age=BUSY_FOR) is Whether.NO
