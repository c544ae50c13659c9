"""The guest extension of a virtual machine: what it is like, installed, updated, removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.app.wiring import Session
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.machines.extension import bundle
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.extension.states import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionSeen:
    """`hooks` are those that have something to do; `newest` is the version that we bring."""

    vm: str
    uuid: str
    status: Status
    hooks: tuple[str, ...]
    newest: str


def see_extension(session: Session, name: str) -> ExtensionSeen:
    with _guest(session, name) as (uuid, guest):
        return _seen(uuid, guest)


def install_extension(session: Session, name: str) -> tuple[bool, ExtensionSeen]:
    """Install or update it; False when there was nothing to do."""
    with _guest(session, name) as (uuid, guest):
        is_new = guest.install()
        return is_new, _seen(uuid, guest)


def remove_extension(session: Session, name: str, *, force: bool = False) -> bool:
    """Whether there was one; `force` also ends what it does at this moment."""
    with _guest(session, name) as (_, guest):
        return guest.remove(force=force)


def _seen(uuid: str, guest: InGuest) -> ExtensionSeen:
    status = guest.status()
    return ExtensionSeen(
        vm=guest.about,
        uuid=uuid,
        status=status,
        hooks=guest.hooks() if status.is_whole else (),
        newest=bundle.version(),
    )


@contextmanager
def _guest(session: Session, name: str) -> Iterator[tuple[str, InGuest]]:
    with Host.open(session.settings.libvirt) as host:
        domain = find_domain(host, name)
        yield domain.uuid, InGuest(domain, session.clock)
