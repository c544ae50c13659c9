"""People's accounts: made, looked at, changed and disabled by administrators."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control import audit
from holdfast.app.control.access import require, require_whole
from holdfast.app.control.account_errors import LastAdministrator
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.errors import AlreadyThere, NotThere
from holdfast.app.control.names import good_name
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import id_for, made_before
from holdfast.app.control.unlocking import forget_account
from holdfast.base.texts import _
from holdfast.catalog import accounts as account_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    id: str
    name: str
    is_admin: bool
    lang: str
    created_at: datetime
    disabled_at: datetime | None
    locked_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What is None stays as it is."""

    is_admin: bool | None = None
    is_disabled: bool | None = None
    lang: str | None = None
    password: str | None = None


def add_account(
    plane: Plane, actor: Actor, *, name: str, password: str, is_admin: bool = False, lang: str
) -> AccountFacts:
    wanted = good_name(name, "account")
    with plane.database.read() as db:
        # Before the costly hash.
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
    kept = hash_password(password)
    with plane.database.write() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        same = {"name": wanted}
        before = made_before(plane, db, actor, table=Account, same=same, at="created_at")
        if before is not None:
            return _facts(before)
        if account_rows.by_name(db, wanted) is not None:
            raise AlreadyThere(what=_("account"), name=wanted)
        account = _new(plane, wanted, kept, is_admin=is_admin, lang=lang)
        account.id = id_for(actor)
        db.add(account)
        db.flush()
        if is_admin:
            _tell(plane, db, actor, "administrator-made", account)
        audit.note(
            db, plane, actor, act="account-add", object=wanted, detail={"is_admin": is_admin}
        )
        return _facts(account)


def list_accounts(plane: Plane, actor: Actor, window: Window) -> Page[AccountFacts]:
    parts = window.parts(1)
    with plane.database.read() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        after = parts[0] if parts else None
        rows = account_rows.all_by_name(db, limit=window.one_more, after=after)
    return make_page(rows, window, key=lambda row: [row.name], view=_facts)


def show_account(plane: Plane, actor: Actor, name: str) -> AccountFacts:
    with plane.database.read() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        return _facts(named(db, name))


def change_account(plane: Plane, actor: Actor, name: str, change: AccountChange) -> AccountFacts:
    """A new password or a disabled account ends every session and token of it."""
    require_whole(actor)
    with plane.database.read() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
    kept = hash_password(change.password) if change.password is not None else None
    with plane.database.write() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        account = named(db, name)
        could = _can_administer(account)
        _apply(plane, db, account, change=change, kept=kept)
        if _can_administer(account) and not could:
            _tell(plane, db, actor, "administrator-made", account)
        if kept is not None and account.id != actor.id:
            _tell(plane, db, actor, "password-set", account)
        detail = _told(change)
        audit.note(db, plane, actor, act="account-change", object=name, detail=detail)
        facts = _facts(account)
    if kept is not None or change.is_disabled:
        forget_account(plane, facts.id)
    return facts


def delete_account(plane: Plane, actor: Actor, name: str) -> None:
    """Its tokens and roles go with it; the audit log keeps its name."""
    require_whole(actor)
    with plane.database.write() as db:
        require(db, actor, Right.MANAGE_ACCOUNTS, None)
        account = named(db, name)
        _keep_an_administrator(db, account, would_end=account.is_admin)
        account_id = account.id
        db.delete(account)
        audit.note(db, plane, actor, act="account-delete", object=name)
    forget_account(plane, account_id)


def named(db: Session, name: str) -> Account:
    account = account_rows.by_name(db, name)
    if account is None:
        raise NotThere(what=_("account"), name=name)
    return account


def new_password() -> str:
    """One that nobody has seen yet, to be shown once."""
    return secrets.token_urlsafe(15)


def add_first_administrator(
    plane: Plane, *, name: str = "admin", password: str | None = None
) -> str | None:
    """The account's password, the given one or a new one; None if there are accounts already."""
    password = password or new_password()
    kept = hash_password(password)
    with plane.database.write() as db:
        if account_rows.count(db):
            return None
        account = _new(plane, name, kept, is_admin=True, lang="en")
        db.add(account)
        detail = {"is_admin": True}
        audit.note(db, plane, audit.SERVER, act="account-add", object=name, detail=detail)
    return password


def reset_password(plane: Plane, name: str) -> str:
    """For who may write the state itself, and so needs no right: a lost password is no lost server."""
    password = new_password()
    kept = hash_password(password)
    with plane.database.write() as db:
        change = AccountChange(password=password, is_disabled=False)
        _apply(plane, db, named(db, name), change=change, kept=kept)
        detail = {"password": "reset", "by": "the operating system"}
        audit.note(db, plane, audit.SERVER, act="account-change", object=name, detail=detail)
    return password


def _new(plane: Plane, name: str, kept: str, *, is_admin: bool, lang: str) -> Account:
    return Account(
        id=secrets.token_hex(8),
        name=name,
        password_hash=kept,
        is_admin=is_admin,
        lang=lang,
        created_at=plane.clock.now(),
    )


def _apply(
    plane: Plane, db: Session, account: Account, *, change: AccountChange, kept: str | None
) -> None:
    now = plane.clock.now()
    loses = change.is_admin is False or change.is_disabled is True
    _keep_an_administrator(db, account, would_end=loses and account.is_admin)
    if change.is_admin is not None:
        account.is_admin = change.is_admin
    if change.lang is not None:
        account.lang = change.lang
    if change.is_disabled is not None:
        account.disabled_at = (account.disabled_at or now) if change.is_disabled else None
    if kept is not None:
        account.password_hash = kept
        account.failed_logins, account.locked_until = 0, None
    if kept is not None or change.is_disabled:
        account_rows.revoke_tokens(db, account.id, at=now)


def _can_administer(account: Account) -> bool:
    return account.is_admin and account.disabled_at is None


def _tell(plane: Plane, db: Session, actor: Actor, kind: str, account: Account) -> None:
    """So an administrator could be the second person too: whoever does it is not to do it unseen."""
    tell_of_act(db, plane, kind, actor=actor.name, about=account.name, vault_id=None)


def _keep_an_administrator(db: Session, account: Account, *, would_end: bool) -> None:
    if not would_end or account.disabled_at is not None:
        return
    if account_rows.live_administrators(db) <= 1:
        raise LastAdministrator(name=account.name)


def _told(change: AccountChange) -> dict[str, object]:
    """What the audit log may hold of it: that there is a new password, but not which."""
    told: dict[str, object] = {"password": "changed"} if change.password is not None else {}
    for name in ("is_admin", "is_disabled", "lang"):
        if (value := getattr(change, name)) is not None:
            told[name] = value
    return told


def _facts(row: Account) -> AccountFacts:
    return AccountFacts(
        id=row.id,
        name=row.name,
        is_admin=row.is_admin,
        lang=row.lang,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        locked_until=row.locked_until,
    )
