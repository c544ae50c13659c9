"""Sites: where replicas are taken in, how they are connected, and what lies at each."""

from dataclasses import replace

from nicegui import ui

from holdfast.app.control.machine_views import list_machines
from holdfast.app.control.replication_topology import Topology, show_topology
from holdfast.app.control.sites import (
    NewSite,
    ReplicaView,
    SiteView,
    add_site,
    list_replicas,
    list_sites,
    remove_site,
    show_site,
)
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.columns import ago_column, vm_column, word_column
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.parts import Parts
from holdfast.console.site_map import show_map
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import tone, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right

_EVERY = 10.0
_MINUTE, _GIB = 60, 30
_SCARCE, _SHORT = 0.1, 0.2
_REMARKS = {
    "replica-was-written": N_("was written to"),
    "replica-in-use": N_("is in use"),
}


@page("/sites", title=N_("Sites"), section="sites")
async def sites_page(visit: Visit) -> None:
    ui.label(
        _("A site is a folder on a registered host that takes replicas in; machines start there.")
    ).classes("hf-muted")
    _actions(visit)
    picture = Parts(lambda: visit.ask(show_topology))
    picture.add(_drawn, show_map)
    await picture.refresh()
    listing = Listing(
        visit,
        name="sites",
        columns=_columns(visit.plane.clock),
        load=lambda: all_of(visit, list_sites),
        empty=Empty(
            title=_("There is no site yet"),
            text=_(
                "Register a host with storage of its own, in another room or another town, then "
                "add it here as a site. Machines of other hosts can be replicated to it."
            ),
        ),
        choices=[Choice(name="state", label=_("State"), value=_state)],
    )
    await listing.show()

    async def again() -> None:
        await picture.refresh()
        await listing.refresh()

    visit.every(_EVERY, again)


@page("/sites/{site}", title=N_("Site"), section="sites")
async def site_page(visit: Visit, site: str) -> None:
    async def load() -> SiteView:
        return await visit.ask(show_site, site)

    head = Parts(load)
    head.add(_standing, lambda one: _head(visit, one))
    await head.refresh()
    shown.heading(_("Replicas that lie here"), place="replicas")
    names = {one.id: one.name for one in await all_of(visit, list_machines)}
    listing = Listing(
        visit,
        name="replicas",
        columns=_replica_columns(names, visit.plane.clock),
        load=lambda: all_of(visit, list_replicas, site),
        empty=Empty(
            title=_("No replica lies here"),
            text=_("Replicate a virtual machine to this site: its replica appears here."),
            action=_("Replication"),
            href="/replications",
        ),
    )
    await listing.show()

    async def again() -> None:
        await head.refresh()
        await listing.refresh()

    visit.every(_EVERY, again)


def _drawn(topology: Topology) -> tuple[object, ...]:
    """A minute more behind is no reason to draw all of it again under somebody's hand."""
    ways = [
        replace(one, worst_rpo_seconds=(one.worst_rpo_seconds or 0) // _MINUTE)
        for one in topology.ways
    ]
    return topology.hosts, ways


def _standing(one: SiteView) -> SiteView:
    return replace(one, told_at=None, bytes_free=(one.bytes_free or 0) >> _GIB)


def _state(row: SiteView) -> str:
    return word(words.SITE, row.state)


def _columns(clock: Clock) -> list[Column[SiteView]]:
    return [
        Column(
            name="site",
            label=_("Site"),
            value=lambda row: row.name,
            href=lambda row: f"/sites/{row.name}",
        ),
        word_column("state", _("State"), lambda row: row.state, words.SITE),
        Column(
            name="host",
            label=_("Host"),
            value=lambda row: row.machine,
            href=lambda row: f"/machines/{row.machine_id}",
        ),
        Column(name="folder", label=_("Folder"), value=lambda row: row.folder, is_minor=True),
        Column(
            name="replications",
            label=_("Replicated here"),
            value=lambda row: row.replications,
            href=lambda row: f"/replications?site={row.name}",
            is_number=True,
        ),
        Column(
            name="replicas",
            label=_("Replicas"),
            value=lambda row: row.replicas,
            href=lambda row: f"/sites/{row.name}",
            is_number=True,
        ),
        Column(
            name="free",
            label=_("Free"),
            value=lambda row: row.bytes_free,
            href=lambda row: f"/sites/{row.name}",
            text=_room,
            tone=_scarce,
        ),
        Column(name="trouble", label=_("Trouble"), value=lambda row: row.trouble, is_minor=True),
        ago_column("told", _("Heard"), lambda row: row.told_at, clock, is_minor=True),
    ]


def _room(row: SiteView) -> str:
    share = _share(row)
    return "-" if share is None else f"{shown.size(row.bytes_free)} ({share:.0%})"


def _scarce(row: SiteView) -> shown.Tone | None:
    """Said with a colour only where somebody should do something."""
    found = _room_tone(_share(row))
    return found if found in ("bad", "warn") else None


def _share(row: SiteView) -> float | None:
    if row.bytes_free is None or not row.bytes_total:
        return None
    return row.bytes_free / row.bytes_total


def _replica_columns(names: dict[str, str], clock: Clock) -> list[Column[ReplicaView]]:
    return [
        vm_column(lambda row: f"/recovery/{row.vm}"),
        Column(
            name="from",
            label=_("From"),
            value=lambda row: names.get(row.source, row.source),
        ),
        Column(
            name="points",
            label=_("Recovery points"),
            value=lambda row: row.points,
            is_number=True,
            href=lambda row: f"/recovery/{row.vm}",
        ),
        ago_column("newest", _("Newest point"), lambda row: row.newest_at, clock),
        Column(
            name="size",
            label=_("Size"),
            value=lambda row: row.bytes,
            text=lambda row: shown.size(row.bytes),
            is_number=True,
        ),
        Column(
            name="remarks",
            label=_("Remarks"),
            value=lambda row: ", ".join(
                _(_REMARKS[one]) if one in _REMARKS else one for one in row.remarks
            ),
        ),
    ]


def _head(visit: Visit, one: SiteView) -> None:
    with ui.element("div").classes("hf-row"):
        shown.subject(one.name)
        shown.chip(_state(one), tone(words.SITE, one.state) or "idle")
        shown.link(one.machine, f"/machines/{one.machine_id}")
        ui.label(f"{one.host}:{one.port} · {one.folder}").classes("hf-muted hf-code")
        ui.space()
        if visit.may(Right.MANAGE_SITES, one.vault_id):

            async def remove() -> None:
                await _remove(visit, one)

            ui.button(_("Remove this site"), on_click=visit.doing(remove)).props(
                "outline no-caps color=primary"
            )
    if one.trouble:
        with ui.element("section").classes("hf-notice hf-bad"):
            ui.label(_("The site cannot take anything in.")).classes("hf-strong")
            shown.link(one.trouble, f"/doctor?code={one.trouble}").classes("hf-code")
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        shown.figure(
            _("Replicated here"),
            str(one.replications),
            href=f"/replications?site={one.name}",
        )
        shown.figure(_("Replicas"), str(one.replicas), href="#replicas")
        shown.figure(
            _("Free"),
            shown.size(one.bytes_free),
            href="#replicas",
            tone=_room_tone(_share(one)),
            note=_("of {size}").format(size=shown.size(one.bytes_total)),
        )


def _room_tone(share: float | None) -> shown.Tone:
    if share is None:
        return "idle"
    if share < _SCARCE:
        return "bad"
    return "warn" if share < _SHORT else "good"


async def _remove(visit: Visit, one: SiteView) -> None:
    agreed = await confirm(
        _("Remove the site {name}?").format(name=one.name),
        _(
            "{count} machines are replicated here: their replication ends. What lies in its folder "
            "stays there."
        ).format(count=one.replications),
        yes=_("Remove it"),
        typed=one.name,
        is_dangerous=True,
    )
    if agreed:
        await visit.ask(remove_site, one.name, force=True)
        ui.navigate.to("/sites")


def _actions(visit: Visit) -> None:
    if not visit.may_anywhere(Right.MANAGE_SITES):
        return

    async def add() -> None:
        await _add(visit)

    with ui.element("div").classes("hf-row"):
        ui.button(_("Add a site"), icon="add", on_click=visit.doing(add)).props(
            "no-caps unelevated color=primary"
        )


async def _add(visit: Visit) -> None:
    machines = [one for one in await all_of(visit, list_machines) if one.state == "active"]
    text = _("A registered host that takes replicas in, in a folder on storage of its own.")
    with Form(_("Add a site"), yes=_("Add it"), text=text) as form:
        machine = ui.select(
            {one.id: one.name for one in machines}, label=_("Host"), with_input=True
        ).classes("w-full")
        name = ui.input(_("Name of the site")).classes("w-full")
        folder = ui.input(_("Folder"), value="/var/lib/holdfast/replicas").classes("w-full")
        where = ui.input(_("Address, if it is not the host's own name"), placeholder="HOST:9443")
        where.classes("w-full")
    if await form.agreed() and machine.value:
        new = NewSite(
            name=name.value,
            machine_id=machine.value,
            folder=folder.value,
            address=where.value or "",
        )
        made = await visit.ask(add_site, new)
        say(_("Its agent takes replicas in from its next heartbeat on."))
        ui.navigate.to(f"/sites/{made.name}")
