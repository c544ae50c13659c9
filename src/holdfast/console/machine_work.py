"""What was kept of a machine last, and what its agent did last."""

from datetime import datetime

from nicegui import ui

from holdfast.app.control.job_views import JobView
from holdfast.app.control.jobs import list_jobs
from holdfast.app.control.point_lists import PointLine, PointWanted, list_all_points
from holdfast.base.texts import _
from holdfast.catalog.jobs import JobFilter
from holdfast.console import job_words, shown
from holdfast.console.panels import Panel
from holdfast.console.plain_tables import Cell, moment_cell, plain_table, size_cell
from holdfast.console.thing_words import CONSISTENCY, tone, word
from holdfast.console.visiting import Visit
from holdfast.fleet.paging import Window

_SHOWN = 6
_EVERY = 10.0


async def newest_points(visit: Visit, machine_id: str, *, vm: str = "") -> None:
    async def load() -> list[PointLine]:
        wanted = PointWanted(machine=machine_id, vm=vm or None)
        return (await visit.ask(list_all_points, wanted, Window(limit=_SHOWN))).items

    def draw(found: list[PointLine]) -> None:
        with shown.card(_("Newest recovery points")):
            if not found:
                ui.label(_("There is no recovery point yet.")).classes("hf-muted")
                return
            now = visit.plane.clock.now()
            plain_table(
                "newest-points",
                [_("Taken"), _("Of"), _("Class"), _("New data")],
                [
                    [
                        moment_cell(one.taken_at, shown.ago(one.taken_at, now), point_place(one)),
                        Cell(", ".join(one.paths)),
                        _class(one),
                        size_cell(one.bytes_added),
                    ]
                    for one in found
                ],
            )
            more = f"/points?machine={machine_id}" + (f"&vm={vm}" if vm else "")
            shown.link(_("All of them on a calendar"), more)

    panel = Panel(load, draw)
    await panel.refresh()
    visit.every(_EVERY, panel.refresh)


async def recent_jobs(visit: Visit, machine_id: str, *, source: str = "") -> None:
    async def load() -> list[JobView]:
        wanted = JobFilter(machine_id=machine_id)
        found = (await visit.ask(list_jobs, wanted, Window(limit=100))).items
        return [one for one in found if not source or one.source == source][:_SHOWN]

    def draw(found: list[JobView]) -> None:
        with shown.card(_("Latest jobs")):
            if not found:
                ui.label(_("It has done nothing yet.")).classes("hf-muted")
                return
            now = visit.plane.clock.now()
            plain_table(
                "latest-jobs",
                [_("Job"), _("State"), _("Began")],
                [
                    [
                        Cell(job_words.kind_text(one.kind), href=f"/jobs/{one.id}"),
                        Cell(job_words.standing(one), tone=job_words.tone(one.state)),
                        _began(one, now),
                    ]
                    for one in found
                ],
            )
            shown.link(_("All jobs of this machine"), f"/jobs?machine={machine_id}")

    panel = Panel(load, draw)
    await panel.refresh()
    visit.every(_EVERY, panel.refresh)


def _began(one: JobView, now: datetime) -> Cell:
    began = one.started_at or one.created_at
    return moment_cell(began, shown.ago(began, now))


def point_place(one: PointLine) -> str:
    return f"/points/{one.machine_id}/{one.id}"


def _class(one: PointLine) -> Cell:
    if one.vm is None:
        return Cell(_("Files"))
    return Cell(word(CONSISTENCY, one.consistency), tone=tone(CONSISTENCY, one.consistency))
