"""Vaults, and who has which role in them. `{vault}` is an id or a name."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from holdfast.app.control import grants, vaults
from holdfast.app.control.grants import GrantFacts
from holdfast.app.control.vault_settings import (
    LONGEST_RETENTION_DAYS,
    Immutability,
    SoftDelete,
    Wanted,
)
from holdfast.app.control.vaults import VaultFacts
from holdfast.fleet.roles import Role
from holdfast.server.api.sessions import Name
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(prefix="/vaults", tags=["vaults"])

_Bytes = Annotated[int, Field(ge=0, le=1 << 62, description="0: no limit.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultWanted:
    name: Name
    location: Annotated[str, Field(min_length=1, max_length=1000)]
    is_lab: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPatch:
    """What is not given stays as it is."""

    name: Name | None = None
    machine_limit: Annotated[int, Field(ge=1, le=10_000)] | None = None
    credential_hours: Annotated[int, Field(ge=1, le=24 * 30)] | None = None
    soft_delete: SoftDelete | None = None
    soft_delete_days: Annotated[int, Field(ge=1, le=180)] | None = None
    immutability: Immutability | None = None
    min_retention_days: Annotated[int, Field(ge=0, le=LONGEST_RETENTION_DAYS)] | None = None
    backup_within_days: (
        Annotated[int, Field(ge=0, le=3660, description="0: nobody is told.")] | None
    ) = None
    four_eyes: bool | None = None
    is_lab: bool | None = None
    quota_bytes: _Bytes | None = None
    limit_rate: _Bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleWanted:
    role: Role


@router.get("")
def list_vaults(
    plane: ThePlane,
    person: Person,
    window: Paging,
    *,
    deleted: Annotated[bool, Query(description="Also those deleted softly.")] = False,
) -> Page[VaultFacts]:
    return vaults.list_vaults(plane, person, window, with_deleted=deleted)


@router.post("", status_code=HTTPStatus.CREATED)
def create_vault(plane: ThePlane, person: Person, wanted: VaultWanted) -> VaultFacts:
    """The place is tried out first: a folder that is not there is made, a bucket is not."""
    return vaults.create_vault(
        plane, person, name=wanted.name, location=wanted.location, is_lab=wanted.is_lab
    )


@router.get("/{vault}")
def show_vault(plane: ThePlane, person: Person, vault: str) -> VaultFacts:
    return vaults.show_vault(plane, person, vault)


@router.patch("/{vault}")
def change_vault(plane: ThePlane, person: Person, vault: str, patch: VaultPatch) -> VaultFacts:
    """What weakens the protection needs the PIN, and in a vault with four eyes an approval."""
    wanted = Wanted(**{name: getattr(patch, name) for name in VaultPatch.__dataclass_fields__})
    return vaults.change_vault(plane, person, vault, wanted)


@router.delete("/{vault}")
def delete_vault(plane: ThePlane, person: Person, vault: str) -> VaultFacts:
    """Softly, unless the vault is a lab or says otherwise; `purge_at` is when it is too late."""
    return vaults.delete_vault(plane, person, vault)


@router.post("/{vault}/undelete")
def undelete_vault(plane: ThePlane, person: Person, vault: str) -> VaultFacts:
    return vaults.undelete_vault(plane, person, vault)


@router.get("/{vault}/grants", tags=["accounts"])
def list_grants(plane: ThePlane, person: Person, vault: str, window: Paging) -> Page[GrantFacts]:
    return grants.list_grants(plane, person, vault, window)


@router.put("/{vault}/grants/{account}", status_code=HTTPStatus.NO_CONTENT, tags=["accounts"])
def set_role(plane: ThePlane, person: Person, vault: str, account: str, wanted: RoleWanted) -> None:
    grants.set_role(plane, person, vault, account=account, role=wanted.role)


@router.delete("/{vault}/grants/{account}", status_code=HTTPStatus.NO_CONTENT, tags=["accounts"])
def take_role(plane: ThePlane, person: Person, vault: str, account: str) -> None:
    grants.set_role(plane, person, vault, account=account, role=None)
