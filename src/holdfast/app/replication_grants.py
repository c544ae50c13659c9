"""Who may write which replica of this site: as its server says, else those who were admitted."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from holdfast.app.recovery_way_back import ids_of
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_own_site import site_role
from holdfast.app.replication_roles import roles_file
from holdfast.fleet.replication_messages import SiteRole
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.link_identity import Shown
from holdfast.replication.receiver import Receiver
from holdfast.replication.source_folder import SourceFolder

_T = TypeVar("_T")


class _Fresh(Generic[_T]):
    """What a file says, read again when it is another file."""

    def __init__(self, path: Path, read: Callable[[], _T]) -> None:
        self._path = path
        self._read = read
        self._lock = threading.Lock()
        self._seen: tuple[object, _T] | None = None

    def __call__(self) -> _T:
        mark = _mark(self._path)
        with self._lock:
            if self._seen is None or self._seen[0] != mark:
                self._seen = mark, self._read()
            return self._seen[1]


class ServersGrants:
    """Changed while they are in use, by whoever hears the server."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._role = _Fresh(roles_file(home), lambda: _readable(site_role(home)))

    def may_write(self, machine: str, vm: str) -> bool:
        return (machine, vm) in self._role()[0]

    def may_tell(self, machine: str, vm: str) -> bool:
        return self.may_write(machine, vm) or _is_home(self._home, machine, vm)

    def is_revoked(self, shown: Shown) -> bool:
        return shown.fingerprint in self._role()[1]


class AdmittedGrants:
    """Whoever is admitted may begin a replica; one that is there is written by its source alone.

    A machine that went on from here is followed from the host it went to, wherever it came from.
    """

    def __init__(self, home: str, site: Receiver) -> None:
        folder = SiteFolder(home)
        self._home = home
        self._site = site
        self._admitted = _Fresh(
            folder.note, lambda: frozenset(one.machine for one in folder.need().admitted.values())
        )

    def may_write(self, machine: str, vm: str) -> bool:
        if machine not in self._admitted():
            return False
        facts = self._site.state(vm)
        is_its_own = facts is None or facts.source in ("", machine)
        return is_its_own or self._has_gone_to(machine, vm)

    def may_tell(self, machine: str, vm: str) -> bool:
        is_home = machine in self._admitted() and _is_home(self._home, machine, vm)
        return is_home or self.may_write(machine, vm)

    def is_revoked(self, shown: Shown) -> bool:
        return shown.machine not in self._admitted()

    def _has_gone_to(self, machine: str, vm: str) -> bool:
        """By a greater epoch, after it was replicated to there from here."""
        record = RecordFolder(self._home, vm).load()
        settings = SourceFolder(self._home, vm).settings()
        if record is None or settings is None or record.runs_at != settings.to.machine:
            return False
        return machine in ids_of(self._home)(settings)


def _is_home(home: str, machine: str, vm: str) -> bool:
    record = RecordFolder(home, vm).load()
    return record is not None and record.home == machine


def _readable(role: SiteRole | None) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Quick to ask; a host that is no site any more lets nobody write."""
    if role is None:
        return frozenset(), frozenset()
    granted = frozenset((one.machine, one.vm) for one in role.grants)
    return granted, frozenset(role.revoked)


def _mark(path: Path) -> object:
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_ino, seen.st_size
