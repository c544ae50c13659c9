"""Which point of a machine is its newest, whatever its host's clock said."""

from datetime import UTC, datetime

from holdfast.base.ids import FileId, SnapshotId
from holdfast.machines.parents import newest_first
from holdfast.vault.snapshot import Snapshot, SnapshotFile


def point(name: str, year: int, *, after: str = "") -> Snapshot:
    stored = SnapshotFile(time=f"{year}-01-01T00:00:00Z", tree="", paths=[], parent=after)
    return Snapshot(SnapshotId(FileId(name)), datetime(year, 1, 1, tzinfo=UTC), stored)


def order(*points: Snapshot) -> str:
    return "".join(each.id for each in newest_first(points))


def test_the_newest_is_that_of_the_latest_time() -> None:
    points = point("a", 2024), point("c", 2026, after="b"), point("b", 2025, after="a")

    assert order(*points) == "cba"


def test_one_made_after_another_is_newer_than_it_whatever_the_clock_said() -> None:
    jumped = point("b", 2036, after="a")
    back = [point("c", 2026, after="b"), point("d", 2027, after="c")]

    assert order(point("a", 2025), jumped, *back) == "dcba"


def test_without_the_one_between_time_decides() -> None:
    points = point("a", 2025), point("b", 2036, after="a"), point("d", 2027, after="gone")

    assert order(*points) == "bda"


def test_a_long_line_behind_a_jump_is_put_in_order() -> None:
    names = [chr(0x4E00 + number) for number in range(3000)]
    line = [
        point(name, 3000 - number, after=names[number - 1] if number else "")
        for number, name in enumerate(names)
    ]

    assert order(*line) == "".join(reversed(names))
