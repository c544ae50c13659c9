"""How a vault guards what it holds, in words."""

from holdfast.app.control.vaults import VaultFacts
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.shown import Tone


def guard_text(vault: VaultFacts) -> str:
    if vault.deleted_at is not None:
        return _("Deleted")
    if vault.is_lab:
        return _("Lab: nothing")
    if vault.immutability != "off":
        return _("Immutable")
    return _("Soft delete") if vault.soft_delete != "off" else _("Nothing")


def guard_tone(vault: VaultFacts) -> Tone:
    if vault.deleted_at is not None:
        return "idle"
    if vault.is_lab or (vault.immutability == "off" and vault.soft_delete == "off"):
        return "warn"
    return "good"


def room_text(vault: VaultFacts) -> str:
    used = shown.size(vault.bytes_stored)
    if not vault.quota_bytes:
        return used
    percent = round(100 * vault.bytes_stored / vault.quota_bytes)
    return _("{used} ({percent} % of {quota})").format(
        used=used, percent=percent, quota=shown.size(vault.quota_bytes)
    )


def soft_delete_text(vault: VaultFacts) -> str:
    if vault.is_lab:
        return _("off, as it is a lab")
    days = ngettext("{days} day", "{days} days", vault.soft_delete_days)
    said = days.format(days=vault.soft_delete_days)
    if vault.soft_delete == "off":
        return _("off")
    return _("{days}, for good").format(days=said) if vault.soft_delete == "always-on" else said


def immutability_text(vault: VaultFacts) -> str:
    if vault.immutability == "off":
        return _("off")
    days = ngettext("{days} day", "{days} days", vault.min_retention_days)
    said = days.format(days=vault.min_retention_days)
    if vault.immutability == "locked":
        return _("{days} at least, locked for good").format(days=said)
    return _("{days} at least").format(days=said)
