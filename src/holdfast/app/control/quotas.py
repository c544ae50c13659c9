"""How much is stored, counted in memory and told to the database about every second.

What a killed process had not told yet is made good by the next recount.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from holdfast.app.control.gateway import MachineRepository
from holdfast.app.control.plane import Plane
from holdfast.catalog import usage as usage_rows
from holdfast.storage.rest_errors import QuotaExceeded

_TELL_AFTER = 1.0


@dataclass(slots=True)
class _Count:
    size: int = 0
    files: int = 0


@dataclass(slots=True)
class _Counts:
    """What the database does not know yet, and what is on its way in."""

    untold: dict[str, _Count] = field(default_factory=lambda: defaultdict(_Count))
    arriving: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    vault_of: dict[str, str] = field(default_factory=dict)

    def machine(self, machine_id: str) -> int:
        return self.untold[machine_id].size + self.arriving[machine_id]

    def vault(self, vault_id: str) -> int:
        members = [one for one, vault in self.vault_of.items() if vault == vault_id]
        return sum(self.machine(one) for one in members)


class Usage:
    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._counts = _Counts()
        self._lock = threading.Lock()
        self._telling: threading.Timer | None = None

    def reserve(self, repository: MachineRepository, name: str, size: int) -> None:
        """Room for a file that is about to arrive, or QuotaExceeded."""
        with self._lock:
            self._counts.vault_of[repository.machine_id] = repository.vault_id
            self._require_room(repository, name, size)
            self._counts.arriving[repository.machine_id] += size

    def release(self, repository: MachineRepository, size: int, *, is_new: bool) -> None:
        """The reserved room is taken now, or given back."""
        with self._lock:
            self._counts.arriving[repository.machine_id] -= size
        if is_new:
            self.add(repository.machine_id, size=size, files=1)

    def add(self, machine_id: str, *, size: int, files: int) -> None:
        with self._lock:
            count = self._counts.untold[machine_id]
            count.size += size
            count.files += files
            if self._telling is None:
                self._telling = threading.Timer(_TELL_AFTER, self.tell)
                self._telling.daemon = True
                self._telling.start()

    def tell(self) -> None:
        """Bring the database up to date."""
        with self._lock:
            self._telling = None
            untold = {one: count for one, count in self._counts.untold.items() if count.files}
            # Under the lock: whoever asks for room must find each byte in exactly one place.
            with self._plane.database.write() as db:
                for machine_id, count in untold.items():
                    usage_rows.add(db, machine_id, size=count.size, files=count.files)
            for machine_id in untold:
                del self._counts.untold[machine_id]

    def _require_room(self, repository: MachineRepository, name: str, size: int) -> None:
        machine_quota, vault_quota = repository.machine_quota, repository.vault_quota
        if machine_quota is None and vault_quota is None:
            return
        with self._plane.database.read() as db:
            if machine_quota is not None:
                told = usage_rows.of_machine(db, repository.machine_id)
                used = told + self._counts.machine(repository.machine_id)
                _require(repository, name, size, used=used, quota=machine_quota)
            if vault_quota is not None:
                told = usage_rows.of_vault(db, repository.vault_id).size
                used = told + self._counts.vault(repository.vault_id)
                _require(repository, name, size, used=used, quota=vault_quota)


def _require(repository: MachineRepository, name: str, size: int, *, used: int, quota: int) -> None:
    if used + size > quota:
        raise QuotaExceeded(place=repository.machine_id, name=name, used=used, quota=quota)
