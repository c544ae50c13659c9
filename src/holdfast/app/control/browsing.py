"""Looking into recovery points: the machine's own agent looks, which alone has the key.

Where the machine is lost another one of its vault looks, with the passphrase that was typed in:
see `unlocking`.
"""

import secrets
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from holdfast.app.control.answers import Asked, reader_of
from holdfast.app.control.browse_errors import (
    MachineNotListening,
    PathNotUnderstood,
    UnlockGone,
)
from holdfast.app.control.machine_views import is_silent, machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.typed_keys import TICKET_OF_QUESTION, TypedKey
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine
from holdfast.fleet.point_paths import path_of
from holdfast.fleet.questions import (
    Asking,
    Folder,
    FolderWanted,
    Question,
    SearchFound,
    SearchWanted,
    VolumesFound,
    VolumesWanted,
    Weight,
    WeighWanted,
)
from holdfast.fleet.roles import Right

_A = TypeVar("_A")
_SECONDS = 60.0
# The file system of a disk is mounted for it, and checked by the kernel first.
_SECONDS_INSIDE = 120.0
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Whose points, and who looks: the machine itself, or another with a typed passphrase."""

    machine: Machine
    looker: Machine
    key: TypedKey | None


def list_folder(
    plane: Plane, actor: Actor, machine_id: str, wanted: FolderWanted, *, unlock: str | None = None
) -> Asked[Folder]:
    _require_path(wanted.path)
    look = _look_for(plane, actor, machine_id, unlock)
    return ask(plane, look, Asking.FOLDER, wanted, Folder)


def search_point(
    plane: Plane, actor: Actor, machine_id: str, wanted: SearchWanted, *, unlock: str | None = None
) -> Asked[SearchFound]:
    _require_path(wanted.path)
    look = _look_for(plane, actor, machine_id, unlock)
    return ask(plane, look, Asking.SEARCH, wanted, SearchFound)


def weigh_choice(
    plane: Plane, actor: Actor, machine_id: str, wanted: WeighWanted, *, unlock: str | None = None
) -> Asked[Weight]:
    """How much a choice is, before it is restored."""
    for path in wanted.paths:
        _require_path(path)
    look = _look_for(plane, actor, machine_id, unlock)
    return ask(plane, look, Asking.WEIGH, wanted, Weight)


def list_volumes(
    plane: Plane, actor: Actor, machine_id: str, wanted: VolumesWanted, *, unlock: str | None = None
) -> Asked[VolumesFound]:
    """Of a virtual machine's point: its disks, and the file systems in them."""
    look = _look_for(plane, actor, machine_id, unlock)
    return ask(plane, look, Asking.VOLUMES, wanted, VolumesFound)


def list_inside(
    plane: Plane, actor: Actor, machine_id: str, wanted: FolderWanted, *, unlock: str | None = None
) -> Asked[Folder]:
    """A folder in one of its file systems; the path begins with the volume."""
    _require_path(wanted.path)
    look = _look_for(plane, actor, machine_id, unlock)
    return ask(plane, look, Asking.INSIDE, wanted, Folder)


def ask(
    plane: Plane, look: Looked, kind: Asking, wanted: object, reply: type[_A], **more: Any
) -> Asked[_A]:
    question = question_for(plane, look, kind, wanted)
    pending = plane.desk.ask(look.looker.id, question)
    return Asked(plane.desk, pending, reader_of(reply), machine=look.looker.name, **more)


def question_for(plane: Plane, look: Looked, kind: Asking, wanted: object) -> Question:
    key, now = look.key, plane.clock.now()
    return Question(
        id=secrets.token_hex(_ID_BYTES),
        kind=kind.value,
        arguments=msgspec.to_builtins(wanted),
        machine=key.machine_id if key else None,
        unlock=key.id if key else None,
        ticket=plane.typed_keys.ticket(key, now + TICKET_OF_QUESTION) if key else None,
        seconds=_SECONDS_INSIDE if kind is Asking.INSIDE else _SECONDS,
    )


def looked_at(
    plane: Plane, db: Session, actor: Actor, machine_id: str, *, unlock: str | None
) -> Looked:
    """Names of files are content: who may not restore may not see them either."""
    machine = machine_for(db, actor, machine_id, Right.RESTORE)
    if unlock is None:
        return Looked(machine=machine, looker=machine, key=None)
    key = plane.typed_keys.find(unlock, login=actor.login, now=plane.clock.now())
    if key is None or key.machine_id != machine.id:
        raise UnlockGone(machine=machine.name)
    looker = machine_for(db, actor, key.reader_id, Right.RESTORE)
    return Looked(machine=machine, looker=looker, key=key)


def require_listening(plane: Plane, looker: Machine) -> None:
    """What is known to be in vain is not waited for."""
    if looker.state != "active" or is_silent(looker, plane.clock.now()):
        raise MachineNotListening(machine=looker.name)


def _look_for(plane: Plane, actor: Actor, machine_id: str, unlock: str | None) -> Looked:
    with plane.database.read() as db:
        look = looked_at(plane, db, actor, machine_id, unlock=unlock)
        require_listening(plane, look.looker)
        return look


def _require_path(path: str) -> None:
    try:
        path_of(path)
    except ValueError as err:
        raise PathNotUnderstood(path=path) from err
