"""What the file browser shows, as a file: a folder with all its pages, or what a search found."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from holdfast.base.texts import _
from holdfast.console.tables import Column, as_csv, as_json
from holdfast.fleet.questions import Folder, FolderWanted, Item

MOST = 10_000
_AT_ONCE = 1000
MAKERS = {"CSV": as_csv, "JSON": as_json}


async def whole_folder(
    ask: Callable[[FolderWanted], Awaitable[Folder]], wanted: FolderWanted
) -> tuple[list[Item], int]:
    """Its items page after page, as many as are exported at most, and how many there are."""
    items: list[Item] = []
    while True:
        most = min(_AT_ONCE, MOST - len(items))
        page = await ask(replace(wanted, offset=len(items), limit=most))
        items += page.items
        if not page.items or len(items) >= min(page.total, MOST):
            return items, page.total


def export_columns() -> list[Column[Item]]:
    return [
        Column(name="name", label=_("Name"), value=lambda one: one.name),
        Column(name="path", label=_("Path"), value=lambda one: one.path),
        Column(name="kind", label=_("Kind"), value=lambda one: one.kind),
        Column(name="size", label=_("Size"), value=_size),
        Column(name="changed", label=_("Changed"), value=lambda one: one.modified),
        Column(name="permissions", label=_("Permissions"), value=lambda one: f"{one.mode:03o}"),
        Column(name="owner", label=_("Owner"), value=lambda one: one.owner or None),
        Column(name="target", label=_("Leads to"), value=lambda one: one.target or None),
    ]


def _size(item: Item) -> int | None:
    return item.size if item.kind == "file" else None
