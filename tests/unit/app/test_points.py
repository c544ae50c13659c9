"""Listing points, looking into them, and comparing two."""

from datetime import UTC, datetime

import pytest

from holdfast.app.points import (
    Change,
    PointFilter,
    differences,
    entries,
    find_point,
    list_points,
)
from holdfast.base.errors import Exit, HoldfastError
from holdfast.files.restore.errors import SubpathMissing
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.errors import SnapshotMissing


def _day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def test_points_are_listed_oldest_first_whatever_the_order_they_were_made_in() -> None:
    vault = small_vault()
    newer = add_point(vault, {"a": b"2"}, time=_day(2))
    older = add_point(vault, {"a": b"1"}, time=_day(1))

    assert [p.id for p in list_points(vault, PointFilter())] == [older.id, newer.id]


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        (PointFilter(), [1, 2, 3]),
        (PointFilter(hosts=("beta",)), [2, 3]),
        (PointFilter(tags=("daily",)), [1, 3]),
        (PointFilter(tags=("daily", "kept")), [3]),
        (PointFilter(paths=("/srv",)), [1, 2, 3]),
        (PointFilter(paths=("/etc",)), []),
        (PointFilter(latest=2), [2, 3]),
        (PointFilter(hosts=("beta",), latest=1), [3]),
        (PointFilter(latest=9), [1, 2, 3]),
    ],
)
def test_filters_restrict_and_latest_counts_what_is_left(
    wanted: PointFilter, days: list[int]
) -> None:
    vault = small_vault()
    add_point(vault, {"a": b"1"}, time=_day(1), host="alpha", tags=["daily"])
    add_point(vault, {"a": b"2"}, time=_day(2), host="beta")
    add_point(vault, {"a": b"3"}, time=_day(3), host="beta", tags=["daily", "kept"])

    assert [p.taken_at.day for p in list_points(vault, wanted)] == days


def test_point_nobody_can_read_does_not_hide_the_others() -> None:
    vault = small_vault()
    good = add_point(vault, {"a": b"1"})
    vault.storage.put(f"snapshots/{'ab' * 32}", b"nonsense, long enough to be an envelope")
    damaged: list[HoldfastError] = []

    found = list_points(vault, PointFilter(), on_damage=damaged.append)

    assert [point.id for point in found] == [good.id]
    assert [err.exit_status for err in damaged] == [Exit.DAMAGE]


FILES = {"etc/hosts": b"hosts", "etc/app/conf": b"conf", "top": b"top"}


def test_folder_is_listed_flat_or_with_all_below() -> None:
    vault = small_vault()
    point = add_point(vault, FILES)

    flat = [entry.path for entry in entries(vault, point)]
    below = [entry.path for entry in entries(vault, point, b"/etc/", recursive=True)]

    assert flat == [b"/etc", b"/top"]
    assert below == [b"/etc/app", b"/etc/app/conf", b"/etc/hosts"]


def test_file_lists_itself() -> None:
    vault = small_vault()
    point = add_point(vault, FILES)

    assert [e.path for e in entries(vault, point, b"/etc/hosts")] == [b"/etc/hosts"]


@pytest.mark.parametrize("path", [b"/absent", b"/top/below-a-file", b"/etc/app/conf/x"])
def test_what_the_point_does_not_hold_is_named(path: bytes) -> None:
    vault = small_vault()
    point = add_point(vault, FILES)

    with pytest.raises(SubpathMissing, match=path.decode()):
        list(entries(vault, point, path))


def test_differences_name_what_came_went_and_changed_in_path_order() -> None:
    vault = small_vault()
    old = add_point(vault, {"etc/gone": b"1", "etc/same": b"2", "etc/edited": b"3"})
    new = add_point(vault, {"etc/same": b"2", "etc/edited": b"4", "new/file": b"5"})

    found = [(d.path, d.change) for d in differences(vault, old, new)]

    assert found == [
        (b"/etc/edited", Change.CHANGED),
        (b"/etc/gone", Change.REMOVED),
        (b"/new", Change.ADDED),
        (b"/new/file", Change.ADDED),
    ]


def test_points_alike_differ_in_nothing() -> None:
    vault = small_vault()
    old, new = add_point(vault, FILES), add_point(vault, FILES)

    assert list(differences(vault, old, new)) == []


def test_latest_is_the_newest_of_those_that_match() -> None:
    vault = small_vault()
    add_point(vault, FILES, time=_day(1), host="alpha")
    add_point(vault, FILES, time=_day(2), host="beta")

    assert find_point(vault, "latest", PointFilter(hosts=("alpha",))).taken_at.day == 1
    with pytest.raises(SnapshotMissing, match="latest, gamma, /vm/web"):
        find_point(vault, "latest", PointFilter(hosts=("gamma",), paths=("/vm/web",)))
