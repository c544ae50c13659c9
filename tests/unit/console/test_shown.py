"""Figures are written the same way on every page."""

import pytest

from holdfast.console import shown

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "0 s"),
        (41, "41 s"),
        (60, "1 min"),
        (95, "1 min 35 s"),
        (HOUR, "1 h"),
        (HOUR + 59, "1 h"),
        (2 * HOUR + 300, "2 h 5 min"),
        (DAY, "1 d"),
        (3 * DAY + 4 * HOUR, "3 d 4 h"),
    ],
)
def test_a_time_is_told_in_two_units_at_most(seconds: float | None, text: str) -> None:
    assert shown.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Make room.", [("Make room.", False)]),
        ("See `holdfast jobs`.", [("See ", False), ("holdfast jobs", True), (".", False)]),
        ("`a`, `b`", [("a", True), (", ", False), ("b", True)]),
        ("no end: `a", [("no end: `a", False)]),
        ("", []),
    ],
)
def test_what_is_to_be_typed_is_told_apart(text: str, parts: list[tuple[str, bool]]) -> None:
    assert shown.typed_parts(text) == parts
