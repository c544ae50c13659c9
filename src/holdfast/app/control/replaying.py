"""Requests that may come twice: the second is given the answer of the first.

The answer is sealed with the caller's own token, which is not kept here: a PIN or a new token in
it is as safe in the database as the token is.

A server may die after it did what was asked and before it kept its answer. Another then takes the
claim over and does it once more: what is made under `id_for` is found by `made_before`, and a
secret that goes with it is the same again, so that each of two answers would be true. What makes
nothing but changes something leaves a note with its claim by `note_done`, in the transaction of
the change: the second finds it by `done_before`, and changes nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.app.control.errors import (
    IdempotencyKeyNotGood,
    IdempotencyKeyReused,
    IdempotencyUnderWay,
)
from holdfast.app.control.plane import Actor, Plane
from holdfast.catalog import replays as replay_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Replayed, Table

LONGEST = 200
# While a request is worked on its claim is renewed so often; one that was not has died with its
# server, and may be begun anew.
RENEWED_EVERY = timedelta(seconds=3)
ABANDONED_AFTER = timedelta(seconds=15)
ANSWERS_KEPT = timedelta(days=1)
_NONCE = 12
_ID_BYTES = 8
_SECRET_BYTES = 32
_Row = TypeVar("_Row", bound=Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with a key, as its caller sent it."""

    caller: str
    key: str
    secret: str
    request: bytes
    # Tells this attempt from others with the same key.
    claim: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def hash(self) -> str:
        # Keyed, because a request may hold a password, which a plain hash would let guess.
        return hmac.new(self._key(b"request"), self.request, hashlib.sha256).hexdigest()

    def seal(self, content: bytes) -> str:
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(self._key(b"answer")).encrypt(nonce, content, None)
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> bytes:
        raw = base64.b64decode(sealed)
        return AESGCM(self._key(b"answer")).decrypt(raw[:_NONCE], raw[_NONCE:], None)

    def _key(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret.encode(), b"holdfast idempotency " + purpose, "sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    media_type: str
    body: bytes


def begin(plane: Plane, asked: Asked) -> Answer | None:
    """The answer given before; None: do it now, then `finish` or `release`."""
    if not 0 < len(asked.key) <= LONGEST or not asked.key.isprintable():
        raise IdempotencyKeyNotGood(most=LONGEST)
    with plane.database.write() as db:
        if replay_rows.claim(db, _new(plane, asked)):
            return None
        row = db.get(Replayed, (asked.caller, asked.key), with_for_update=True)
        if row is None:
            # Released this very moment.
            raise IdempotencyUnderWay(key=asked.key)
        if row.request_hash != asked.hash:
            raise IdempotencyKeyReused(key=asked.key)
        if row.status is not None:
            return _answer(row, asked)
        if row.created_at > plane.clock.now() - ABANDONED_AFTER:
            raise IdempotencyUnderWay(key=asked.key)
        row.created_at, row.body = plane.clock.now(), {**(row.body or {}), "claim": asked.claim}
        return None


def renew(plane: Plane, asked: Asked) -> None:
    """Say that the request is still worked on."""
    with plane.database.write() as db:
        row = _claimed(db, asked)
        if row is not None:
            row.created_at = plane.clock.now()


def finish(plane: Plane, asked: Asked, answer: Answer) -> None:
    with plane.database.write() as db:
        row = _claimed(db, asked)
        if row is not None:
            row.status = answer.status
            row.body = {"sealed": asked.seal(answer.body), "media_type": answer.media_type}


def release(plane: Plane, asked: Asked) -> None:
    """Nothing was answered: the same key may be sent again, for example with a PIN."""
    with plane.database.write() as db:
        row = _claimed(db, asked)
        if row is None:
            return
        if "done" in (row.body or {}):
            # It was done, and only its answer failed: whoever asks again may have that at once.
            row.created_at -= ABANDONED_AFTER
        else:
            db.delete(row)


def id_for(actor: Actor) -> str:
    """The id of what this request makes: the same each time the request comes."""
    if actor.key is None:
        return secrets.token_hex(_ID_BYTES)
    whole = f"{actor.kind}\n{actor.id}\n{actor.key}".encode()
    return hashlib.sha256(whole).hexdigest()[: 2 * _ID_BYTES]


def made_before(
    plane: Plane,
    db: Session,
    actor: Actor,
    *,
    table: type[_Row],
    same: Mapping[str, object],
    at: str | None = None,
) -> _Row | None:
    """What this very request made, when its server died before it could answer.

    `at` names the column that says when it was made.
    """
    row = db.get(table, id_for(actor)) if actor.key else None
    if row is None:
        return None
    # A script that sends the same key for ever must hear of it, not get its first row for ever.
    is_old = at is not None and plane.clock.now() - getattr(row, at) > ANSWERS_KEPT
    if is_old or any(getattr(row, name) != wanted for name, wanted in same.items()):
        raise IdempotencyKeyReused(key=actor.key)
    return row


def done_before(db: Session, actor: Actor) -> dict[str, Any] | None:
    """What this very request noted when it did its work; None: that is still to be done."""
    row = _under_way(db, actor)
    return None if row is None else (row.body or {}).get("done")


def note_done(db: Session, actor: Actor, **told: Any) -> None:
    """Note, in the transaction of the change itself, that it is made, and what is to be told of it."""
    row = _under_way(db, actor)
    if row is not None:
        row.body = {**(row.body or {}), "done": told}


def secret_for(plane: Plane, actor: Actor, made: str, *, at: datetime) -> str:
    """The secret of what was made then under `id_for`: known here by its hash, so made again."""
    if actor.key is None:
        return secrets.token_urlsafe(_SECRET_BYTES)
    signed = plane.authority.sign(f"secret:{made}:{id_for(actor)}:{at.isoformat()}".encode())
    return base64.urlsafe_b64encode(hashlib.sha256(signed).digest()).decode().rstrip("=")


def _under_way(db: Session, actor: Actor) -> Replayed | None:
    if actor.key is None:
        return None
    row = db.get(Replayed, (actor.id, actor.key), with_for_update=True)
    return row if row is not None and row.status is None else None


def _claimed(db: Session, asked: Asked) -> Replayed | None:
    """None when another has taken the claim over: it is theirs to answer."""
    row = db.get(Replayed, (asked.caller, asked.key), with_for_update=True)
    if row is None or row.status is not None or (row.body or {}).get("claim") != asked.claim:
        return None
    return row


def _new(plane: Plane, asked: Asked) -> Replayed:
    return Replayed(
        caller=asked.caller,
        key=asked.key,
        request_hash=asked.hash,
        body={"claim": asked.claim},
        created_at=plane.clock.now(),
    )


def _answer(row: Replayed, asked: Asked) -> Answer:
    assert row.status is not None
    body = row.body or {}
    try:
        content = asked.open(str(body.get("sealed", "")))
    except (InvalidTag, ValueError) as err:
        raise IdempotencyKeyReused(key=asked.key) from err
    return Answer(status=row.status, media_type=str(body.get("media_type", "")), body=content)
