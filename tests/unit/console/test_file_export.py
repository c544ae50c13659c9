"""A folder with all its pages as a file."""

import asyncio
import csv
import io

from holdfast.console.file_export import MAKERS, MOST, export_columns, whole_folder
from holdfast.fleet.questions import Folder, FolderWanted, Item


class Far:
    """A folder of so many files, shown by a machine that gives no more than 700 at once."""

    def __init__(self, total: int) -> None:
        self.total, self.asked = total, list[FolderWanted]()

    async def ask(self, wanted: FolderWanted) -> Folder:
        self.asked.append(wanted)
        end = min(self.total, wanted.offset + min(wanted.limit, 700))
        items = [item(f"{number:05}") for number in range(wanted.offset, end)]
        return Folder(point="1", path="/", items=items, total=self.total, offset=wanted.offset)


def item(name: str) -> Item:
    return Item(name=name, path=f"/{name}", kind="file", size=1)


def test_every_page_is_asked_for_in_the_order_that_is_shown() -> None:
    far, wanted = Far(1500), FolderWanted(point="1", name="x", offset=100, sort="size")

    items, total = asyncio.run(whole_folder(far.ask, wanted))

    assert ([one.name for one in items], total) == ([f"{n:05}" for n in range(1500)], 1500)
    assert {(one.name, one.sort) for one in far.asked} == {("x", "size")}


def test_no_more_than_the_limit_is_exported() -> None:
    items, total = asyncio.run(whole_folder(Far(MOST + 5).ask, FolderWanted(point="1")))

    assert (len(items), total) == (MOST, MOST + 5)


def test_folder_that_says_less_than_it_promised_ends() -> None:
    far = Far(3)

    async def ask(wanted: FolderWanted) -> Folder:
        found = await far.ask(wanted)
        return Folder(point="1", path="/", items=found.items, total=9)

    items, _total = asyncio.run(whole_folder(ask, FolderWanted(point="1")))

    assert len(items) == 3


def test_name_of_a_foreign_machine_is_no_formula() -> None:
    found = [Item(name="=cmd()", path="/=cmd()", kind="symlink", target="@there", mode=0o640)]

    rows = list(csv.reader(io.StringIO(MAKERS["CSV"](found, export_columns()).decode())))

    assert rows[1] == ["'=cmd()", "/=cmd()", "symlink", "", "", "640", "", "'@there"]
