"""How rates, windows, times and addresses of replication are written."""

from typing import Any

import click
import pytest

from holdfast.cli.replication_options import OFTEN, PLACE, RATE, WINDOW


def _read(kind: click.ParamType[Any], text: str) -> Any:
    return kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "bytes_per_second", "window"),
    [
        ("20mbit", 2_500_000, ""),
        ("1.5 Gbit/s", 187_500_000, ""),
        ("2M", 2 << 20, ""),
        ("0@weekdays 08:00-18:00", 0, "weekdays 08:00-18:00"),
        ("20mbit@daily 22:00-06:00", 2_500_000, "daily 22:00-06:00"),
    ],
)
def test_rate_is_in_bits_or_bytes_with_a_window_or_without(
    text: str, bytes_per_second: int, window: str
) -> None:
    limit = _read(RATE, text)

    assert (limit.bytes_per_second, limit.window) == (bytes_per_second, window)


@pytest.mark.parametrize("text", ["fast", "20mbit@sometimes", "", "-1M"])
def test_what_is_no_rate_is_a_question_of_usage(text: str) -> None:
    with pytest.raises(click.BadParameter):
        _read(RATE, text)


def test_how_often_is_a_time_or_never() -> None:
    assert [_read(OFTEN, text) for text in ("1h", "90s", "never", "0")] == [3600, 90, 0, 0]
    with pytest.raises(click.BadParameter):
        _read(OFTEN, "seldom")


def test_window_may_be_taken_away_again() -> None:
    assert _read(WINDOW, "") == ""
    assert _read(WINDOW, "daily 22:00-06:00") == "daily 22:00-06:00"
    with pytest.raises(click.BadParameter):
        _read(WINDOW, "at night")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("south", ("south", 9443)),
        ("south:1", ("south", 1)),
        (":9000", ("", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        ("[fe80::2]", ("fe80::2", 9443)),
    ],
)
def test_address_is_a_host_with_a_port_or_without(text: str, place: tuple[str, int]) -> None:
    assert _read(PLACE, text) == place


@pytest.mark.parametrize("text", ["south:70000", "::1:9000", "a b"])
def test_what_is_no_address_is_a_question_of_usage(text: str) -> None:
    with pytest.raises(click.BadParameter):
        _read(PLACE, text)
