"""The machines the doctor looks at: those that are protected, and those a failed job was about."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.app import vm_records
from holdfast.app.file_locks import is_locked
from holdfast.app.vm_records import Protection
from holdfast.app.vm_spoken import spoken_of
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.machines.vm_lock import FOLDER
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SourceFolder, replicated_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A machine by its name or UUID, and what is kept of it."""

    name: str
    protection: Protection | None = None
    # Of one that is replicated, whether or not it is protected.
    replicated: str = ""

    @property
    def uuid(self) -> str:
        return self.protection.uuid if self.protection else self.replicated


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Whether a process of ours works on a machine, as its lock file says."""

    is_held: bool = False
    work: str = ""
    pid: int | None = None
    since: str | None = None


def known_by_host(session: Session) -> dict[str, list[Known]]:
    """Nothing at all where no virtual machine was ever spoken of."""
    here = session.settings.libvirt
    found: dict[str, list[Known]] = {}
    for one in _kept(session):
        found.setdefault(one.host or here, []).append(Known(name=one.name, protection=one))
    for settings in _replicated(session):
        there = found.setdefault(settings.hypervisor or here, [])
        if all(one.uuid != settings.vm for one in there):
            there.append(Known(name=settings.name, replicated=settings.vm))
    names = {one.name for all_ in found.values() for one in all_}
    for name in spoken_of(session.settings.home):
        found.setdefault(here, [])
        if name and name not in names:
            names.add(name)
            found[here].append(Known(name=name))
    return found


def _kept(session: Session) -> Iterator[Protection]:
    # One damaged note must not hide what can be looked at; `vm list` tells of it.
    with contextlib.suppress(HoldfastError):
        yield from vm_records.load_all(session.settings.home)


def _replicated(session: Session) -> Iterator[ReplicationSettings]:
    home = session.settings.home
    for uuid in replicated_here(home):
        with contextlib.suppress(HoldfastError):
            settings = SourceFolder(home, uuid).settings()
            if settings is not None:
                yield settings


@contextmanager
def each_machine(session: Session) -> Iterator[list[tuple[Known, Domain]]]:
    """Those that are there, with their hosts open; hosts that are not reached are another's tale."""
    with contextlib.ExitStack() as stack:
        found: list[tuple[Known, Domain]] = []
        for uri, machines in known_by_host(session).items():
            with contextlib.suppress(HoldfastError):
                host = stack.enter_context(Host.open(uri))
                found += [(one, domain) for one in machines if (domain := find(host, one))]
        yield found


def find(host: Host, known: Known) -> Domain | None:
    with contextlib.suppress(HoldfastError):
        return find_domain(host, known.uuid or known.name)
    return None


def lock_of(home: str, uuid: str) -> Lock:
    file = os.path.join(home, FOLDER, f"{uuid}.lock")
    try:
        if not is_locked(file):
            return Lock()
        with open(file, "rb") as stream:
            said = json.load(stream)
        return Lock(is_held=True, work=str(said["work"]), pid=said["pid"], since=said["since"])
    except FileNotFoundError:
        return Lock()
    except (OSError, ValueError, KeyError, TypeError):
        # Somebody holds it, and has not written yet who it is.
        return Lock(is_held=True)
