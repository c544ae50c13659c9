"""Queries about people, their tokens and their roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account, Grant, Token

# Asked for by each request of each person: built once, and without objects around its row.
_HOLDER = (
    select(
        Account.id,
        Account.name,
        Account.is_admin,
        Account.disabled_at,
        Token.scopes,
        Token.expires_at,
        Token.revoked_at,
    )
    .join(Account, Account.id == Token.account_id)
    .where(Token.secret_hash == bindparam("shown"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A token and the account it was given to."""

    id: str
    name: str
    is_admin: bool
    disabled_at: datetime | None
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None


def holder(db: Session, secret_hash: str) -> Holder | None:
    for row in db.connection().execute(_HOLDER, {"shown": secret_hash}):
        return Holder(
            id=row.id,
            name=row.name,
            is_admin=row.is_admin,
            disabled_at=row.disabled_at,
            scopes=row.scopes,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
    return None


def token_by_hash(db: Session, secret_hash: str) -> Token | None:
    return db.scalar(select(Token).where(Token.secret_hash == secret_hash))


def by_name(db: Session, name: str) -> Account | None:
    return db.scalar(select(Account).where(Account.name == name))


def all_by_name(db: Session, *, limit: int, after: str | None = None) -> Sequence[Account]:
    query = select(Account).order_by(Account.name).limit(limit)
    if after is not None:
        query = query.where(Account.name > after)
    return db.scalars(query).all()


def live_administrators(db: Session) -> int:
    """How many could still log in; their rows are locked until the transaction ends."""
    query = select(Account.id).where(Account.is_admin, Account.disabled_at.is_(None))
    return len(db.scalars(query.with_for_update()).all())


def count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Account)) or 0


def tokens_of(
    db: Session, account_id: str, *, kind: str, limit: int, after: str | None = None
) -> Sequence[Token]:
    """Those that were not revoked."""
    query = select(Token).where(Token.account_id == account_id, Token.kind == kind)
    query = query.where(Token.revoked_at.is_(None)).order_by(Token.id).limit(limit)
    if after is not None:
        query = query.where(Token.id > after)
    return db.scalars(query).all()


def revoke_tokens(
    db: Session, account_id: str, *, at: datetime, kind: str | None = None, but: str | None = None
) -> None:
    """Every token of the account, or those of a kind; `but` is the hash of one that stays good."""
    change = update(Token).where(Token.account_id == account_id, Token.revoked_at.is_(None))
    if kind is not None:
        change = change.where(Token.kind == kind)
    if but is not None:
        change = change.where(Token.secret_hash != but)
    db.execute(change.values(revoked_at=at))


def grants_of(db: Session, account_id: str) -> Sequence[Grant]:
    query = select(Grant).where(Grant.account_id == account_id).order_by(Grant.vault_id)
    return db.scalars(query).all()


def grants_on(
    db: Session, vault_id: str, *, limit: int, after: str | None = None
) -> Sequence[tuple[Grant, Account]]:
    query = select(Grant, Account).join(Account, Account.id == Grant.account_id)
    query = query.where(Grant.vault_id == vault_id).order_by(Account.name).limit(limit)
    if after is not None:
        query = query.where(Account.name > after)
    return [(grant, account) for grant, account in db.execute(query)]
