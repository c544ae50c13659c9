"""The folders above the recovery points."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from holdfast.base.ids import FileId, SnapshotId
from holdfast.files.mount.tree import Link, Point, PointNames, Shelf, safe_name, shelve, time_name
from holdfast.vault.snapshot import Snapshot, SnapshotFile

NOON = datetime(2024, 5, 6, 12, 0, 0, tzinfo=UTC)


def point(
    first: str, *, host: str = "alpha", taken: datetime = NOON, tags: tuple[str, ...] = ()
) -> Snapshot:
    stored = SnapshotFile(
        time=taken.isoformat(), tree="0" * 64, paths=["/srv"], hostname=host, tags=list(tags)
    )
    return Snapshot(SnapshotId(FileId(first.ljust(64, "0"))), taken, stored)


def sub(shelf: Shelf, *names: bytes) -> Shelf:
    for name in names:
        below = shelf.children[name]
        assert isinstance(below, Shelf)
        shelf = below
    return shelf


def test_a_point_stands_on_the_shelf_of_its_time_id_host_and_tags() -> None:
    only = point("ab", host="beta", tags=("daily", "db"))

    root = shelve([only], PointNames())

    name = b"2024-05-06_120000"
    assert sub(root, b"points").children[name] == Point(only)
    assert sub(root, b"ids").children == {b"ab000000": Point(only)}
    assert sub(root, b"hosts", b"beta").children[name] == Point(only)
    assert sub(root, b"tags", b"daily").children == sub(root, b"tags", b"db").children


def test_latest_points_to_the_newest_of_each_shelf() -> None:
    old, new = point("a"), point("b", host="beta", taken=NOON + timedelta(days=1))

    root = shelve([old, new], PointNames())

    assert sub(root, b"points").children[b"latest"] == Link(b"2024-05-07_120000")
    assert sub(root, b"hosts", b"alpha").children[b"latest"] == Link(b"2024-05-06_120000")


def test_points_of_one_second_get_names_of_their_own() -> None:
    twins = [point("a"), point("b")]

    root = shelve(twins, PointNames())

    assert set(sub(root, b"points").children) == {
        b"2024-05-06_120000",
        b"2024-05-06_120000-b0000000",
        b"latest",
    }


def test_a_name_once_given_stays_with_its_point() -> None:
    names, first, second = PointNames(), point("b"), point("a")
    shelve([first], names)

    root = shelve([second, first], names)

    assert sub(root, b"points").children[b"2024-05-06_120000"] == Point(first)


def test_ids_that_begin_alike_are_both_shown() -> None:
    twins = [point("abcdef01" + "1"), point("abcdef01" + "2")]

    root = shelve(twins, PointNames())

    assert len(sub(root, b"ids").children) == 2


def test_a_name_shows_the_clock_of_the_machine_that_was_backed_up() -> None:
    seoul = timezone(timedelta(hours=9))

    assert time_name(NOON.astimezone(seoul)) == b"2024-05-06_210000"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("db", b"db"),
        ("a/b", b"a_b"),
        ("..", b"_"),
        ("", b"_"),
        ("nul\0", b"nul_"),
        ("한글", "한글".encode()),
        ("x" * 300, b"x" * 255),
    ],
)
def test_any_host_or_tag_becomes_one_step_of_a_path(text: str, name: bytes) -> None:
    assert safe_name(text) == name
