"""Silence is taken for a dead source only when it is long, and when somebody listened."""

from datetime import UTC, datetime, timedelta

from holdfast.recovery.desk import Heard
from holdfast.recovery.source_silence import FAREWELL, SILENT_FOR, Listening, Silence, judge_silence
from holdfast.replication.site_orders import SourceTidings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHORT, LONG = timedelta(seconds=2), SILENT_FOR + timedelta(seconds=1)


def judged(*, heard: timedelta | None, listening: timedelta | None) -> Silence:
    said = Heard(at=NOON - heard, tidings=SourceTidings()) if heard is not None else None
    since = NOON - listening if listening is not None else None
    return judge_silence(Listening(heard=said, since=since), NOON)


def test_one_that_was_heard_just_now_speaks() -> None:
    assert judged(heard=SHORT, listening=LONG) is Silence.SPEAKS


def test_one_that_is_silent_for_long_is_gone() -> None:
    assert judged(heard=LONG, listening=LONG) is Silence.GONE


def test_one_that_was_never_heard_is_for_a_person_to_judge() -> None:
    assert judged(heard=None, listening=LONG) is Silence.UNKNOWN


def test_one_that_has_said_farewell_is_not_gone() -> None:
    said = Heard(at=NOON - LONG, tidings=SourceTidings(facts={FAREWELL: "ended"}))

    listening = Listening(heard=said, since=NOON - LONG)

    assert judge_silence(listening, NOON) is Silence.UNKNOWN


def test_silence_that_nobody_listened_to_says_nothing() -> None:
    assert judged(heard=LONG, listening=None) is Silence.UNKNOWN
    assert judged(heard=LONG, listening=SHORT) is Silence.UNKNOWN


def test_a_clock_that_was_set_back_makes_nobody_gone() -> None:
    assert judged(heard=-LONG, listening=LONG) is Silence.SPEAKS
