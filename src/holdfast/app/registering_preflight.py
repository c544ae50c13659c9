"""Before a registration: everything that could stand in its way, found at once where possible."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.agent_link import AgentLink
from holdfast.app.machine_keys import proofs_of
from holdfast.app.registering_errors import (
    InodesScarce,
    MemoryScarce,
    NotReady,
    TemporaryFolderFull,
)
from holdfast.app.registering_network import Say, Way, proxy_for, walk
from holdfast.app.scratch import check_scratch
from holdfast.app.scratch_place import require_in_place
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import MIB, format_size
from holdfast.fleet.credentials_file import CredentialsFile

_LEAST_INODES = 1000
_LEAST_TEMPORARY = 16 * MIB
_LEAST_MEMORY = 64 * MIB
_LITTLE_MEMORY = 256 * MIB
# From so many on, the original products fail to register.
MOST_TEMPORARY_FILES = 60_000
_MEMORY = "/proc/meminfo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The address of the server that can be used from here, and how."""

    server: str
    proxy: str | None


def check_machine(session: Session) -> Iterator[HoldfastError]:
    """What this machine lacks, whatever the network is like."""
    home = session.settings.home
    try:
        check_scratch(require_in_place(home), warn=session.warn)
    except HoldfastError as err:
        yield err
    else:
        yield from _inodes(home)
    yield from _temporary_folder(session)
    yield from _memory(session)


def reach(file: CredentialsFile, session: Session, *, proxy: str | None, say: Say) -> Reached:
    """The first address of the credentials that works; else what is wrong with the first one."""
    failure: HoldfastError | None = None
    for server in file.servers:
        way = Way(server=server, ca=file.ca, proxy=proxy_for(server, proxy))
        try:
            walk(way, session.clock, say=say)
        except HoldfastError as err:
            failure = failure or err
        else:
            return Reached(server=server, proxy=way.proxy)
    assert failure is not None, "credentials name at least one address"
    raise failure


def ask_server(
    file: CredentialsFile, reached: Reached, *, folder: AgentFolder, machine_id: str | None
) -> HoldfastError | None:
    """What the server says of the credentials, before anybody invents a passphrase."""
    proofs = (
        proofs_of(folder, credentials_id=file.credentials_id, machine_id=machine_id)
        if machine_id
        else []
    )
    body = {
        "credentials_id": file.credentials_id,
        "secret": file.secret,
        "vault_id": file.vault_id,
        "machine_id": machine_id,
        "proofs": proofs,
    }
    link = AgentLink(reached.server, ca=file.ca, proxy=reached.proxy)
    try:
        link.tell("POST", "/register/check", body)
    except HoldfastError as err:
        return err
    finally:
        link.close()
    return None


def raise_all(problems: list[HoldfastError]) -> None:
    """One problem speaks for itself; several come together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        codes = ", ".join(problem.code for problem in problems)
        together = NotReady(count=len(problems), codes=codes)
        together.problems = tuple(problems)
        raise together


def _inodes(folder: str) -> Iterator[HoldfastError]:
    found = os.statvfs(folder)
    # Some file systems make inodes as they need them, and count none.
    if found.f_files and found.f_favail < _LEAST_INODES:
        yield InodesScarce(folder=folder, free=found.f_favail)


def _temporary_folder(session: Session) -> Iterator[HoldfastError]:
    folder = tempfile.gettempdir()
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < _LEAST_TEMPORARY:
        yield TemporaryFolderFull(folder=folder, free=format_size(free))
    yield from _inodes(folder)
    count = _count(folder, MOST_TEMPORARY_FILES)
    if count > MOST_TEMPORARY_FILES:
        session.warn(
            _("{folder} holds more than {count} files: remove those nobody needs").format(
                folder=folder, count=MOST_TEMPORARY_FILES
            )
        )


def _count(folder: str, most: int) -> int:
    """How many entries, but no further than it matters."""
    count = 0
    with os.scandir(folder) as entries:
        for _entry in entries:
            count += 1
            if count > most:
                break
    return count


def _memory(session: Session) -> Iterator[HoldfastError]:
    available = available_memory()
    if available is None:
        return
    free = format_size(available)
    if available < _LEAST_MEMORY:
        yield MemoryScarce(free=free, wanted=format_size(_LEAST_MEMORY))
    elif available < _LITTLE_MEMORY:
        session.warn(_("Only {free} of memory is available; backups may be slow").format(free=free))


def available_memory(file: str = _MEMORY) -> int | None:
    """Memory and swap that can be had without pushing anybody else out."""
    wanted = {"MemAvailable:": 0, "SwapFree:": 0}
    try:
        with open(file, encoding="ascii") as stream:
            for line in stream:
                name, _space, rest = line.partition(" ")
                if name in wanted:
                    wanted[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return sum(wanted.values()) or None
