"""Who may write which replica of this site: as its server says, else those who were admitted."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_own_site import site_role
from holdfast.app.replication_roles import roles_file
from holdfast.fleet.replication_messages import SiteRole
from holdfast.replication.link_identity import Shown
from holdfast.replication.receiver import Receiver

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
        self._role = _Fresh(roles_file(home), lambda: _readable(site_role(home)))

    def may_write(self, machine: str, vm: str) -> bool:
        return (machine, vm) in self._role()[0]

    def is_revoked(self, shown: Shown) -> bool:
        return shown.fingerprint in self._role()[1]


class AdmittedGrants:
    """Whoever is admitted may begin a replica; one that is there is written by its source alone."""

    def __init__(self, home: str, site: Receiver) -> None:
        folder = SiteFolder(home)
        self._site = site
        self._admitted = _Fresh(
            folder.note, lambda: frozenset(one.machine for one in folder.need().admitted.values())
        )

    def may_write(self, machine: str, vm: str) -> bool:
        if machine not in self._admitted():
            return False
        facts = self._site.state(vm)
        return facts is None or facts.source in ("", machine)

    def is_revoked(self, shown: Shown) -> bool:
        return shown.machine not in self._admitted()


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
