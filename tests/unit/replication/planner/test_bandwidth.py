"""Rates of links as people write them."""

import pytest

from holdfast.replication.planner.bandwidth import format_bandwidth, parse_bandwidth


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100mbit", 12_500_000),
        ("1.5 Gbit/s", 187_500_000),
        ("8bit", 1),
        ("56kbps", 7000),
        ("256kbit/s", 32_000),
        ("100Mbps", 12_500_000),
        ("12M", 12 << 20),
        ("12M/s", 12 << 20),
    ],
)
def test_rates_are_read(text: str, rate: float) -> None:
    assert parse_bandwidth(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0mbit", "-1mbit", "0"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  either sentence will do
        parse_bandwidth(text)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0 bit/s"), (125, "1.00 kbit/s"), (12_500_000, "100 Mbit/s"), (11_762_500, "94.1 Mbit/s"),
     (5e11, "4000 Gbit/s")],
)  # fmt: skip
def test_rates_are_written(rate: float, text: str) -> None:
    assert format_bandwidth(rate) == text
