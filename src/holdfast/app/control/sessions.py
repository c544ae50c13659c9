"""Logging in and out, and what people do about their own account."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.access import require_whole
from holdfast.app.control.account_errors import AccountDisabled, LoginRefused
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.passwords import (
    LOCKED_FOR,
    fits,
    hash_password,
    record_attempt,
    require_password,
)
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.unlocking import forget_account, forget_login
from holdfast.catalog import accounts as account_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account, Token, Vault

SESSION_LIFE = timedelta(hours=12)
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    token: str
    expires_at: datetime
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleIn:
    vault_id: str
    vault: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    id: str
    name: str
    is_admin: bool
    lang: str
    scopes: list[str]
    roles: list[RoleIn]


def log_in(plane: Plane, name: str, password: str, *, address: str) -> NewSession:
    """A token for half a day; every refusal sounds the same and takes about as long."""
    with plane.database.read() as db:
        account = account_rows.by_name(db, name)
    is_right = fits(account.password_hash if account else None, password)
    with plane.database.write() as db:
        row = db.get(Account, account.id, with_for_update=True) if account else None
        # An unknown name is not written down: people type their password there by mistake.
        actor = _actor(row, address)
        is_good = row is not None and record_attempt(plane, db, row, is_right=is_right)
        is_disabled = row is not None and row.disabled_at is not None
        if row is not None and is_good and not is_disabled:
            session = _begin(plane, db, row)
            audit.note(db, plane, actor, act="login")
            return session
        audit.note(db, plane, actor, act="login", outcome=audit.DENIED)
    if is_good:
        raise AccountDisabled(name=name)
    raise LoginRefused(minutes=int(LOCKED_FOR.total_seconds() // 60))


def log_out(plane: Plane, actor: Actor, secret: str) -> None:
    """The token that was sent is good no more."""
    with plane.database.write() as db:
        token = account_rows.token_by_hash(db, secret_hash(secret))
        if token is not None:
            token.revoked_at = plane.clock.now()
            audit.note(db, plane, actor, act="logout")
    forget_login(plane, secret_hash(secret))


def who_am_i(plane: Plane, actor: Actor) -> Me:
    with plane.database.read() as db:
        account = db.get_one(Account, actor.id)
        roles = [
            RoleIn(
                vault_id=grant.vault_id,
                vault=db.get_one(Vault, grant.vault_id).name,
                role=grant.role,
            )
            for grant in account_rows.grants_of(db, actor.id)
        ]
    return Me(
        id=account.id,
        name=account.name,
        is_admin=account.is_admin,
        lang=account.lang,
        scopes=sorted(scope.value for scope in actor.scopes),
        roles=roles,
    )


def change_password(plane: Plane, actor: Actor, *, old: str, new: str, secret: str) -> None:
    """Every other session ends: whoever knew the old password is out."""
    require_whole(actor)
    require_password(plane, actor, old)
    kept, now = hash_password(new), plane.clock.now()
    with plane.database.write() as db:
        db.get_one(Account, actor.id).password_hash = kept
        account_rows.revoke_tokens(db, actor.id, at=now, kind="session", but=secret_hash(secret))
        audit.note(db, plane, actor, act="password-change", object=actor.name)
    forget_account(plane, actor.id, but=secret_hash(secret))


def change_language(plane: Plane, actor: Actor, lang: str) -> Me:
    """In which the account is spoken to where nothing else was chosen."""
    require_whole(actor)
    with plane.database.write() as db:
        account = db.get_one(Account, actor.id)
        if account.lang != lang:
            account.lang = lang
            detail = {"lang": lang}
            audit.note(db, plane, actor, act="account-change", object=actor.name, detail=detail)
    return who_am_i(plane, actor)


def new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _begin(plane: Plane, db: Session, account: Account) -> NewSession:
    now, secret = plane.clock.now(), new_secret()
    token = Token(
        id=secrets.token_hex(8),
        account_id=account.id,
        kind="session",
        name="",
        secret_hash=secret_hash(secret),
        scopes=[],
        created_at=now,
        expires_at=now + SESSION_LIFE,
    )
    db.add(token)
    return NewSession(token=secret, expires_at=now + SESSION_LIFE, name=account.name)


def _actor(account: Account | None, address: str) -> Actor:
    if account is None:
        return Actor(kind="person", id="", name="?", address=address)
    return Actor(kind="person", id=account.id, name=account.name, address=address)
