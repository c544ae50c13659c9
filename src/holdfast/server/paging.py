"""`?limit=&after=` of every list."""

from typing import Annotated

from fastapi import Depends, Query

from holdfast.fleet.paging import MOST, USUAL, Page, Window

__all__ = ["Page", "Paging"]


# It only looks; `async` spares it the way through the thread pool.
async def _window(
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many items at most.")] = USUAL,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Window:
    return Window(limit=limit, after=after)


Paging = Annotated[Window, Depends(_window)]
