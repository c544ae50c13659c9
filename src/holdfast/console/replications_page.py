"""All replications: how far behind each is, how well, and what keeps it."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control.job_orders import order_job
from holdfast.app.control.replication_views import ReplicationView, list_replications
from holdfast.app.control.sites import list_sites
from holdfast.app.control.vms import HostedVm, list_all_vms
from holdfast.base.texts import N_, _
from holdfast.catalog.replications import Filter
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.columns import time_column, vm_column, word_column
from holdfast.console.forms import Form
from holdfast.console.one_look import OneLook
from holdfast.console.pages import page
from holdfast.console.parts import Parts
from holdfast.console.replication_settings import INTERVALS
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_EVERY = 5.0


@page("/replications", title=N_("Replication"), section="replications")
async def replications_page(
    visit: Visit, health: str = "", site: str = "", machine: str = ""
) -> None:
    ui.label(
        _("Each virtual machine that is copied to another site, again and again, as it changes.")
    ).classes("hf-muted")

    async def load() -> list[ReplicationView]:
        return await all_of(visit, list_replications, Filter())

    look = OneLook(load)
    figures = Parts(look.anew)
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        figures.add(_counts, _healths, is_within=True)
        figures.add(lambda rows: rows, _figures, is_within=True)
    await figures.refresh()
    _actions(visit)
    listing = Listing(
        visit,
        name="replications",
        columns=_columns(),
        load=look.last,
        empty=Empty(
            title=_("Nothing is replicated yet"),
            text=_(
                "A replica at another site is minutes or seconds behind, and starts there when "
                "this site is lost. Add a site, then replicate a virtual machine to it."
            ),
            action=_("Add a site"),
            href="/sites",
        ),
        choices=[
            Choice(name="health", label=_("Health"), value=_health),
            Choice(name="site", label=_("Site"), value=lambda row: row.site),
            Choice(name="machine", label=_("Host"), value=lambda row: row.machine),
        ],
        sort="behind",
        is_descending=True,
        wish=_wish(health=health, site=site, machine=machine),
    )
    with shown.placed(ui.element("div"), "listed"):
        await listing.show()

    async def again() -> None:
        await figures.refresh()
        await listing.refresh()

    visit.every(_EVERY, again)


def _wish(*, health: str, site: str, machine: str) -> Wish | None:
    said = word(words.HEALTH, health) if health else ""
    chosen = {"health": said, "site": site, "machine": machine}
    chosen = {name: value for name, value in chosen.items() if value}
    return Wish(chosen=chosen, sort="behind", is_descending=True) if chosen else None


def _health(row: ReplicationView) -> str:
    return word(words.HEALTH, row.health)


def _counts(rows: Sequence[ReplicationView]) -> dict[str, int]:
    return {name: sum(row.health == name for row in rows) for name in words.HEALTH}


def _healths(rows: Sequence[ReplicationView]) -> None:
    for name, count in _counts(rows).items() if rows else ():
        label, colour = words.HEALTH[name]
        shown.figure(
            _(label),
            str(count),
            tone=colour if count or name == "normal" else "idle",
            href=f"/replications?health={name}",
        )


def _figures(rows: Sequence[ReplicationView]) -> None:
    if not rows:
        return
    behind = [(row.rpo_seconds, row.id) for row in rows if row.rpo_seconds is not None]
    seconds, worst = max(behind, default=(None, ""))
    href = f"/replications/{worst}" if worst else "#listed"
    shown.figure(_("Furthest behind"), shown.duration(seconds), href=href)
    waits = shown.size(sum(row.queue_bytes for row in rows))
    shown.figure(_("Waits to be sent"), waits, href="#listed")


def _columns() -> list[Column[ReplicationView]]:
    return [
        vm_column(lambda row: f"/replications/{row.id}"),
        word_column("health", _("Health"), lambda row: row.health, words.HEALTH),
        time_column("behind", _("Behind"), lambda row: row.rpo_seconds),
        Column(
            name="state",
            label=_("State"),
            value=lambda row: row.state,
            text=lambda row: word(words.STATE, row.state),
        ),
        Column(
            name="from",
            label=_("From"),
            value=lambda row: row.machine,
            href=lambda row: f"/machines/{row.machine_id}",
        ),
        Column(
            name="to",
            label=_("To"),
            value=lambda row: row.site,
            href=lambda row: f"/sites/{row.site}",
        ),
        Column(
            name="queue",
            label=_("Queue"),
            value=lambda row: row.queue_bytes,
            text=lambda row: shown.size(row.queue_bytes) if row.queue_bytes else "-",
            is_number=True,
            is_minor=True,
        ),
        Column(name="why", label=_("What is wrong"), value=_why),
    ]


def _why(row: ReplicationView) -> str:
    """The gravest alone; the page of the one has all of them."""
    return row.reasons[0].said if row.reasons else ""


def _actions(visit: Visit) -> None:
    if not visit.may_anywhere(Right.RUN_JOBS):
        return

    async def begin() -> None:
        await _replicate(visit)

    with ui.element("div").classes("hf-row"):
        ui.button(_("Replicate a virtual machine"), icon="add", on_click=visit.doing(begin)).props(
            "no-caps unelevated color=primary"
        )


async def _replicate(visit: Visit) -> None:
    """One form; the host does the rest, step by step."""
    vms = await all_of(visit, list_all_vms)
    sites = await all_of(visit, list_sites)
    known: dict[str, HostedVm] = {f"{one.machine_id}/{one.vm.uuid}": one for one in vms}
    with Form(_("Replicate a virtual machine"), yes=_("Replicate it")) as form:
        vm = ui.select(
            {key: f"{one.vm.name} ({one.machine})" for key, one in known.items()},
            label=_("Virtual machine"),
            with_input=True,
        ).classes("w-full")
        to = ui.select([one.name for one in sites], label=_("To the site")).classes("w-full")
        every = ui.select(
            {key: _(text) for key, text in INTERVALS.items()},
            label=_("A new point each"),
            value="5m",
        ).classes("w-full")
        hours = ui.number(_("Keep points for hours"), value=24, min=1, max=360).classes("w-full")
        if not sites:
            ui.label(_("There is no site yet: add one first.")).classes("hf-muted")
    if not await form.agreed() or not vm.value or not to.value:
        return
    chosen = known[vm.value]
    arguments = {
        "vm": chosen.vm.name,
        "to": to.value,
        "every": every.value,
        "points": int(hours.value or 24),
    }
    made = await visit.ask(
        order_job, chosen.machine_id, kind=Kind.REPLICATE.value, arguments=arguments
    )
    nudge(made.id)
    ui.navigate.to(f"/jobs/{made.id}")
