"""Parts that all reports share: which vault, the file to take along, how full a vault is."""

from collections.abc import Callable
from datetime import tzinfo

from nicegui import ui

from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity import Capacity, LimitView, VaultCapacity
from holdfast.base.texts import _, speaking
from holdfast.console.plain_tables import Cell, plain_table
from holdfast.console.shown import Tone
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import vault_names

TONES: dict[str, Tone] = {"good": "good", "fair": "warn", "bad": "bad", "": "idle"}


async def tools(visit: Visit, *, path: str, vault: str, name: str, make: Callable[[], str]) -> None:
    """A box to choose one vault from, and the same report as a file."""
    names = await vault_names(visit)
    # An address may name it as people do.
    chosen = vault if vault in names else next((id_ for id_ in names if names[id_] == vault), "")
    with ui.element("div").classes("hf-row"):
        box = ui.select({"": _("All vaults"), **names}, label=_("Vault"), value=chosen)
        box.props("dense outlined options-dense").classes("hf-narrow")
        box.on_value_change(
            visit.doing(
                lambda event: ui.navigate.to(f"{path}?vault={event.value}" if event.value else path)
            )
        )
        ui.space()
        button = ui.button(
            _("Take it along"),
            icon="download",
            on_click=visit.doing(lambda: ui.download.content(_made(visit, make), f"{name}.html")),
        )
        button.props("outline no-caps color=primary")


def zone_of(visit: Visit) -> tzinfo | None:
    """The clock of the server, as everywhere in the console."""
    return visit.plane.clock.now().tzinfo


def rooms(visit: Visit, found: Capacity) -> None:
    """What needs room first comes first."""
    zone = zone_of(visit)
    head = [_("Vault"), _("Stored"), _("Growth"), _("Limit"), _("Outlook"), _("When it is full")]
    plain_table("room", head, [row for one in found.vaults for row in _rows(one, found, zone)])


def _rows(one: VaultCapacity, found: Capacity, zone: tzinfo | None) -> list[list[Cell]]:
    begin = [
        Cell(one.vault, href=f"/reports/capacity?vault={one.vault_id}"),
        Cell(words.size(one.bytes_stored), is_number=True, value=one.bytes_stored),
        Cell(words.growth_text(one.growth)),
    ]
    if not one.limits:
        return [[*begin, Cell(_("none")), Cell(words.NOTHING), Cell(words.NOTHING)]]
    return [[*begin, *_limit(limit, found, zone)] for limit in one.limits]


def _limit(limit: LimitView, found: Capacity, zone: tzinfo | None) -> list[Cell]:
    return [
        Cell(words.limit_size(limit)),
        Cell(words.outlook_text(limit.outlook), tone=TONES[words.outlook_tone(limit.outlook)]),
        Cell(words.limit_text(limit, found.made_at, zone)),
    ]


def _made(visit: Visit, make: Callable[[], str]) -> bytes:
    with speaking(visit.lang):
        return make().encode()
