"""The folders of a recovery point on a page: opened, filtered, searched, and chosen from."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import ui

from holdfast.app.control.browsing import list_folder, list_inside, search_inside, search_point
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.downloading import Wanted
from holdfast.console.file_export import MAKERS, MOST, export_columns, whole_folder
from holdfast.console.looking import Look
from holdfast.console.notices import problem, warn
from holdfast.fleet.item_order import Order, in_order
from holdfast.fleet.questions import Folder, FolderWanted, Item, SearchFound, SearchWanted, Sort

_PER_PAGE = 100
# By what each column sorts.
_SORTS: tuple[Sort | None, ...] = (None, "name", "size", "changed", None)
_ICONS = {"dir": "folder", "symlink": "link", "file": "description"}
Chosen = Callable[[dict[str, Item]], Awaitable[None]]


class FileBrowser:
    """`inside`: in the disks of a virtual machine, whose paths begin with a volume."""

    def __init__(
        self, look: Look, *, on_choice: Chosen, path: str = "/", inside: bool = False
    ) -> None:
        self._look, self._visit = look, look.visit
        self._on_choice, self._inside = on_choice, inside
        self._path, self._offset, self._name = path, 0, ""
        self._order = Order()
        self.chosen: dict[str, Item] = {}
        self._found: Folder | SearchFound | None = None
        self._crumbs: ui.element
        self._list: ui.element
        self._sorter: ui.element | None = None
        self._exports: list[ui.button] = []

    def show(self) -> None:
        """Draw it here; what is in it comes when its machine has answered."""
        with ui.element("div").classes("hf-listing"):
            with ui.element("div").classes("hf-listing-tools"):
                self._tools()
            self._crumbs = ui.element("nav").classes("hf-crumbs")
            self._crumbs.props["aria-label"] = _("Folders above")
            self._list = ui.element("div").props("aria-live=polite")
            self._basket = ui.element("div").classes("hf-pages")
        self._draw_basket()
        self._wait()
        ui.timer(0.05, self._visit.doing(self._load), once=True)

    async def open(self, path: str) -> None:
        self._path, self._offset, self._name = path, 0, ""
        self._box.set_value("")
        await self._load()

    async def _clear(self) -> None:
        self.chosen.clear()
        if self._found is not None:
            self._draw()
        self._draw_basket()
        await self._on_choice(self.chosen)

    def _tools(self) -> None:
        self._box = ui.input(_("Name")).props("dense outlined clearable type=search")
        self._box.on("keydown.enter", self._visit.doing(self._filter))
        ui.button(_("Filter this folder"), on_click=self._visit.doing(self._filter)).props(
            "outline no-caps color=primary"
        )
        ui.button(_("Search below it"), on_click=self._visit.doing(self._search)).props(
            "outline no-caps color=primary"
        )
        ui.space()
        for kind in MAKERS:
            said = _("Export as {kind}").format(kind=kind)
            act = self._visit.doing(lambda kind=kind: self._export(kind))
            button = ui.button(kind, icon="download", on_click=act).classes("hf-export")
            button.props("flat dense no-caps").props["title"] = said
            self._exports.append(button)

    async def _export(self, kind: str) -> None:
        items = await self._shown()
        content = await asyncio.to_thread(MAKERS[kind], items, export_columns())
        ui.download.content(content, f"holdfast-files.{kind.lower()}")

    async def _shown(self) -> list[Item]:
        """With the pages that are not seen."""
        match self._found:
            case Folder():
                items, total = await whole_folder(self._ask, self._wanted())
                if total > len(items):
                    said = _("The first {most} of {count} items are exported: filter the folder.")
                    warn(said.format(most=f"{MOST:,}", count=f"{total:,}"))
                return items
            case SearchFound() as found:
                return in_order(found.items, self._order)
            case None:
                return []

    async def _filter(self) -> None:
        self._name, self._offset = self._box.value or "", 0
        await self._load()

    async def _turn(self, by: int) -> None:
        self._offset = max(0, self._offset + by)
        await self._load()

    async def _sort(self, by: Sort) -> None:
        is_same = by == self._order.by
        self._order = Order(by=by, is_descending=is_same and not self._order.is_descending)
        if isinstance(self._found, SearchFound):
            self._draw()
        else:
            self._offset = 0
            await self._load()
        if self._sorter is not None:
            # Drawn anew: whoever uses the keyboard goes on where they were.
            self._sorter.run_method("focus")

    def _wanted(self) -> FolderWanted:
        return FolderWanted(
            point=self._look.point.id,
            path=self._path,
            name=self._name,
            offset=self._offset,
            limit=_PER_PAGE,
            sort=self._order.by,
            descending=self._order.is_descending,
        )

    async def _ask(self, wanted: FolderWanted) -> Folder:
        return await self._look.ask(list_inside if self._inside else list_folder, wanted)

    async def _load(self) -> None:
        self._wait()
        try:
            self._found = await self._ask(self._wanted())
        except HoldfastError as err:
            self._fail(err)
            return
        self._draw()

    async def _search(self) -> None:
        text = (self._box.value or "").strip()
        if not text:
            await self._filter()
            return
        self._wait()
        wanted = SearchWanted(point=self._look.point.id, text=text, path=self._path)
        try:
            work = search_inside if self._inside else search_point
            self._found = await self._look.ask(work, wanted)
        except HoldfastError as err:
            self._fail(err)
            return
        self._draw()

    def _wait(self) -> None:
        self._found = None
        self._let_export()
        self._draw_crumbs()
        self._list.clear()
        with self._list, ui.element("div").classes("hf-row hf-pad"):
            ui.spinner(size="20px").props("aria-hidden=true")
            ui.label(_("{machine} looks into the point…").format(machine=self._look.host))

    def _fail(self, err: HoldfastError) -> None:
        self._list.clear()
        with self._list, ui.element("div").classes("hf-pad"):
            problem(err)

    def _let_export(self) -> None:
        """What is not there yet would be an empty file."""
        for button in self._exports:
            button.set_enabled(self._found is not None)

    def _draw(self) -> None:
        self._let_export()
        self._draw_crumbs()
        self._list.clear()
        self._sorter = None
        with self._list:
            match self._found:
                case Folder() as folder:
                    order = Order(by=folder.sort, is_descending=folder.descending)
                    self._table(folder.items, order, nothing=_("This folder is empty."))
                    if order != self._order:
                        self._sorts_by_name_only()
                    self._pages(folder)
                case SearchFound() as found:
                    items = in_order(found.items, self._order)
                    nothing = _("Nothing of that name was found.")
                    self._table(items, self._order, nothing=nothing, is_search=True)
                    self._searched(found)
                case None:
                    pass

    def _draw_crumbs(self) -> None:
        self._crumbs.clear()
        parts = [part for part in self._path.split("/") if part]
        with self._crumbs:
            if not self._inside:
                self._crumb("/", "/")
            for count, part in enumerate(parts, 1):
                if count > 1 or not self._inside:
                    ui.label(">").classes("hf-muted").props("aria-hidden=true")
                path = "/".join(parts[:count])
                self._crumb(part, path if self._inside else f"/{path}")

    def _crumb(self, text: str, path: str) -> None:
        if path.strip("/") == self._path.strip("/"):
            ui.label(text).classes("hf-strong").props("aria-current=location")
        else:
            _opener(text, self._visit.doing(lambda: self.open(path)))

    def _table(
        self, items: list[Item], order: Order, *, nothing: str, is_search: bool = False
    ) -> None:
        if not items:
            ui.label(nothing).classes("hf-muted hf-pad")
            return
        heads = (_("Chosen"), _("Name"), _("Size"), _("Changed"), _("Permissions"))
        with ui.element("div").classes("hf-table-frame"):
            table = ui.element("table").classes("hf-table hf-files")
        table.props["aria-label"] = _("Files")
        with table:
            with ui.element("thead"), ui.element("tr"):
                for by, head in zip(_SORTS, heads, strict=True):
                    self._head(by, head, order)
            with ui.element("tbody"):
                for item in items:
                    self._row(item, heads, is_search=is_search)

    def _head(self, by: Sort | None, head: str, order: Order) -> None:
        with ui.element("th").props("scope=col") as cell:
            cell.classes("hf-number" if by == "size" else "")
            if by is None:
                cell._text = head  # noqa: SLF001  the framework's way to a text
                return
            button = ui.element("button").props("type=button")
            button.props["title"] = _("Sort by {column}").format(column=head)
            button.on("click", self._visit.doing(lambda: self._sort(by)))
            if by == self._order.by:
                self._sorter = button
            with button:
                word = ui.element("span")
                word._text = head  # noqa: SLF001  as above
                sign = ui.element("span").props("aria-hidden=true").classes("hf-sort")
        if by == order.by:
            cell.props["aria-sort"] = "descending" if order.is_descending else "ascending"
            sign._text = "▾" if order.is_descending else "▴"  # noqa: SLF001  as above

    def _row(self, item: Item, heads: tuple[str, ...], *, is_search: bool) -> None:
        def cell(place: int, *, more: str = "") -> ui.element:
            made = ui.element("td").classes(more)
            made.props["data-label"] = heads[place]
            return made

        with ui.element("tr"):
            with cell(0, more="hf-tick"):
                box = ui.checkbox(value=item.path in self.chosen).props("dense")
                box.props["aria-label"] = _("Choose {name}").format(name=item.name)
                box.on_value_change(self._visit.doing(lambda: self._choose(item)))
            with cell(1, more="hf-file"):
                ui.icon(_ICONS.get(item.kind, "settings")).props("aria-hidden=true")
                self._name_of(item, is_search=is_search)
            with cell(2, more="hf-number"):
                ui.label(shown.size(item.size) if item.kind == "file" else "-")
            with cell(3):
                ui.label(f"{item.modified:%Y-%m-%d %H:%M}" if item.modified else "-")
            with cell(4, more="hf-minor"):
                ui.label(f"{item.mode:03o} {item.owner}")

    def _name_of(self, item: Item, *, is_search: bool) -> None:
        text = item.path if is_search else item.name
        if item.kind == "dir":
            _opener(text, self._visit.doing(lambda: self.open(item.path)))
        else:
            ui.label(f"{text} → {item.target}" if item.target else text)
        if item.kind == "file":
            self._download(item)

    def _download(self, item: Item) -> None:
        """Whether its machine lets it pass is known when somebody wants it."""
        look = self._look
        wanted = Wanted(
            machine=look.machine.id,
            point=look.point.id,
            path=item.path,
            unlock=look.unlock_id,
            inside=self._inside,
        )
        with ui.element("a").classes("hf-download") as link:
            ui.icon("download").props("aria-hidden=true")
        link.props["href"] = wanted.place
        link.props["aria-label"] = _("Download {name}").format(name=item.name)
        link.props["title"] = _("Download")

    async def _choose(self, item: Item) -> None:
        if self.chosen.pop(item.path, None) is None:
            self.chosen[item.path] = item
        self._draw_basket()
        await self._on_choice(self.chosen)

    def _draw_basket(self) -> None:
        """What was chosen stays chosen in whatever folder one goes on to."""
        count = len(self.chosen)
        self._basket.clear()
        self._basket.set_visibility(count > 0)
        with self._basket:
            said = ngettext("{count} item is chosen", "{count} items are chosen", count)
            ui.label(said.format(count=count)).classes("hf-strong")
            ui.button(_("Choose nothing"), on_click=self._visit.doing(self._clear)).props(
                "flat dense no-caps color=primary"
            )

    def _sorts_by_name_only(self) -> None:
        said = _("The agent of {machine} is of an older version, which sorts by name only.")
        with ui.element("div").classes("hf-pages"):
            ui.label(said.format(machine=self._look.host)).classes("hf-muted")

    def _pages(self, folder: Folder) -> None:
        if folder.total <= _PER_PAGE:
            return
        last = folder.offset + len(folder.items)
        with ui.element("div").classes("hf-pages"):
            said = _("{first}-{last} of {count}")
            ui.label(
                said.format(first=folder.offset + 1, last=last, count=f"{folder.total:,}")
            ).classes("hf-muted")
            for icon, label, by, is_there in (
                ("chevron_left", _("Previous page"), -_PER_PAGE, folder.offset > 0),
                ("chevron_right", _("Next page"), _PER_PAGE, last < folder.total),
            ):
                turn = ui.button(
                    icon=icon, on_click=self._visit.doing(lambda by=by: self._turn(by))
                )
                turn.props("outline dense color=primary").props["aria-label"] = label
                turn.set_enabled(is_there)

    def _searched(self, found: SearchFound) -> None:
        said = _("{count} items were looked at.").format(count=f"{found.looked_at:,}")
        more = "" if found.is_complete else _("There may be more: search in a folder further down.")
        with ui.element("div").classes("hf-pages"):
            ui.label(f"{said} {more}").classes("hf-muted")


def _opener(text: str, act: Callable[..., Awaitable[None]]) -> None:
    """A folder: it opens here, so it is a button that looks like a link."""
    button = ui.element("button").props("type=button").classes("hf-opener")
    button._text = text  # noqa: SLF001  the framework's way to a text
    button.on("click", act)
