"""A lost machine's points, opened by another machine of its vault with the passphrase typed in.

The passphrase is in the memory of this process for as long as the login lasts under which it was
typed, and the other machine's agent fetches it for each use. It is in no database, log or list.
With it goes the grant to read that was made for it, unless a restore still reads by it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.answers import Asked
from holdfast.app.control.browse_errors import TooManyQuestions, UnlockRefused
from holdfast.app.control.browsing import Looked, question_for, require_listening
from holdfast.app.control.errors import NotAllowed, NotLoggedIn, NotThere
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.read_grants import allow_reader, end_grant
from holdfast.app.control.typed_keys import TypedKey
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.catalog import accounts as account_rows
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, ReadGrant
from holdfast.fleet.questions import Asking, KeyReply, OpenWanted, Question
from holdfast.fleet.roles import Right

MOST_HOURS = 12.0
_WRONG = "wrong-passphrase"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockView:
    """While it lasts, `reader` looks into the points of `machine` for this login."""

    id: str
    machine_id: str
    machine: str
    reader_id: str
    reader: str
    since: datetime
    expires_at: datetime


def unlock_machine(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    *,
    reader_id: str,
    passphrase: Secret,
    hours: float = MOST_HOURS,
) -> Asked[UnlockView]:
    """Proven before it counts: the other machine opens the repository with it.

    It has to be let in for that; whom it was not proven to is not let in any longer.
    """
    if not actor.login:
        raise NotLoggedIn(reason="a passphrase is kept for a login only", server=plane.address)
    hours = min(hours, MOST_HOURS)
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.RESTORE)
        reader = machine_for(db, actor, reader_id, Right.RESTORE)
        life = min(timedelta(hours=hours), _left(plane, db, actor.login))
        require_listening(plane, reader)
    # A restore goes on when its login has ended: what it reads by may last longer.
    grant = allow_reader(plane, actor, machine_id, reader_id=reader_id, hours=hours)
    key = plane.typed_keys.keep(
        login=actor.login,
        account_id=actor.id,
        machine_id=machine_id,
        reader_id=reader_id,
        passphrase=passphrase,
        now=plane.clock.now(),
        life=life,
        grant_id=grant.id,
    )
    return _asked_to_open(plane, actor, key, Looked(machine=machine, looker=reader, key=key))


def list_unlocks(plane: Plane, actor: Actor, machine_id: str) -> list[UnlockView]:
    """Those of this login; what others typed nobody sees."""
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.RESTORE)
        keys = plane.typed_keys.of_login(actor.login, machine.id, now=plane.clock.now())
        return [_view(key, machine, db.get_one(Machine, key.reader_id)) for key in keys]


def end_unlock(plane: Plane, actor: Actor, machine_id: str, unlock: str) -> None:
    """The passphrase is forgotten, here and where it was used; one that is gone is fine."""
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.RESTORE)
    key = plane.typed_keys.find(unlock, login=actor.login, now=plane.clock.now())
    if key is not None and key.machine_id == machine.id:
        _forget(plane, key)


def forget_login(plane: Plane, login: str) -> None:
    """Whoever typed them has logged out."""
    for key in plane.typed_keys.forget_login(login):
        _end(plane, key)


def forget_account(plane: Plane, account_id: str, *, but: str = "") -> None:
    """Its logins were ended by something else than by logging out."""
    for key in plane.typed_keys.forget_account(account_id, but=but):
        _end(plane, key)


def forget_ended(plane: Plane) -> int:
    """Every minute: what has expired, or whose login has ended with nobody's doing; how many."""
    now = plane.clock.now()
    ended = [
        key for key in plane.typed_keys.all() if key.expires_at <= now or not _stands(plane, key)
    ]
    for key in ended:
        _forget(plane, key)
    return len(ended)


def take_key(plane: Plane, actor: Actor, ticket: str) -> KeyReply:
    """For the machine that is to use it, while the login stands; each ticket once."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="read", object="key")
    found = redeemed(plane, ticket, reader_id=actor.id)
    if found is None and plane.desk.elsewhere is not None:
        found = plane.desk.elsewhere.key_for(ticket, actor.id)
    if found is None:
        raise NotThere(what=_("passphrase"), name=ticket)
    return KeyReply(passphrase=found.reveal().decode())


def redeemed(plane: Plane, ticket: str, *, reader_id: str) -> Secret | None:
    """A passphrase that was typed at this server, while the login stands."""
    key = plane.typed_keys.redeem(ticket, reader_id=reader_id, now=plane.clock.now())
    if key is None:
        return None
    if not _stands(plane, key):
        _forget(plane, key)
        return None
    return key.passphrase


def _asked_to_open(plane: Plane, actor: Actor, key: TypedKey, look: Looked) -> Asked[UnlockView]:
    def opened(_found: dict[str, Any]) -> UnlockView:
        _note(plane, actor, look, outcome=audit.DONE)
        _replace_former(plane, key)
        return _view(key, look.machine, look.looker)

    def refused(error: dict[str, Any]) -> HoldfastError | None:
        _forget(plane, key)
        if error.get("code") != _WRONG:
            return None
        _note(plane, actor, look, outcome=audit.DENIED)
        return UnlockRefused(machine=look.machine.name)

    question = question_for(plane, look, Asking.OPEN, OpenWanted())
    try:
        pending = plane.desk.ask(look.looker.id, question)
    except TooManyQuestions:
        # Nobody is going to prove it.
        _forget(plane, key)
        raise
    return Asked(
        plane.desk,
        pending,
        opened,
        machine=look.looker.name,
        refusal=refused,
        given_up=lambda: _forget(plane, key),
    )


def _replace_former(plane: Plane, key: TypedKey) -> None:
    """Typed again for the same two machines, the first is not needed any more."""
    for former in plane.typed_keys.of_login(key.login, key.machine_id, now=plane.clock.now()):
        if former.id != key.id and former.reader_id == key.reader_id:
            _forget(plane, former)


def _left(plane: Plane, db: Session, login: str) -> timedelta:
    holder = account_rows.holder(db, login)
    if holder is None or holder.expires_at is None:
        return timedelta.max
    return holder.expires_at - plane.clock.now()


def _stands(plane: Plane, key: TypedKey) -> bool:
    now = plane.clock.now()
    with plane.database.read() as db:
        holder = account_rows.holder(db, key.login)
    if holder is None or holder.revoked_at or holder.disabled_at:
        return False
    return holder.expires_at is None or holder.expires_at > now


def _forget(plane: Plane, key: TypedKey) -> None:
    plane.typed_keys.forget(key)
    _end(plane, key)


def _end(plane: Plane, key: TypedKey) -> None:
    _close(plane, key)
    with plane.database.write() as db:
        grant = db.get(ReadGrant, key.grant_id)
        if grant is None or grant.expires_at <= plane.clock.now():
            return
        if job_rows.is_reading_from(db, key.reader_id, key.machine_id):
            # It ends by itself; a restore is not cut off because somebody has gone home.
            return
        end_grant(plane, db, audit.SERVER, grant)


def _close(plane: Plane, key: TypedKey) -> None:
    """Nobody waits for it; an agent that does not hear it closes by itself before long."""
    question = Question(id=secrets.token_hex(16), kind=Asking.CLOSE.value, unlock=key.id)
    plane.desk.tell(key.reader_id, question)


def _view(key: TypedKey, machine: Machine, reader: Machine) -> UnlockView:
    return UnlockView(
        id=key.id,
        machine_id=machine.id,
        machine=machine.name,
        reader_id=reader.id,
        reader=reader.name,
        since=key.since,
        expires_at=key.expires_at,
    )


def _note(plane: Plane, actor: Actor, look: Looked, *, outcome: str) -> None:
    with plane.database.write() as db:
        audit.note(
            db,
            plane,
            actor,
            act="points-unlock",
            vault_id=look.machine.vault_id,
            object=look.machine.id,
            outcome=outcome,
            detail={"reader": look.looker.id},
        )
