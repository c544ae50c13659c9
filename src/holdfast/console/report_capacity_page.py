"""How much each vault holds and will hold, drawn, with how sure that is."""

from nicegui import ui

from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity import VaultCapacity, forecast
from holdfast.app.control.reports.capacity_page import capacity_page as page_of
from holdfast.base.texts import N_, _
from holdfast.base.units import GIB, MIB
from holdfast.console import shown
from holdfast.console.charts import Series, time_chart
from holdfast.console.pages import page
from holdfast.console.report_parts import rooms, tools, zone_of
from holdfast.console.visiting import Visit


@page("/reports/capacity", title=N_("Capacity forecast"), section="reports")
async def capacity_page(visit: Visit, vault: str = "") -> None:
    found = await visit.ask(forecast, vault=vault or None)
    ui.label(
        _(
            "What a day adds differs from day to day; the more it does, the less sure it is when "
            "a vault is full. The times given hold four times in five, as long as things go on as "
            "they did."
        )
    ).classes("hf-muted")
    await tools(
        visit,
        path="/reports/capacity",
        vault=vault,
        name="holdfast-capacity",
        make=lambda: page_of(found, zone=zone_of(visit)),
    )
    if not found.vaults:
        shown.empty(
            _("There is no vault yet"),
            _("Once there is one, it is noted each hour how much it holds."),
            action=_("See the vaults"),
            href="/vaults",
        )
        return
    with shown.card(_("How long there is room")):
        rooms(visit, found)
    for one in found.vaults:
        _drawn(visit, one)


def _drawn(visit: Visit, one: VaultCapacity) -> None:
    with shown.card(one.vault, place=f"vault-{one.vault_id}"):
        with ui.element("div").classes("hf-grid"):
            shown.figure(_("Stored"), words.size(one.bytes_stored), href=f"/vaults/{one.vault_id}")
            grown = words.signed(one.growth.per_day) if one.growth else words.NOTHING
            shown.figure(
                *(_("Growth a day"), grown),
                href=f"#vault-{one.vault_id}",
                note=words.growth_range(one.growth),
            )
            shown.figure(_("Machines"), str(one.machines), href=f"/machines?vault={one.vault_id}")
            for limit in one.limits[:1]:
                left = _("Left of its quota") if limit.of == "quota" else _("Left on its disk")
                room = words.size(max(0, limit.limit - limit.used))
                shown.figure(left, room, href=f"/vaults/{one.vault_id}")
        if len(one.history) < 2 or not one.bytes_stored:  # noqa: PLR2004  a line has two ends
            ui.label(_("Too little is known yet to be drawn.")).classes("hf-muted")
            return
        _chart(visit, one)


def _chart(visit: Visit, one: VaultCapacity) -> None:
    unit, size = ("GiB", GIB) if one.bytes_stored >= GIB else ("MiB", MIB)
    series = [
        Series(name=_("Stored"), points=[(at.at, at.size / size) for at in one.history]),
    ]
    if one.ahead:
        series += [
            Series(name=_("Expected"), points=[(at.at, at.expected / size) for at in one.ahead]),
            Series(name=_("At most"), points=[(at.at, at.high / size) for at in one.ahead]),
            Series(name=_("At least"), points=[(at.at, at.low / size) for at in one.ahead]),
        ]
    title = _("What {vault} holds").format(vault=one.vault)
    time_chart(visit, title=title, unit=unit, series=series)
