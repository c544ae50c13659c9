"""The log of a job as it grows, and the whole of it to take along."""

from collections import deque
from collections.abc import Iterable

from nicegui import ui

from holdfast.app.control.job_views import LineView
from holdfast.app.control.jobs import job_lines
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.visiting import Visit
from holdfast.fleet.paging import MOST, Window, make_cursor

# What a browser is given to show; the file has all of it.
_SHOWN = 400


class JobLog:
    def __init__(self, visit: Visit, job_id: str) -> None:
        self._visit, self._job_id = visit, job_id
        self._after: str | None = None
        self._last = deque[str](maxlen=_SHOWN)
        self._count = 0
        with ui.row().classes("hf-row justify-between w-full"):
            shown.heading(_("Log"))
            button = ui.button(
                _("Whole log"), icon="download", on_click=visit.doing(self._download)
            )
            button.props("flat dense no-caps")
        self._told = ui.label().classes("hf-muted")
        self._text = ui.element("pre").classes("hf-log").props("tabindex=0 role=log")
        self._text.props["aria-label"] = _("Log")

    async def refresh(self) -> None:
        """What came since; the first time, everything."""
        fresh: list[LineView] = []
        while True:
            window = Window(limit=MOST, after=self._after)
            found = await self._visit.ask(job_lines, self._job_id, window)
            fresh += found.items
            if found.items:
                self._after = make_cursor([str(found.items[-1].id)])
            if found.next is None:
                break
        if fresh or not self._count:
            self._show(fresh)

    def _show(self, fresh: Iterable[LineView]) -> None:
        for line in fresh:
            self._count += 1
            self._last.append(_written(line))
        self._text._text = "\n".join(self._last)  # noqa: SLF001  the framework's way to a text
        self._text.update()
        self._text.set_visibility(bool(self._count))
        self._told.set_text(_told(self._count, len(self._last)))

    async def _download(self) -> None:
        lines, after = list[str](), None
        while True:
            window = Window(limit=MOST, after=after)
            found = await self._visit.ask(job_lines, self._job_id, window)
            lines += [f"{line.at.isoformat()} {line.level} {line.text}" for line in found.items]
            after = found.next
            if after is None:
                break
        ui.download.content("\n".join(lines) + "\n", f"holdfast-job-{self._job_id}.log")


def _written(line: LineView) -> str:
    level = "" if line.level == "info" else f"{line.level}: "
    return f"{line.at.astimezone():%H:%M:%S}  {level}{line.text}"


def _told(count: int, seen: int) -> str:
    if not count:
        return _("Nothing was written yet.")
    lines = ngettext("{count} line", "{count} lines", count).format(count=f"{count:,}")
    if seen == count:
        return lines
    return _("{lines}, the last {seen} of them are shown").format(lines=lines, seen=seen)
