"""Places in long lists: what a cursor may say, and what it may not."""

from datetime import UTC, datetime

import pytest

from holdfast.fleet.paging import CursorNotUnderstood, Window, make_cursor

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


def _behind(*parts: str) -> Window:
    return Window(after=make_cursor(parts))


def test_beginning_of_a_list_has_no_place() -> None:
    assert (Window().dated(), Window().number()) == (None, None)


def test_place_is_read_as_it_was_written() -> None:
    assert _behind(NOON.isoformat(), "a").dated() == (NOON, "a")
    assert _behind("12").number() == 12


@pytest.mark.parametrize("moment", ["yesterday", "", "2026-01-06T12:00:00"])
def test_moment_that_is_none_or_of_no_zone_is_refused(moment: str) -> None:
    with pytest.raises(CursorNotUnderstood):
        _behind(moment, "a").dated()


# The last is longer than what is read as a number at all.
@pytest.mark.parametrize("number", ["", "-1", "one", "9" * 19, "9" * 5000])
def test_number_that_no_list_comes_to_is_refused(number: str) -> None:
    with pytest.raises(CursorNotUnderstood):
        _behind(number).number()
