"""Logs that name no year still have an order, also over New Year."""

from datetime import datetime

from holdfast.doctor.yearless import UNKNOWN_YEAR, calendar

DECEMBER = datetime(UNKNOWN_YEAR, 12, 30, 22, 0)
JANUARY = datetime(UNKNOWN_YEAR, 1, 2, 6, 0)


def test_the_time_of_the_diagnosis_decides_the_year() -> None:
    dated = calendar([DECEMBER, JANUARY], now=datetime(2024, 1, 3))

    assert dated(JANUARY) == datetime(2024, 1, 2, 6, 0)
    assert dated(DECEMBER) == datetime(2023, 12, 30, 22, 0)


def test_without_it_new_year_lies_where_the_log_was_not_silent() -> None:
    dated = calendar([DECEMBER, JANUARY], now=None)

    before, after = dated(DECEMBER), dated(JANUARY)

    assert before is not None
    assert after is not None
    assert before < after


def test_a_log_within_one_year_keeps_its_order() -> None:
    june = datetime(UNKNOWN_YEAR, 6, 1)

    dated = calendar([june, JANUARY], now=None)

    early, late = dated(JANUARY), dated(june)
    assert early is not None
    assert late is not None
    assert early < late


def test_times_with_a_year_stay_as_they_are() -> None:
    real = datetime(2021, 5, 5)

    assert calendar([real, JANUARY], now=None)(real) == real


def test_the_last_of_february_falls_on_a_day_that_exists() -> None:
    leap = datetime(UNKNOWN_YEAR, 2, 29)

    assert calendar([leap], now=datetime(2023, 4, 1))(leap) == datetime(2023, 2, 28)
