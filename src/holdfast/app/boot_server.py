"""Start the process that serves a machine's disks out of the vault, and hand it the passphrase.

It begins before it is known what it is to serve, so that it opens the vault while we do.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from holdfast.app.config import Settings
from holdfast.app.secret_sources import passphrase_of
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import Service, last_words, start_service
from holdfast.disks.errors import DiskServerUnreachable
from holdfast.disks.nbd_address import UnixAddress, connect
from holdfast.machines.boot_errors import ServerNotReady
from holdfast.machines.boot_records import Boot, Boots
from holdfast.storage.location import Kind, parse_location

_CHILD = "holdfast.cli.vm_serve_child"
_PATIENCE = 300.0
_POLL = 0.02
_ANSWER = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A session that finds its passphrase in an open file, which processes may inherit."""

    session: Session
    descriptor: int


@contextlib.contextmanager
def handed(session: Session) -> Iterator[Handed]:
    """Ask for the passphrase once. Its file is memory without a name, gone with who has it open."""
    secret = passphrase_of(session)
    descriptor = os.memfd_create("passphrase", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, secret.reveal())
        file = f"/proc/self/fd/{descriptor}"
        settings = replace(
            session.settings,
            vault=_from_anywhere(session.settings.vault),
            passphrase_file=file,
            passphrase_command=None,
        )
        yield Handed(session=replace(session, settings=settings), descriptor=descriptor)
    finally:
        os.close(descriptor)


def start_server(way: Handed, boots: Boots, uuid: str) -> Service:
    """It outlives us; until there is a record of this UUID it ends with us."""
    words = [sys.executable, "-m", _CHILD, str(os.getpid()), uuid]
    with open(boots.log(uuid), "ab", opener=_private) as log:
        return start_service(
            words,
            environment=_environment(way.session.settings),
            log=log,
            inherits=way.descriptor,
        )


def wait_until_served(session: Session, boots: Boots, boot: Boot, server: Service) -> None:
    deadline = session.clock.monotonic() + _PATIENCE
    while not _answers(boots, boot):
        if server.status() is not None or session.clock.monotonic() > deadline:
            log = boots.log(boot.uuid)
            raise ServerNotReady(name=boot.name, log=log, reason=last_words(log.read_bytes()))
        session.clock.sleep(_POLL)


def end_unrecorded(server: Service) -> None:
    """One that has nothing to serve yet."""
    with contextlib.suppress(HoldfastError):
        server.end(patience=_ANSWER)


def _from_anywhere(vault: str | None) -> str | None:
    """The same place for a process in another folder."""
    if not vault:
        return vault
    location = parse_location(vault)
    return os.path.abspath(location.path) if location.kind is Kind.DIRECTORY else vault


def _answers(boots: Boots, boot: Boot) -> bool:
    if boots.server(boot.uuid) is None:
        return False
    try:
        connect(UnixAddress(path=boot.socket), patience=_ANSWER).close()
    except DiskServerUnreachable:
        return False
    return True


def _environment(settings: Settings) -> dict[str, str]:
    said = {
        "HOLDFAST_HOME": settings.home,
        "HOLDFAST_LANG": settings.lang,
        "HOLDFAST_LIBVIRT": settings.libvirt,
        "HOLDFAST_VAULT": settings.vault,
        "HOLDFAST_PASSPHRASE_FILE": settings.passphrase_file,
        "HOLDFAST_RATES_FILE": settings.rates_file,
    }
    named = {name: value for name, value in said.items() if value}
    return {**settings.harmless, **settings.credentials, **named}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
