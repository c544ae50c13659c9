"""The settings of a vault in a form; what would weaken it asks for proof."""

from dataclasses import dataclass

from nicegui import ui

from holdfast.app.control.vault_errors import VaultSettingWrong
from holdfast.app.control.vault_settings import (
    LONGEST_RETENTION_DAYS,
    Immutability,
    SoftDelete,
    Wanted,
)
from holdfast.app.control.vaults import VaultFacts, change_vault
from holdfast.base.texts import _
from holdfast.console.asking import with_pin
from holdfast.console.forms import Form
from holdfast.console.sizes import read_bytes, written
from holdfast.console.visiting import Visit

_LOOK = "outlined dense"
_BOUNDS = {
    "machine_limit": range(1, 10_001),
    "credential_hours": range(1, 24 * 30 + 1),
    "soft_delete_days": range(1, 181),
    "min_retention_days": range(LONGEST_RETENTION_DAYS + 1),
    "backup_within_days": range(3661),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    name: ui.input
    machine_limit: ui.number
    credential_hours: ui.number
    soft_delete: ui.select
    soft_delete_days: ui.number
    immutability: ui.select
    min_retention_days: ui.number
    backup_within_days: ui.number
    four_eyes: ui.checkbox
    quota: ui.input
    rate: ui.input

    def wanted(self) -> Wanted:
        return Wanted(
            name=str(self.name.value or ""),
            machine_limit=_whole("machine_limit", self.machine_limit),
            credential_hours=_whole("credential_hours", self.credential_hours),
            soft_delete=SoftDelete(self.soft_delete.value),
            soft_delete_days=_whole("soft_delete_days", self.soft_delete_days),
            immutability=Immutability(self.immutability.value),
            min_retention_days=_whole("min_retention_days", self.min_retention_days),
            backup_within_days=_whole("backup_within_days", self.backup_within_days),
            four_eyes=bool(self.four_eyes.value),
            quota_bytes=read_bytes(str(self.quota.value or "0")),
            limit_rate=read_bytes(str(self.rate.value or "0")),
        )


async def change(visit: Visit, vault: VaultFacts) -> bool:
    """Whether it was changed."""
    with Form(_("Change {vault}").format(vault=vault.name), yes=_("Save")) as form:
        fields = _draw(vault)
        ui.label(
            _("What makes the vault weaker asks for your password, and tells all who get alerts.")
        ).classes("hf-muted")

    async def save() -> VaultFacts | None:
        wanted = fields.wanted()

        async def act(visit: Visit) -> VaultFacts:
            return await visit.ask(change_vault, vault.id, wanted)

        return await with_pin(visit, act)

    return await form.done(visit, save) is not None


def _draw(vault: VaultFacts) -> _Fields:
    with ui.element("div").classes("hf-fields hf-wide"):
        return _Fields(
            name=_text(_("Name"), vault.name),
            soft_delete=_choice(
                _("Soft delete"),
                vault.soft_delete,
                {"on": _("On"), "always-on": _("On, for good"), "off": _("Off")},
            ),
            soft_delete_days=_number(_("Days in the trash"), vault.soft_delete_days),
            immutability=_choice(
                _("Immutability"),
                vault.immutability,
                {"off": _("Off"), "on": _("On"), "locked": _("Locked, for good")},
            ),
            min_retention_days=_number(_("Days nobody can delete"), vault.min_retention_days),
            four_eyes=ui.checkbox(
                _("A second person agrees to what destroys"), value=vault.four_eyes
            ),
            backup_within_days=_number(
                _("Alarm after days without a backup"), vault.backup_within_days
            ),
            machine_limit=_number(_("Machines at most"), vault.machine_limit),
            credential_hours=_number(_("Hours a credentials file is good"), vault.credential_hours),
            quota=_text(_("Room at most, as in 2T"), written(vault.quota_bytes)),
            rate=_text(_("Bytes a second, as in 50M"), written(vault.limit_rate)),
        )


def _choice(label: str, value: str, words: dict[str, str]) -> ui.select:
    return ui.select(words, label=label, value=value).props(_LOOK)


def _text(label: str, value: str) -> ui.input:
    return ui.input(label, value=value).props(_LOOK)


def _number(label: str, value: int) -> ui.number:
    return ui.number(label, value=value, min=0, precision=0).props(_LOOK)


def _whole(setting: str, field: ui.number) -> int | None:
    """As the API has its bounds."""
    if field.value is None:
        return None
    value, bounds = int(field.value), _BOUNDS[setting]
    if value not in bounds:
        reason = _("from {first} to {last}").format(first=bounds[0], last=bounds[-1])
        raise VaultSettingWrong(setting=setting.replace("_", "-"), value=value, reason=reason)
    return value
