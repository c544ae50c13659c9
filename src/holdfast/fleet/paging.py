"""Long lists in pages: which page is wanted, and what comes with it."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_

T = TypeVar("T")
R = TypeVar("R")

USUAL = 100
MOST = 1000
# As long as a number that databases count by.
_DIGITS = 18


class CursorNotUnderstood(HoldfastError):
    code = "cursor-not-understood"
    sentence = N_("'{cursor}' is no place in this list")
    remedy = N_("Give the `next` of the page before as `after`, or leave it out to begin anew.")
    exit_status = Exit.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a list that is wanted: at most `limit` items, behind the cursor `after`."""

    limit: int = USUAL
    after: str | None = None

    @property
    def one_more(self) -> int:
        """How many rows to ask for, so that a further page is known of."""
        return self.limit + 1

    def parts(self, count: int) -> list[str] | None:
        """What the cursor holds; None at the beginning of the list."""
        return None if self.after is None else read_cursor(self.after, count)

    def dated(self) -> tuple[datetime, str] | None:
        """Of a list that is sorted by a moment and an id."""
        parts = self.parts(2)
        return (self.moment(parts[0]), parts[1]) if parts else None

    def moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as err:
            raise CursorNotUnderstood(cursor=self.after) from err
        if moment.tzinfo is None:
            raise CursorNotUnderstood(cursor=self.after)
        return moment

    def number(self) -> int | None:
        """Of a list that is sorted by a number."""
        parts = self.parts(1)
        if parts is None:
            return None
        if not parts[0].isdecimal() or len(parts[0]) > _DIGITS:
            raise CursorNotUnderstood(cursor=self.after)
        return int(parts[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items, and the cursor of those behind them: None when there are no more."""

    items: list[T]
    next: str | None = None


def make_page(
    rows: Sequence[R], window: Window, *, key: Callable[[R], Sequence[str]], view: Callable[[R], T]
) -> Page[T]:
    """The page of rows that were asked for with `one_more`; the key is what the list is sorted by."""
    shown = rows[: window.limit]
    further = make_cursor(key(shown[-1])) if len(rows) > window.limit else None
    return Page(items=[view(row) for row in shown], next=further)


def make_cursor(parts: Sequence[str]) -> str:
    text = json.dumps(list(parts), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError as err:
        raise CursorNotUnderstood(cursor=cursor) from err
    parts = [part for part in found if isinstance(part, str)] if isinstance(found, list) else []
    if len(parts) != count or parts != found:
        raise CursorNotUnderstood(cursor=cursor)
    return parts
