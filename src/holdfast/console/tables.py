"""Lists: filtered, sorted, in pages and exported, all of it here; a browser gets what it shows."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from nicegui import ui
from nicegui.element import Element

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.places import address
from holdfast.console.visiting import Visit

Row = TypeVar("Row")
PER_PAGE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    name: str
    label: str
    # Sorts, is found by the filter when there is no text, and is what an export holds.
    value: Callable[[Row], Any]
    text: Callable[[Row], str] | None = None
    # A path of the console, or nothing.
    href: Callable[[Row], str | None] | None = None
    # Written as a chip of that colour.
    tone: Callable[[Row], str | None] | None = None
    is_number: bool = False
    # Left out where there is little room.
    is_minor: bool = False

    def written(self, row: Row) -> str:
        if self.text:
            return self.text(row)
        value = self.value(row)
        return "-" if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Generic[Row]):
    """A box to choose a word from, as the state; offered are the words that there are."""

    name: str
    label: str
    value: Callable[[Row], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    title: str
    text: str
    action: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What of a list somebody wants to see."""

    words: str = ""
    # By the names of choices; "" is no choice.
    chosen: dict[str, str] = field(default_factory=dict)
    sort: str = ""
    is_descending: bool = False
    page: int = 0


class Rows(Generic[Row]):
    """What a list holds; what is written in it is put together once, for many filters."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[Column[Row]]) -> None:
        self.all, self._columns = rows, columns

    def picked(self, wish: Wish, choices: Sequence[Choice[Row]] = ()) -> list[Row]:
        """The rows that fit every word and every choice, sorted."""
        wanted = {one: wish.chosen[one.name] for one in choices if wish.chosen.get(one.name)}
        found = [
            row
            for row in self._with(wish.words.casefold().split())
            if all(one.value(row) == value for one, value in wanted.items())
        ]
        by = next((one for one in self._columns if one.name == wish.sort), None)
        if by is not None:
            found.sort(key=lambda row: _key(by.value(row)), reverse=wish.is_descending)
        return found

    def _with(self, words: list[str]) -> Sequence[Row]:
        if not words:
            return self.all
        pairs = zip(self.all, self._texts, strict=True)
        return [row for row, text in pairs if all(word in text for word in words)]

    @cached_property
    def _texts(self) -> list[str]:
        written = ("\n".join(one.written(row) for one in self._columns) for row in self.all)
        return [text.casefold() for text in written]


def as_csv(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> bytes:
    """With the mark that makes office programs read it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([one.label for one in columns])
    for row in rows:
        writer.writerow([_harmless(_plain(one.value(row))) for one in columns])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_json(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> bytes:
    found = [{one.name: _plain(one.value(row)) for one in columns} for row in rows]
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


class _Table(Element, component="listing.js"):
    """The table itself, drawn in the browser: real headings, rows and links."""


class Listing(Generic[Row]):
    """A list on a page. `load` is asked at first and at each refresh."""

    def __init__(  # noqa: PLR0913  what a list is made of
        self,
        visit: Visit,
        *,
        name: str,
        columns: Sequence[Column[Row]],
        load: Callable[[], Awaitable[Sequence[Row]]],
        empty: Empty,
        choices: Sequence[Choice[Row]] = (),
        sort: str = "",
        is_descending: bool = False,
        per_page: int = PER_PAGE,
        wish: Wish | None = None,
    ) -> None:
        self._visit, self._name, self._columns = visit, name, columns
        self._load, self._empty, self._choices = load, empty, choices
        self._per_page = per_page
        self._wish = wish or Wish(sort=sort or columns[0].name, is_descending=is_descending)
        self._rows: Rows[Row] = Rows((), columns)
        self._drawing = 0
        self._boxes: dict[str, ui.select] = {}
        self._panel: ui.element
        self._nothing: ui.element
        self._table: _Table

    async def show(self) -> None:
        """Draw it here, filled."""
        self._nothing = ui.element("div")
        with self._nothing:
            one = self._empty
            shown.empty(one.title, one.text, action=one.action, href=one.href)
        with ui.element("div").classes("hf-listing") as self._panel:
            self._tools()
            self._table = _Table()
            for event in ("sort", "turn"):
                self._table.on(event, self._visit.doing(getattr(self, f"_{event}")))
            self._table.props.update(self._words())
        await self.refresh()

    async def refresh(self) -> None:
        """Ask again; place, order and filter stay as they are."""
        self._rows = Rows(await self._load(), self._columns)
        self._offer()
        await self._draw()

    def _tools(self) -> None:
        with ui.element("div").classes("hf-listing-tools"):
            words = ui.input(_("Filter"), value=self._wish.words)
            words.props("dense outlined clearable debounce=250 type=search")
            words.on_value_change(self._visit.doing(self._filter))
            for one in self._choices:
                value = self._chosen(one)
                box = ui.select([value] if value else [], label=one.label, value=value)
                box.props("dense outlined clearable options-dense").classes("hf-choice")
                box.on_value_change(self._visit.doing(self._choose))
                self._boxes[one.name] = box
            ui.space()
            for kind, make in (("CSV", as_csv), ("JSON", as_json)):
                self._export(kind, make)

    def _export(self, kind: str, make: Callable[..., bytes]) -> None:
        def made() -> bytes:
            return make(self._found(), self._columns)

        async def download() -> None:
            content = await asyncio.to_thread(made)
            ui.download.content(content, f"holdfast-{self._name}.{kind.lower()}")

        ui.button(kind, icon="download", on_click=self._visit.doing(download)).props(
            f'flat dense no-caps aria-label="{_("Export as {kind}").format(kind=kind)}"'
        ).classes("hf-export")

    async def _filter(self, event: Any) -> None:
        self._wish = replace(self._wish, words=event.value or "", page=0)
        await self._draw()

    async def _choose(self) -> None:
        chosen = {name: box.value for name, box in self._boxes.items() if box.value}
        self._wish = replace(self._wish, chosen=chosen, page=0)
        await self._draw()

    async def _sort(self, event: Any) -> None:
        name = str(event.args)
        is_same = name == self._wish.sort
        self._wish = replace(
            self._wish, sort=name, is_descending=is_same and not self._wish.is_descending, page=0
        )
        await self._draw()

    async def _turn(self, event: Any) -> None:
        self._wish = replace(self._wish, page=max(0, int(event.args)))
        await self._draw()

    def _found(self) -> list[Row]:
        return self._rows.picked(self._wish, self._choices)

    def _offer(self) -> None:
        for one in self._choices:
            known = sorted(
                {one.value(row) for row in self._rows.all} | {self._wish.chosen.get(one.name, "")}
            )
            offered = [word for word in known if word]
            box = self._boxes[one.name]
            if box.options != offered:
                box.set_options(offered, value=self._chosen(one))

    def _chosen(self, choice: Choice[Row]) -> str | None:
        """A box knows nothing as None."""
        return self._wish.chosen.get(choice.name) or None

    async def _draw(self) -> None:
        self._drawing += 1
        mine = self._drawing
        # Not in the loop: filters of thousands of rows would hold up everybody's pages.
        found = await asyncio.to_thread(self._found)
        if mine != self._drawing:
            return  # somebody has typed on meanwhile
        self._nothing.set_visibility(not self._rows.all)
        self._panel.set_visibility(bool(self._rows.all))
        pages = max(1, -(-len(found) // self._per_page))
        page = min(self._wish.page, pages - 1)
        begin = page * self._per_page
        part = found[begin : begin + self._per_page]
        self._table.props.update(
            rows=[[_cell(row, one) for one in self._columns] for row in part],
            sort=self._wish.sort,
            descending=self._wish.is_descending,
            page=page,
            pages=pages,
            said=_("{first}-{last} of {count}").format(
                first=begin + 1 if part else 0, last=begin + len(part), count=len(found)
            ),
        )
        self._table.update()

    def _words(self) -> dict[str, Any]:
        return {
            "columns": [
                {
                    "name": one.name,
                    "label": one.label,
                    "number": one.is_number,
                    "minor": one.is_minor,
                }
                for one in self._columns
            ],
            "words": {
                "previous": _("Previous page"),
                "next": _("Next page"),
                "nothing": _("Nothing fits the filter."),
                "sort": _("Sort by {column}").format(column="{column}"),
            },
        }


def _cell(row: Row, column: Column[Row]) -> dict[str, Any]:
    cell: dict[str, Any] = {"text": column.written(row)}
    href = column.href(row) if column.href else None
    if href:
        cell["href"] = address(href)
    tone = column.tone(row) if column.tone else None
    if tone:
        cell["tone"] = tone
    value = column.value(row)
    if isinstance(value, datetime):
        cell["title"] = shown.when(value)
    return cell


def _key(value: Any) -> tuple[int, Any]:
    """What is not there comes last; words are sorted without looking at their case."""
    if value is None:
        return (1, 0)
    return (0, value.casefold() if isinstance(value, str) else value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(one) for one in value)
    return value


def _harmless(value: Any) -> Any:
    """Office programs run what begins like a formula; names come from foreign machines."""
    if isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@")):
        return "'" + value
    return value
