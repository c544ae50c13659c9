"""Lists of the control plane, which come in pages, as a whole."""

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast.app.control.vaults import list_vaults
from holdfast.console.visiting import Visit
from holdfast.fleet.paging import MOST, Page, Window

T = TypeVar("T")
# More rows than this are of no use on a page; a filter at the use case finds the others.
MOST_ROWS = 20_000


async def all_of(
    visit: Visit, work: Callable[..., Page[T]], *given: Any, most: int = MOST_ROWS, **more: Any
) -> list[T]:
    """Every item; `work` takes its window as `window`."""
    found: list[T] = []
    after: str | None = None
    while True:
        window = Window(limit=min(MOST, most), after=after)
        page: Page[T] = await visit.ask(work, *given, window=window, **more)
        found += page.items
        after = page.next
        if after is None or len(found) >= most:
            return found


async def vault_names(visit: Visit) -> dict[str, str]:
    """Of all vaults one may look into, deleted ones too, by their ids."""
    found = await all_of(visit, list_vaults, with_deleted=True)
    return {one.id: one.name for one in found}
