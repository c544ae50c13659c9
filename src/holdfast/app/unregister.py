"""What a registered machine does about its registration: renew, leave, say how it is."""

from dataclasses import dataclass

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.agent_link import AgentLink
from holdfast.app.machine_keys import certificate_end, signing_request
from holdfast.app.registering_errors import KeyFileMissing
from holdfast.app.registration_state import Registration, load_registration
from holdfast.app.saved_passphrase import load_passphrase
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import RenewReply, RenewRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    registration: Registration
    certificate_ends: str
    # What the server said, if it said no; None: it knows this machine.
    server_trouble: HoldfastError | None
    passphrase_trouble: HoldfastError | None
    # Whose recovery points this machine may read for a while.
    readable: tuple[str, ...]


def renew(session: Session) -> str:
    """A new key and certificate in place of those in use; when the new one ends."""
    registration = load_registration(session.settings.home)
    folder = AgentFolder.of(session.settings.home)
    folder.settle()
    folder.renewal.make()
    request = RenewRequest(csr=signing_request(folder.renewal))
    link = link_of(registration, folder)
    try:
        reply = link.ask("POST", "/agent/certificate", request, RenewReply)
    finally:
        link.close()
    content = reply.certificate.encode()
    folder.renewal.write(folder.renewal.certificate, content)
    folder.settle()
    return certificate_end(content)


def unregister(session: Session, *, even_unheard: bool = False) -> Registration:
    """Leave the vault; the recovery points stay there. What this machine was given is removed."""
    registration = load_registration(session.settings.home)
    folder = AgentFolder.of(session.settings.home)
    link = link_of(registration, folder)
    try:
        link.tell("POST", "/agent/unregister")
    except HoldfastError:
        if not even_unheard:
            raise
    finally:
        link.close()
    folder.forget()
    return registration


def status(session: Session) -> Status:
    registration = load_registration(session.settings.home)
    folder = AgentFolder.of(session.settings.home)
    readable, trouble = _readable(registration, folder)
    return Status(
        registration=registration,
        certificate_ends=certificate_end(read_if_there(folder.certificate) or b""),
        server_trouble=trouble,
        passphrase_trouble=_passphrase_trouble(session, folder),
        readable=readable,
    )


def link_of(registration: Registration, folder: AgentFolder) -> AgentLink:
    ca = (read_if_there(folder.ca) or b"").decode("ascii")
    return AgentLink(registration.server, ca=ca, proxy=registration.proxy, shown=folder)


def _readable(
    registration: Registration, folder: AgentFolder
) -> tuple[tuple[str, ...], HoldfastError | None]:
    link = link_of(registration, folder)
    try:
        found = link.ask("GET", "/agent/readable", None, list[dict[str, object]])
    except HoldfastError as err:
        return (), err
    finally:
        link.close()
    return tuple(registration.location_of(str(one["gateway_path"])) for one in found), None


def _passphrase_trouble(session: Session, folder: AgentFolder) -> HoldfastError | None:
    try:
        load_passphrase(folder, warn=session.warn)
    except KeyFileMissing as err:
        return err
    return None
