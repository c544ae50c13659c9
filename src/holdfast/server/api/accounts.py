"""People's accounts, for administrators."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter

from holdfast.app.control import accounts, grants
from holdfast.app.control.accounts import AccountChange, AccountFacts
from holdfast.app.control.sessions import RoleIn
from holdfast.server.api.sessions import Name, Password
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(prefix="/accounts", tags=["accounts"])

Lang = Literal["en", "ko"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWanted:
    name: Name
    password: Password = field(repr=False)
    is_admin: bool = False
    lang: Lang = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPatch:
    """What is not given stays as it is."""

    is_admin: bool | None = None
    is_disabled: bool | None = None
    lang: Lang | None = None
    password: Password | None = field(default=None, repr=False)


@router.get("")
def list_accounts(plane: ThePlane, person: Person, window: Paging) -> Page[AccountFacts]:
    return accounts.list_accounts(plane, person, window)


@router.post("", status_code=HTTPStatus.CREATED)
def add_account(plane: ThePlane, person: Person, wanted: AccountWanted) -> AccountFacts:
    return accounts.add_account(
        plane,
        person,
        name=wanted.name,
        password=wanted.password,
        is_admin=wanted.is_admin,
        lang=wanted.lang,
    )


@router.get("/{name}")
def show_account(plane: ThePlane, person: Person, name: str) -> AccountFacts:
    return accounts.show_account(plane, person, name)


@router.get("/{name}/grants")
def list_roles(plane: ThePlane, person: Person, name: str) -> list[RoleIn]:
    """The account's role in each vault it has one in."""
    return grants.roles_of(plane, person, name)


@router.patch("/{name}")
def change_account(plane: ThePlane, person: Person, name: str, patch: AccountPatch) -> AccountFacts:
    """A new password and a disabled account end all sessions and tokens of it."""
    change = AccountChange(
        is_admin=patch.is_admin,
        is_disabled=patch.is_disabled,
        lang=patch.lang,
        password=patch.password,
    )
    return accounts.change_account(plane, person, name, change)


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT)
def delete_account(plane: ThePlane, person: Person, name: str) -> None:
    accounts.delete_account(plane, person, name)
