import pytest

from holdfast.app.config import told_zone
from holdfast.app.local_zone import local_zone


@pytest.mark.parametrize(
    ("said", "found"),
    [("Asia/Seoul", "Asia/Seoul"), (":UTC", "UTC"), ("Etc/UTC", "UTC")],
)
def test_zone_of_the_environment_counts_first(said: str, found: str) -> None:
    assert local_zone(said) == found


@pytest.mark.parametrize("said", ["<+09>-9", "/nowhere", "../UTC"])
def test_zone_that_is_none_is_passed_over(said: str) -> None:
    assert local_zone(said) == local_zone("")


def test_a_process_shows_the_times_of_the_zone_it_was_told() -> None:
    assert told_zone({"TZ": "Asia/Seoul"}) == "Asia/Seoul"
    assert told_zone({}) == ""
