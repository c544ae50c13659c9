"""Every vault: where it lies, how full it is, how well what it holds is guarded."""

from nicegui import ui

from holdfast.app.control.vaults import VaultFacts, create_vault, list_vaults
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console.columns import ago_column
from holdfast.console.forms import Form
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.vault_words import guard_text, guard_tone, room_text
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right


@page("/vaults", title=N_("Vaults"), section="vaults")
async def vaults_page(visit: Visit, name: str = "") -> None:
    may_create = visit.may(Right.CREATE_VAULT)
    with ui.element("div").classes("hf-row"):
        ui.label(
            _("A vault is a place for recovery points: a folder, or a bucket in a cloud.")
        ).classes("hf-muted")
        ui.space()
        if may_create:
            ui.button(
                _("New vault"), icon="add", on_click=visit.doing(lambda: _create(visit))
            ).props("unelevated no-caps color=primary")
    listing = Listing(
        visit,
        name="vaults",
        columns=_columns(visit.plane.clock),
        load=lambda: all_of(visit, list_vaults, with_deleted=True),
        empty=Empty(
            title=_("There is no vault yet"),
            text=_(
                "Make one on a disk other than the one you protect, or in a bucket: "
                "az://container, s3://bucket or gs://bucket. Machines are registered to it."
            ),
        ),
        choices=[
            Choice(name="guard", label=_("Guarded"), value=guard_text),
        ],
        wish=Wish(words=name, sort="name"),
    )
    await listing.show()


async def _create(visit: Visit) -> None:
    with Form(_("New vault"), yes=_("Make it")) as form:
        name = ui.input(_("Name"))
        place = ui.input(_("Place"))
        place.props('placeholder="/srv/vault  az://container  s3://bucket"')
        ui.label(_("The place is tried out before the vault is made.")).classes("hf-muted")
        lab = ui.checkbox(_("A lab: what is deleted is gone at once, and no PIN is asked for"))

    async def create() -> VaultFacts:
        return await visit.ask(
            create_vault,
            name=str(name.value or ""),
            location=str(place.value or ""),
            is_lab=bool(lab.value),
        )

    made = await form.done(visit, create)
    if made:
        ui.navigate.to(f"/vaults/{made.id}")


def _columns(clock: Clock) -> list[Column[VaultFacts]]:
    return [
        Column(
            name="name",
            label=_("Vault"),
            value=lambda one: one.name,
            href=lambda one: f"/vaults/{one.id}",
        ),
        Column(
            name="guard",
            label=_("Guarded"),
            value=guard_text,
            tone=guard_tone,
        ),
        Column(name="location", label=_("Place"), value=lambda one: one.location, is_minor=True),
        Column(
            name="machines",
            label=_("Machines"),
            value=lambda one: one.machines,
            href=lambda one: f"/machines?vault={one.id}" if one.machines else None,
            is_number=True,
        ),
        Column(
            name="bytes_stored",
            label=_("Stored"),
            value=lambda one: one.bytes_stored,
            text=room_text,
            is_number=True,
        ),
        ago_column("created_at", _("Made"), lambda one: one.created_at, clock, is_minor=True),
    ]
