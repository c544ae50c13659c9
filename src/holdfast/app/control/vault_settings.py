"""The protection of a vault: what may be changed, and what takes something away. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from holdfast.app.control.vault_errors import ProtectionLocked, VaultSettingWrong
from holdfast.base.texts import _
from holdfast.catalog.tables import Vault

SOFT_DELETE_DAYS = range(14, 181)
LAB_SOFT_DELETE_DAYS = range(1, 181)
LONGEST_RETENTION_DAYS = 36_500


class SoftDelete(StrEnum):
    OFF = "off"
    ON = "on"
    ALWAYS_ON = "always-on"  # never goes back


class Immutability(StrEnum):
    OFF = "off"
    ON = "on"
    LOCKED = "locked"  # never goes back, nor shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is None stays as it is; a quota or a rate of 0 is none."""

    name: str | None = None
    machine_limit: int | None = None
    credential_hours: int | None = None
    soft_delete: SoftDelete | None = None
    soft_delete_days: int | None = None
    immutability: Immutability | None = None
    min_retention_days: int | None = None
    backup_within_days: int | None = None
    four_eyes: bool | None = None
    is_lab: bool | None = None
    quota_bytes: int | None = None
    limit_rate: int | None = None

    def changes(self, vault: Vault) -> dict[str, Any]:
        """What would be different from the vault as it is."""
        found: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("quota_bytes", "limit_rate") and value == 0:
                if getattr(vault, field.name) is not None:
                    found[field.name] = None
            elif value is not None and value != getattr(vault, field.name):
                found[field.name] = value
        return found


def check(vault: Vault, changes: dict[str, Any]) -> None:
    """Raise for what is promised never to change, and for what makes no sense."""
    after = _After(vault, changes)
    _check_locked(vault, changes, after)
    _check_lab(vault, after)
    days = LAB_SOFT_DELETE_DAYS if after.is_lab else SOFT_DELETE_DAYS
    if "soft_delete_days" in changes and after.soft_delete_days not in days:
        reason = _("from {first} to {last} days").format(first=days[0], last=days[-1])
        raise _wrong("soft-delete-days", after.soft_delete_days, reason)
    if after.immutability != Immutability.OFF and after.min_retention_days < 1:
        reason = _("it needs a minimum retention of a day or more")
        raise _wrong("immutability", after.immutability, reason)


def takes_away(vault: Vault, changes: dict[str, Any]) -> bool:
    """Whether something that protects would be weaker: that needs to be asked for twice."""
    return any(
        (
            changes.get("soft_delete") == SoftDelete.OFF,
            changes.get("soft_delete_days", vault.soft_delete_days) < vault.soft_delete_days,
            changes.get("immutability") == Immutability.OFF,
            changes.get("immutability") == Immutability.ON and _is_locked(vault),
            changes.get("min_retention_days", vault.min_retention_days) < vault.min_retention_days,
            changes.get("four_eyes") is False,
            changes.get("is_lab") is True,
        )
    )


def alerts_for(vault: Vault, changes: dict[str, Any]) -> list[str]:
    """The kinds of alerts that tell of what would be weaker."""
    is_soft = vault.soft_delete != SoftDelete.OFF and not vault.is_lab
    ends_soft = changes.get("soft_delete") == SoftDelete.OFF or changes.get("is_lab") is True
    found = {
        "soft-delete-off": is_soft and ends_soft,
        "immutability-off": changes.get("immutability") == Immutability.OFF,
        "four-eyes-off": changes.get("four_eyes") is False,
        "retention-shorter": any(
            changes.get(name, getattr(vault, name)) < getattr(vault, name)
            for name in ("soft_delete_days", "min_retention_days")
        ),
    }
    return [kind for kind, is_so in found.items() if is_so]


class _After:
    """The vault as it would be."""

    def __init__(self, vault: Vault, changes: dict[str, Any]) -> None:
        self._vault, self._changes = vault, changes

    def __getattr__(self, name: str) -> Any:
        return self._changes.get(name, getattr(self._vault, name))


def _check_locked(vault: Vault, changes: dict[str, Any], after: _After) -> None:
    for setting in _locked(vault, after):
        if setting in changes:
            raise ProtectionLocked(
                setting=setting.replace("_", "-"),
                vault=vault.name,
                old=getattr(vault, setting),
                new=changes[setting],
                reason=_("it was set for good"),
            )


def _locked(vault: Vault, after: _After) -> Iterator[str]:
    if vault.soft_delete == SoftDelete.ALWAYS_ON:
        yield "soft_delete"
        if after.soft_delete_days < vault.soft_delete_days:
            yield "soft_delete_days"
    if _is_locked(vault):
        yield "immutability"
        if after.min_retention_days < vault.min_retention_days:
            yield "min_retention_days"


def _check_lab(vault: Vault, after: _After) -> None:
    if not after.is_lab:
        return
    if after.immutability != Immutability.OFF or vault.soft_delete == SoftDelete.ALWAYS_ON:
        reason = _("a lab vault has neither immutability nor soft delete")
        raise _wrong("lab", True, reason)  # noqa: FBT003  the value refused


def _is_locked(vault: Vault) -> bool:
    return vault.immutability == Immutability.LOCKED


def _wrong(setting: str, value: object, reason: str) -> VaultSettingWrong:
    return VaultSettingWrong(setting=setting, value=value, reason=reason)
