"""Jobs: what is being done now, and what was done."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query
from nicegui import ui

from holdfast.app.control.job_views import JobView
from holdfast.app.control.jobs import list_jobs
from holdfast.base.texts import N_, _, ngettext
from holdfast.catalog.jobs import JobFilter
from holdfast.console import shown
from holdfast.console.columns import ago_column
from holdfast.console.job_lists import DAY, EVER, WEEK, JobsAsked
from holdfast.console.job_progress import ProgressBar
from holdfast.console.job_words import (
    about,
    begun_by,
    kind_text,
    standing,
    state_text,
    tone,
    took,
)
from holdfast.console.narrowed import narrowed, only_these
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import State
from holdfast.fleet.paging import MOST, Window

_RUNNING_SECONDS, _LIST_SECONDS = 2.0, 10.0
_MOST_AT_WORK = 12
_MONTH = 30 * DAY


@page("/jobs", title=N_("Jobs"), section="jobs")
async def jobs_page(  # noqa: PLR0913  what they can be chosen by
    visit: Visit,
    state: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    machine: str = "",
    vault: str = "",
    hours: int = WEEK,
    *,
    over: bool = False,
) -> None:
    """All as the API knows them, several states and kinds as well; `hours` 0: as far back as it goes.

    `over`: only those that came to their end in these hours.
    """
    asked = JobsAsked(
        states=tuple(state or ()),
        kinds=tuple(kind or ()),
        machine=machine,
        vault=vault,
        hours=hours if hours in (DAY, WEEK, _MONTH, EVER) else WEEK,
        is_over=over,
    )
    jobs = _Jobs(visit, asked)
    await jobs.show()
    visit.every(_RUNNING_SECONDS, jobs.look_at_work)
    visit.every(_LIST_SECONDS, jobs.refresh)


class _Jobs:
    def __init__(self, visit: Visit, asked: JobsAsked) -> None:
        self._visit, self._asked = visit, asked
        self._bars: dict[str, ProgressBar] = {}
        self._work: ui.element
        self._told: ui.label
        self._listing: Listing[JobView]

    async def show(self) -> None:
        self._only()
        self._work = shown.card(_("At work now"))
        self._period()
        self._told = ui.label().classes("hf-muted")
        self._listing = Listing(
            self._visit,
            name="jobs",
            columns=_columns(self._visit),
            load=self._load,
            empty=Empty(
                title=_("No job in this time"),
                text=_(
                    "Backups, restores, checks and recoveries are jobs: each shows its steps, its "
                    "log and, when it fails, what lies under it."
                ),
                action=_("Protect a machine"),
                href="/start",
            ),
            choices=_choices(),
            sort="since",
            is_descending=True,
        )
        await self._listing.show()
        await self.look_at_work()

    def _only(self) -> None:
        asked, said = self._asked, []
        if asked.machine or asked.vault:
            said.append(_("Only those of one machine or vault are shown."))
        if asked.words:
            said.append(only_these(asked.words))
        if said:
            narrowed(" ".join(said), "/jobs")

    async def refresh(self) -> None:
        await self._listing.refresh()

    async def look_at_work(self) -> None:
        wanted = JobFilter(
            states=(State.RUNNING.value,),
            vault_id=self._asked.vault or None,
            machine_id=self._asked.machine or None,
        )
        found = await self._visit.ask(list_jobs, wanted, Window(limit=_MOST_AT_WORK))
        if {job.id for job in found.items} != self._bars.keys() or not self._bars:
            self._draw_work(found.items, has_more=found.next is not None)
        for job in found.items:
            self._bars[job.id].show(job)

    def _draw_work(self, jobs: Sequence[JobView], *, has_more: bool) -> None:
        self._work.clear()
        self._bars = {}
        with self._work:
            shown.heading(_("At work now"))
            if not jobs:
                ui.label(_("No job runs at the moment.")).classes("hf-muted")
            with ui.element("div").classes("hf-halves"):
                for job in jobs:
                    self._bars[job.id] = self._at_work(job)
            if has_more:
                ui.label(_("There are more; the list has all of them.")).classes("hf-muted")

    def _at_work(self, job: JobView) -> ProgressBar:
        with ui.element("div").classes("hf-stack"):
            said = " · ".join(filter(None, (kind_text(job.kind), job.machine, about(job))))
            shown.link(said, f"/jobs/{job.id}").classes("hf-strong")
            return ProgressBar(self._visit, job)

    def _period(self) -> None:
        periods = {
            DAY: _("The last day"),
            WEEK: _("The last week"),
            _MONTH: _("The last 30 days"),
            EVER: _("As far back as it goes"),
        }
        box = ui.select(periods, label=_("Time"), value=self._asked.hours).props("dense outlined")
        box.classes("hf-choice hf-narrow")
        box.on_value_change(self._visit.doing(self._change_period))

    async def _change_period(self, event: object) -> None:
        self._asked = replace(self._asked, hours=getattr(event, "value", WEEK))
        await self.refresh()

    async def _load(self) -> Sequence[JobView]:
        wanted = self._asked.filter(self._visit.plane.clock.now())
        found = await self._visit.ask(list_jobs, wanted, Window(limit=MOST))
        self._told.set_text(_told(len(found.items), is_cut=found.next is not None))
        return found.items


def _told(count: int, *, is_cut: bool) -> str:
    if is_cut:
        text = _("The newest {count} jobs of this time are listed; the API and the CLI list all.")
        return text.format(count=f"{count:,}")
    return ngettext("{count} job", "{count} jobs", count).format(count=f"{count:,}")


def _columns(visit: Visit) -> list[Column[JobView]]:
    now = visit.plane.clock.now
    return [
        Column(
            name="kind",
            label=_("Job"),
            value=lambda job: kind_text(job.kind),
            href=lambda job: f"/jobs/{job.id}",
        ),
        Column(name="state", label=_("State"), value=standing, tone=lambda job: tone(job.state)),
        Column(
            name="machine",
            label=_("Machine"),
            value=lambda job: job.machine,
            href=lambda job: f"/machines/{job.machine_id}" if job.machine_id else None,
        ),
        Column(name="about", label=_("About"), value=about, is_minor=True),
        ago_column(
            "since",
            _("Begun"),
            lambda job: job.started_at or job.created_at,
            visit.plane.clock,
        ),
        Column(
            name="took",
            label=_("Took"),
            value=lambda job: took(job, now()),
            text=lambda job: shown.duration(took(job, now())),
            is_number=True,
        ),
        Column(name="error", label=_("Error"), value=lambda job: job.error_code or ""),
        Column(
            name="by",
            label=_("Begun by"),
            value=begun_by,
            is_minor=True,
        ),
    ]


def _choices() -> list[Choice[JobView]]:
    return [
        Choice(name="state", label=_("State"), value=lambda job: state_text(job.state)),
        Choice(name="kind", label=_("Kind"), value=lambda job: kind_text(job.kind)),
        Choice(name="machine", label=_("Machine"), value=lambda job: job.machine or ""),
    ]
