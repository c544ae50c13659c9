"""What was shown to come back, when, and by what: a backup that was never restored proves little."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from holdfast.catalog.overview import ProofRow
from holdfast.catalog.tables import Machine, RecoveryHost
from holdfast.fleet.jobs import Kind
from holdfast.fleet.virtual_machines import source_of_recovery


class By(StrEnum):
    RESTORE = "restore"
    # That a restore works; not that all of it would come back.
    RESTORE_PART = "restore-part"
    DRILL = "drill"
    # All or a part of what is stored was read again, and was as it should be.
    READ_CHECK = "read-check"


# A test failover counts once it is cleaned up.
_OF_KIND: Mapping[str, By] = {
    Kind.RESTORE: By.RESTORE,
    Kind.RESTORE_VM: By.RESTORE,
    Kind.DRILL: By.DRILL,
    Kind.CLEAN_UP_TEST: By.DRILL,
    Kind.CHECK: By.READ_CHECK,
    Kind.SCRUB: By.READ_CHECK,
}
_TRIAL = source_of_recovery("", trial=True)
_K = TypeVar("_K")
KINDS = tuple(sorted(kind for kind in _OF_KIND if kind != Kind.SCRUB))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    by: By
    at: datetime
    # Whom it was shown for: the id of a machine, and the name of a virtual machine if it was one.
    machine_id: str
    about: str = ""
    # Empty: no job of its own tells of it.
    job_id: str = ""


class Proofs:
    """The newest of each kind, of all and of each."""

    def __init__(self, found: Iterable[Proof]) -> None:
        self._newest: dict[By, Proof] = {}
        self._of: dict[tuple[str, str], Proof] = {}
        self._read: dict[str, Proof] = {}
        self._drilled: dict[str, Proof] = {}
        for one in found:
            _keep(self._newest, one.by, one)
            _keep(self._of, (one.machine_id, one.about), one)
            if one.by is By.READ_CHECK:
                _keep(self._read, one.machine_id, one)
            if one.by is By.DRILL:
                # A drill runs at the other site: the machine is known there by the same name.
                _keep(self._drilled, one.about, one)

    def newest(self, by: By) -> Proof | None:
        return self._newest.get(by)

    def of_machine(self, machine_id: str) -> Proof | None:
        return self._of.get((machine_id, ""))

    def of_vm(self, machine_id: str, uuid: str, name: str) -> Proof | None:
        """What was read again of its host's repository is of its own points as well.

        What was restored of its host is not: that may have been one file beside it.
        """
        own = [self._of.get((machine_id, called)) for called in (uuid, name)]
        found = (*own, self._drilled.get(uuid), self._drilled.get(name), self._read.get(machine_id))
        return max((one for one in found if one), key=lambda one: one.at, default=None)


def proofs_of(
    rows: Iterable[ProofRow],
    scrubs: Mapping[str, datetime],
    hosts: Iterable[tuple[RecoveryHost, Machine]],
) -> Proofs:
    found = [_of_job(row) for row in rows]
    found += [Proof(by=By.READ_CHECK, at=at, machine_id=machine) for machine, at in scrubs.items()]
    found += [one for host, machine in hosts for one in _of_drills(host, machine)]
    return Proofs(found)


def _of_job(row: ProofRow) -> Proof:
    by = _OF_KIND[row.kind]
    if by is By.RESTORE and row.is_partial:
        by = By.RESTORE_PART
    return Proof(
        by=by, at=row.at, machine_id=row.machine_id or "", about=_about(row), job_id=row.job_id
    )


def _about(row: ProofRow) -> str:
    """A virtual machine or a plan; what else is read or restored is of the host's repository."""
    if row.kind == Kind.RESTORE_VM:
        return row.vm or ""
    return row.source.removeprefix(_TRIAL) if _OF_KIND[row.kind] is By.DRILL else ""


def _of_drills(host: RecoveryHost, machine: Machine) -> Iterable[Proof]:
    for told in host.facts.get("drills", ()):
        at = told.get("at")
        if at and told.get("is_passed"):
            moment = datetime.fromisoformat(str(at))
            yield Proof(
                by=By.DRILL, at=moment, machine_id=machine.id, about=str(told.get("name", ""))
            )


def _keep(of: dict[_K, Proof], key: _K, one: Proof) -> None:
    known = of.get(key)
    if known is None or known.at < one.at:
        of[key] = one
