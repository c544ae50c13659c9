"""Machines' names: for people only, so a new one costs no recovery point.

A machine has the name it was registered under. It follows its host's own name while it is that one;
a name that people chose stays whatever the host is called.
"""

import unicodedata

from holdfast.app.control import audit
from holdfast.app.control.account_errors import NameNotGood
from holdfast.app.control.alerting import raise_alert
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


def host_of(machine: Machine) -> str:
    """What its host called itself when it was heard last."""
    return machine.host or machine.name


def note_host(plane: Plane, db: Session, actor: Actor, machine: Machine, host: str) -> None:
    """The host calls itself otherwise now: it is written down and told, and nothing else happens."""
    former, machine.host = host_of(machine), good_host_name(host)
    if machine.name == former:
        machine.name = machine.host
    audit.note(
        db,
        plane,
        actor,
        act="machine-renamed",
        vault_id=machine.vault_id,
        object=machine.id,
        detail={"from": former, "to": machine.host, "source_code": RENAMED},
    )
    raise_alert(
        db,
        plane,
        "machine-renamed",
        vault_id=machine.vault_id,
        machine_id=machine.id,
        fields={"before": former, "machine": machine.host},
    )


def heard_host(plane: Plane, actor: Actor, host: str) -> bool:
    """For heartbeats: whether the host's name is another one than before; it is then kept."""
    with plane.database.write() as db:
        machine = db.get(Machine, actor.id, with_for_update=True)
        if machine is None or host_of(machine) == good_host_name(host):
            return False
        note_host(plane, db, actor, machine, host)
        return True
