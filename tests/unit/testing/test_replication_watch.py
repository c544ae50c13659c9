"""Which points of a machine are booted at the end of a watch."""

import pytest

from holdfast.testing.replication_watch import spread


@pytest.mark.parametrize(
    ("most", "chosen"), [(0, ""), (1, "g"), (2, "ag"), (3, "adg"), (7, "abcdefg"), (9, "abcdefg")]
)
def test_the_oldest_the_newest_and_some_between_are_booted(most: int, chosen: str) -> None:
    assert "".join(spread("abcdefg", most)) == chosen
