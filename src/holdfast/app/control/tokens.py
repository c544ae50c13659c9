"""API tokens: secrets for programs that stand for an account, within limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.access import require_whole
from holdfast.app.control.account_errors import ExpiryWrong
from holdfast.app.control.errors import NotThere
from holdfast.app.control.identifying import secret_hash
from holdfast.app.control.names import good_name
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import id_for, made_before, secret_for
from holdfast.base.texts import _
from holdfast.catalog import accounts as account_rows
from holdfast.catalog.tables import Token
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Scope

LONGEST_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    id: str
    name: str
    # Shown this once: the server keeps only its hash.
    token: str
    expires_at: datetime


def add_token(
    plane: Plane, actor: Actor, *, name: str, scopes: Sequence[Scope], days: int
) -> NewToken:
    require_whole(actor)
    wanted = good_name(name, "token")
    if not 1 <= days <= LONGEST_DAYS:
        raise ExpiryWrong(days=days, most=LONGEST_DAYS)
    limits = sorted({scope.value for scope in scopes} or {Scope.ALL.value})
    same = {"account_id": actor.id, "kind": "api", "name": wanted, "scopes": limits}
    with plane.database.write() as db:
        row = made_before(plane, db, actor, table=Token, same=same, at="created_at")
        if row is not None:
            return _shown(row, secret_for(plane, actor, "token", at=row.created_at))
        now = plane.clock.now()
        secret = secret_for(plane, actor, "token", at=now)
        row = Token(
            **same,
            id=id_for(actor),
            secret_hash=secret_hash(secret),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        db.add(row)
        detail = {"scopes": limits, "days": days}
        audit.note(db, plane, actor, act="token-add", object=wanted, detail=detail)
    return _shown(row, secret)


def list_tokens(plane: Plane, actor: Actor, window: Window) -> Page[TokenFacts]:
    """One's own that are not revoked."""
    parts = window.parts(1)
    with plane.database.read() as db:
        after = parts[0] if parts else None
        rows = account_rows.tokens_of(db, actor.id, kind="api", limit=window.one_more, after=after)
    return make_page(rows, window, key=lambda row: [row.id], view=_facts)


def revoke_token(plane: Plane, actor: Actor, token_id: str) -> None:
    require_whole(actor)
    with plane.database.write() as db:
        token = db.get(Token, token_id)
        if token is None or token.account_id != actor.id or token.kind != "api":
            raise NotThere(what=_("token"), name=token_id)
        if token.revoked_at is None:
            token.revoked_at = plane.clock.now()
            audit.note(db, plane, actor, act="token-revoke", object=token.name)


def _shown(row: Token, secret: str) -> NewToken:
    assert row.expires_at is not None
    return NewToken(id=row.id, name=row.name, token=secret, expires_at=row.expires_at)


def _facts(row: Token) -> TokenFacts:
    return TokenFacts(
        id=row.id,
        name=row.name,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
