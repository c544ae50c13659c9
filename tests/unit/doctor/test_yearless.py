"""Logs that name no year still have an order, also over New Year."""

from datetime import datetime

from holdfast.doctor.yearless import calendar

at = datetime.fromisoformat
DECEMBER = at("0004-12-30T22:00")
JANUARY = at("0004-01-02T06:00")


def test_the_time_of_the_diagnosis_decides_the_year() -> None:
    dated = calendar([DECEMBER, JANUARY], now=at("2024-01-03"))

    assert dated(JANUARY) == at("2024-01-02T06:00")
    assert dated(DECEMBER) == at("2023-12-30T22:00")


def test_without_it_new_year_lies_where_the_log_was_not_silent() -> None:
    dated = calendar([DECEMBER, JANUARY], now=None)

    before, after = dated(DECEMBER), dated(JANUARY)

    assert before is not None
    assert after is not None
    assert before < after


def test_a_log_within_one_year_keeps_its_order() -> None:
    june = at("0004-06-01")

    dated = calendar([june, JANUARY], now=None)

    early, late = dated(JANUARY), dated(june)
    assert early is not None
    assert late is not None
    assert early < late


def test_times_with_a_year_stay_as_they_are() -> None:
    real = at("2021-05-05")

    assert calendar([real, JANUARY], now=None)(real) == real


def test_the_last_of_february_falls_on_a_day_that_exists() -> None:
    leap = at("0004-02-29")

    assert calendar([leap], now=at("2023-04-01"))(leap) == at("2023-02-28")
