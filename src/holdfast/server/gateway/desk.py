"""What a server process remembers between requests: who was let in, what is in the trash."""

import hashlib
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from holdfast.app.control.gateway import Admission, Caller, admit, storage_of
from holdfast.app.control.plane import Plane
from holdfast.app.control.quotas import Usage
from holdfast.catalog import trash as trash_rows
from holdfast.server.gateway.pacing import Pacing
from holdfast.storage.protocol import Storage

_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 20_000
# Hashing, writing and reading; each waits for a disk most of its time.
_THREADS = 16

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody who was let in, and the storage they are let into."""

    admission: Admission
    storage: Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    content: object
    until: float
    writes: int


class Desk:
    """What is kept lasts two seconds, and not even so long when this process wrote something.

    So a certificate that is revoked here is refused from the next request on.
    """

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.usage = Usage(plane)
        self.pacing = Pacing()
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway")
        self._kept: dict[object, _Kept] = {}
        self._storages: dict[tuple[str, str], Storage] = {}
        self._lock = threading.Lock()

    def admit(self, caller: Caller, vault_id: str, machine_id: str) -> Visit:
        key = (_key_of(caller), vault_id, machine_id)
        kept = self._find(key)
        if isinstance(kept, Visit):
            return kept
        writes = self.plane.database.writes
        admission = admit(self.plane, caller, vault_id, machine_id)
        visit = Visit(admission=admission, storage=self._storage(admission))
        self._keep(key, visit, writes)
        return visit

    def hidden(self, visit: Visit, *, fresh: bool = False) -> Iterable[str]:
        """Names in the trash; `fresh` where another server's work must show as well."""
        machine_id = visit.admission.repository.machine_id
        kept = None if fresh else self._find(machine_id)
        if isinstance(kept, frozenset):
            return kept
        writes = self.plane.database.writes
        with self.plane.database.read() as db:
            names = frozenset(trash_rows.hidden_names(db, machine_id))
        self._keep(machine_id, names, writes)
        return names

    def _storage(self, admission: Admission) -> Storage:
        repository = admission.repository
        key = (repository.location, repository.machine_id)
        with self._lock:
            if key not in self._storages:
                self._storages[key] = storage_of(self.plane, repository)
            return self._storages[key]

    def _find(self, key: object) -> object:
        kept = self._kept.get(key)
        if kept is None or kept.writes != self.plane.database.writes:
            return None
        return kept.content if self.plane.clock.monotonic() < kept.until else None

    def _keep(self, key: object, content: object, writes: int) -> None:
        if len(self._kept) >= _MOST_REMEMBERED:
            self._kept.clear()
        until = self.plane.clock.monotonic() + _REMEMBERED_SECONDS
        self._kept[key] = _Kept(content=content, until=until, writes=writes)


def _key_of(caller: Caller) -> str:
    shown = "\0".join((caller.fingerprint or "", caller.user or "", caller.secret or ""))
    return hashlib.sha256(shown.encode()).hexdigest()
