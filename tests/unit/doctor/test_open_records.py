"""Which record follows which decides whether trouble is over."""

from datetime import UTC, datetime

import pytest

from holdfast.doctor.facts import Record
from holdfast.doctor.model import Span
from holdfast.doctor.open_records import follows, spans

EARLY, LATE = (datetime(2026, 5, 1, hour, tzinfo=UTC) for hour in (10, 11))


def _record(when: datetime | None, line: int, artefact: str = "a.log") -> Record:
    span = Span(artefact=artefact, first=line, last=line, excerpt="x")
    return Record(span=span, stream="app", when=when, text="x")


@pytest.mark.parametrize(
    ("later", "one", "does"),
    [
        (_record(LATE, 1), _record(EARLY, 2), True),
        (_record(EARLY, 2), _record(LATE, 1), False),
        (_record(EARLY, 2), _record(EARLY, 1), True),
        (_record(EARLY, 1), _record(EARLY, 1), False),
        (_record(None, 2), _record(EARLY, 1), True),
        (_record(None, 2, "b.log"), _record(None, 1), False),
    ],
    ids=["later", "earlier", "same-time-below", "itself", "no-time-below", "elsewhere"],
)
def test_time_decides_and_place_where_times_say_nothing(
    later: Record, one: Record, does: bool
) -> None:
    assert follows(later, one) is does


def test_in_listings_without_an_order_the_same_time_ends_nothing() -> None:
    assert not follows(_record(EARLY, 2), _record(EARLY, 1), place_breaks_ties=False)
    assert follows(_record(None, 2), _record(None, 1), place_breaks_ties=False)


def test_of_many_records_the_first_and_the_last_few_are_shown() -> None:
    many = [_record(None, line) for line in (1, 2, 3, 4, 5, 5)]

    assert [span.first for span in spans(many)] == [1, 4, 5]
