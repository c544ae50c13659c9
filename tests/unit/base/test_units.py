"""Sizes and durations, read and written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.units import (
    GIB,
    KIB,
    MIB,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096 B", 4096),
        ("16M", 16 * MIB),
        ("16mb", 16 * MIB),
        ("1.5 GiB", 3 * GIB // 2),
        (" 7k ", 7 * KIB),
    ],
)
def test_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1,5G", "12 parsecs", "1e3", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (3 * GIB // 2, "1.50 GiB"),
        (16 * MIB, "16.0 MiB"),
        (512 * MIB, "512 MiB"),
        (5000 * 1024**4, "5000 TiB"),
    ],
)
def test_size_is_written_with_three_digits(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 2**50))
def test_written_size_reads_back_as_nearly_the_same(size: int) -> None:
    back = parse_size(format_size(size))

    # Two digits after the point of "0.98 KiB" are the coarsest we write.
    assert abs(back - size) <= size * 0.006 + 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2w", 1209600), ("1 d 1 s", 86401)]
)
def test_duration_is_a_sum_of_parts(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", "1h30", "h", "1y", "-1h", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (42.4, "0:42"), (59.6, "1:00"), (3723, "1:02:03")]
)
def test_duration_is_written_as_clock_time(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
