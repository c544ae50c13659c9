"""Machines' names: for people only, so a new one costs no recovery point."""

import unicodedata

from holdfast.app.control import audit
from holdfast.app.control.account_errors import NameNotGood
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.texts import _
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine

_LONGEST = 253
# What the original products say when they no longer find a server under its new name.
RENAMED = "230006"


def good_host_name(name: str) -> str:
    """A name that cannot be mistaken for something else on a screen."""
    found = unicodedata.normalize("NFC", name).strip()
    if not found or len(found) > _LONGEST or not found.isprintable():
        reason = _("1 to {most} printable characters are wanted").format(most=_LONGEST)
        raise NameNotGood(name=found[:_LONGEST], what="machine", reason=reason)
    return found


def note_name(plane: Plane, db: Session, actor: Actor, machine: Machine, name: str) -> None:
    """The machine says that it has another name now: written down, and nothing else happens."""
    former, machine.name = machine.name, good_host_name(name)
    audit.note(
        db,
        plane,
        actor,
        act="machine-renamed",
        vault_id=machine.vault_id,
        object=machine.id,
        detail={"from": former, "to": machine.name, "source_code": RENAMED},
    )


def heard_name(plane: Plane, actor: Actor, name: str) -> bool:
    """For heartbeats: whether the name is another one than before; it is then kept."""
    if name == actor.name:
        return False
    with plane.database.write() as db:
        machine = db.get(Machine, actor.id)
        if machine is None or machine.name == name:
            return False
        note_name(plane, db, actor, machine, name)
        return True
