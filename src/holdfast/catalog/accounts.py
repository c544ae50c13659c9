"""Queries about people and their tokens."""

from sqlalchemy import select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account, Token


def token_by_hash(db: Session, secret_hash: str) -> Token | None:
    return db.scalar(select(Token).where(Token.secret_hash == secret_hash))


def by_name(db: Session, name: str) -> Account | None:
    return db.scalar(select(Account).where(Account.name == name))
