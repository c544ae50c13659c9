"""Looking into recovery points: the machine's own agent looks, which alone has the key.

Where the machine is lost another one of its vault looks, with the passphrase that was typed in:
see `unlocking`.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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
    ContentPart,
    ContentWanted,
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

_W = TypeVar("_W")
_A = TypeVar("_A")
_SECONDS = 60.0
# The file system of a disk is mounted for it, and checked by the kernel first.
_SECONDS_INSIDE = 120.0
# And the blocks of large disks are counted for a plan.
_SLOW = (Asking.INSIDE, Asking.INSIDE_SEARCH, Asking.INSIDE_CONTENT, Asking.VM_PLAN)
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Whose points, and who looks: the machine itself, or another with a typed passphrase."""

    machine: Machine
    looker: Machine
    key: TypedKey | None


class _HasPath(Protocol):
    @property
    def path(self) -> str: ...


def _one_path(wanted: _HasPath) -> Sequence[str]:
    return (wanted.path,)


def _no_path(_wanted: object) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking(Generic[_W, _A]):
    """A use case: one kind of look into the points of a machine, and what it shows."""

    kind: Asking
    reply: type[_A]
    # The paths named in what is wanted, to be understood before anybody is asked.
    paths: Callable[[_W], Sequence[str]]

    def __call__(
        self, plane: Plane, actor: Actor, machine_id: str, wanted: _W, *, unlock: str | None = None
    ) -> Asked[_A]:
        for path in self.paths(wanted):
            _require_path(path)
        look = _look_for(plane, actor, machine_id, unlock)
        pending = plane.desk.ask(look.looker.id, question_for(plane, look, self.kind, wanted))
        return Asked(plane.desk, pending, reader_of(self.reply), machine=look.looker.name)


list_folder: Looking[FolderWanted, Folder] = Looking(
    kind=Asking.FOLDER, reply=Folder, paths=_one_path
)
search_point: Looking[SearchWanted, SearchFound] = Looking(
    kind=Asking.SEARCH, reply=SearchFound, paths=_one_path
)
# What is in a file; see `downloading`.
read_content: Looking[ContentWanted, ContentPart] = Looking(
    kind=Asking.CONTENT, reply=ContentPart, paths=_one_path
)
# How much a choice is, before it is restored.
weigh_choice: Looking[WeighWanted, Weight] = Looking(
    kind=Asking.WEIGH, reply=Weight, paths=lambda wanted: wanted.paths
)
# Of a virtual machine's point: its disks, and the file systems in them.
list_volumes: Looking[VolumesWanted, VolumesFound] = Looking(
    kind=Asking.VOLUMES, reply=VolumesFound, paths=_no_path
)
# A folder in one of its file systems; the path begins with the volume.
list_inside: Looking[FolderWanted, Folder] = Looking(
    kind=Asking.INSIDE, reply=Folder, paths=_one_path
)
search_inside: Looking[SearchWanted, SearchFound] = Looking(
    kind=Asking.INSIDE_SEARCH, reply=SearchFound, paths=_one_path
)
read_inside: Looking[ContentWanted, ContentPart] = Looking(
    kind=Asking.INSIDE_CONTENT, reply=ContentPart, paths=_one_path
)


def question_for(plane: Plane, look: Looked, kind: Asking, wanted: object) -> Question:
    key, now = look.key, plane.clock.now()
    return Question(
        id=secrets.token_hex(_ID_BYTES),
        kind=kind.value,
        arguments=msgspec.to_builtins(wanted),
        machine=key.machine_id if key else None,
        unlock=key.id if key else None,
        ticket=plane.typed_keys.ticket(key, now + TICKET_OF_QUESTION) if key else None,
        seconds=_SECONDS_INSIDE if kind in _SLOW else _SECONDS,
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
