"""Another machine's recovery points, which this one was allowed to read for some hours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.machines_on_server import MachineNameAmbiguous
from holdfast.app.registration_state import Registration, load_registration
from holdfast.app.secret_sources import saved_in
from holdfast.app.unregister import link_of
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import N_, _


class ReadGrantMissing(HoldfastError):
    code = "read-grant-missing"
    sentence = N_("This machine is not allowed to read the recovery points of {machine}")
    remedy = N_(
        "Somebody who may restore allows it for some hours: "
        "`holdfast vault machine allow {machine} {here} --hours 4`."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """As the server tells of a grant; names of its other fields are left out."""

    machine_id: str
    gateway_path: str
    expires_at: datetime
    machine: str = ""


def readable(registration: Registration, folder: AgentFolder) -> list[Readable]:
    """Whose recovery points this machine may read now."""
    link = link_of(registration, folder)
    try:
        return link.ask("GET", "/agent/readable", None, list[Readable])
    finally:
        link.close()


def session_about(session: Session, wanted: str) -> Session:
    """The same session, about the repository of the machine of this name or id.

    About this very machine it is the session as it was.
    """
    home = session.settings.home
    own = load_registration(home)
    if wanted in {own.machine_id, own.name}:
        return session
    found = _found(readable(own, AgentFolder.of(home)), wanted, here=own.machine_id)
    settings = session.settings
    is_saved = settings.passphrase_file == saved_in(settings)
    return replace(
        session,
        ask=_asking(session, wanted),
        settings=replace(
            settings,
            vault=own.location_of(found.gateway_path),
            # The saved passphrase is this machine's, and opens nothing there.
            passphrase_file=None if is_saved else settings.passphrase_file,
            credentials={**settings.credentials, **own.proxy_settings},
        ),
    )


def _found(grants: Sequence[Readable], wanted: str, *, here: str) -> Readable:
    by_machine = {one.machine_id: one for one in grants if wanted in {one.machine_id, one.machine}}
    if len(by_machine) > 1:
        raise MachineNameAmbiguous(
            count=len(by_machine), name=wanted, ids=", ".join(sorted(by_machine))
        )
    if not by_machine:
        raise ReadGrantMissing(machine=wanted, here=here)
    return next(iter(by_machine.values()))


def _asking(session: Session, wanted: str) -> Callable[[str], Secret] | None:
    ask = session.ask
    if ask is None:
        return None
    question = _("Passphrase of the machine {machine}").format(machine=wanted)
    return lambda _asked: ask(question)
