"""What lies in a folder, in the order that somebody asked for."""

from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.fleet.item_order import Order, in_order
from holdfast.fleet.questions import Folder, FolderWanted, Item, Sort


def item(name: str, *, kind: str = "file", size: int = 0, year: int | None = None) -> Item:
    changed = datetime(year, 1, 1, tzinfo=UTC) if year else None
    return Item(name=name, path=f"/{name}", kind=kind, size=size, modified=changed)


FOUND = [
    item("b", size=3, year=2020),
    item("A", size=30, year=2024),
    item("folder", kind="dir", size=4096, year=2022),
    item("pipe", kind="fifo"),
    item("c", size=3, year=2021),
]


@pytest.mark.parametrize(
    ("by", "is_descending", "names"),
    [
        ("name", False, "folder A b c pipe"),
        ("name", True, "folder pipe c b A"),
        ("size", False, "b c A folder pipe"),
        ("size", True, "A b c folder pipe"),
        ("changed", False, "b c folder A pipe"),
        ("changed", True, "A folder c b pipe"),
    ],
)
def test_what_has_none_of_it_comes_last(by: Sort, is_descending: bool, names: str) -> None:
    found = in_order(FOUND, Order(by=by, is_descending=is_descending))

    assert [one.name for one in found] == names.split()


def test_agent_of_the_version_before_is_asked_and_says_how_it_sorted() -> None:
    """It passes over what it does not know, as we do; its answer says nothing of an order."""
    asked = {"point": "1", "sort": "size", "descending": True, "of_tomorrow": 1}
    told = {"point": "1", "path": "/", "items": [], "total": 0, "of_tomorrow": 1}

    wanted = msgspec.convert(asked, FolderWanted)
    folder = msgspec.convert(told, Folder)

    assert wanted.sort == "size"
    assert (folder.sort, folder.descending) == ("name", False)
