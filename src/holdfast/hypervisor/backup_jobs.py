"""Pull backups: begin, watch, find again after a crash, end.

libvirt lets a second change of a machine wait 30 s for the first and then fail. So the job is
looked at first, and within this process two beginnings for one machine are made one after the
other; between processes the caller holds a lock of its own.

What can be asked and written beforehand is: a guest may stand still while its backup begins.
"""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_xml import BackupPlan, backup_xml, read_backup
from holdfast.hypervisor.binding import failure_of, load
from holdfast.hypervisor.checkpoint_xml import checkpoint_xml
from holdfast.hypervisor.checkpoints import delete_checkpoint
from holdfast.hypervisor.domain_disks import disk_job
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import (
    BackupNotEnding,
    BackupRunning,
    CheckpointExists,
    HostLost,
    NoBackupRunning,
    VmBusy,
    VmNotRunning,
)
from holdfast.hypervisor.failures import NO_DOMAIN_BACKUP, OPERATION_INVALID

# An end takes milliseconds; a disk that hangs may hold it up.
_END_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.002

# No such job; or no machine that could have one, because it is off.
_NO_BACKUP = (NO_DOMAIN_BACKUP, OPERATION_INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStats:
    """A job on the whole machine; `operation` is libvirt's word for it."""

    operation: str
    elapsed_ms: int
    # Room taken in the scratch files now, and the most they can come to.
    scratch_used: int
    scratch_total: int

    @property
    def is_backup(self) -> bool:
        return self.operation == "backup"


_OPERATIONS = (
    "unknown", "start", "save", "restore", "migration-in", "migration-out", "snapshot",
    "snapshot-revert", "dump", "backup", "snapshot-delete",
)  # fmt: skip


def job_stats(domain: Domain) -> JobStats | None:
    """The job on this machine, whoever began it."""
    libvirt = load()
    with domain.handle() as handle:
        try:
            return read_stats(handle.jobStats())
        except libvirt.libvirtError as err:
            if failure_of(err).number == OPERATION_INVALID:
                # Off: nothing can be under way.
                return None
            raise


def read_stats(found: Mapping[str, Any]) -> JobStats | None:
    # Completed jobs are told too, but not as bounded (1) or unbounded (2).
    if found.get("type", 0) not in (1, 2):
        return None
    number = found.get("operation", 0)
    return JobStats(
        operation=_OPERATIONS[number] if 0 <= number < len(_OPERATIONS) else "unknown",
        elapsed_ms=found.get("time_elapsed", 0),
        scratch_used=found.get("disk_temp_used", 0),
        scratch_total=found.get("disk_temp_total", 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBackup:
    """A backup of which all is said; `begin` is short, and nothing in it waits."""

    domain: Domain
    plan: BackupPlan
    backup: str
    checkpoint: str | None
    flags: int

    def begin(self) -> None:
        """All disks of the plan at one instant, readable over NBD on its socket from now on."""
        with _beginning(self.domain.uuid):
            # Looked at again: somebody may have begun one since, and libvirt would wait for it.
            _refuse_job(self.domain)
            try:
                with self.domain.handle() as handle:
                    handle.backupBegin(self.backup, self.checkpoint, self.flags)
            except (CheckpointExists, HostLost):
                # Not made by this call; or the job may have begun, and whoever adopts it decides.
                raise
            except HoldfastError:
                _clean_up(self.domain, self.plan)
                raise


def prepare_backup(
    domain: Domain, plan: BackupPlan, *, has_scratch: bool = False
) -> PreparedBackup:
    """`has_scratch`: the scratch files are there, empty qcow2 images of the disks' sizes."""
    _refuse_if_busy(domain, plan)
    targets = tuple(disk.target for disk in domain.spec().disks)
    named = {disk.target for disk in plan.disks}
    return PreparedBackup(
        domain=domain,
        plan=plan,
        backup=backup_xml(plan, others=tuple(each for each in targets if each not in named)),
        checkpoint=_checkpoint_of(plan, targets),
        flags=load().VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL if has_scratch else 0,
    )


def begin_backup(domain: Domain, plan: BackupPlan) -> None:
    prepare_backup(domain, plan).begin()


def current_backup(domain: Domain) -> BackupPlan | None:
    """The plan of the running backup: whoever lost it in a crash finds it by its paths."""
    libvirt = load()
    with domain.handle() as handle:
        try:
            return read_backup(handle.backupGetXMLDesc(0))
        except libvirt.libvirtError as err:
            if failure_of(err).number in _NO_BACKUP:
                return None
            raise


def end_backup(domain: Domain, clock: Clock, *, within: float = _END_WITHIN_SECONDS) -> None:
    """End the running backup, which is its normal end too; returns when its files are free."""
    stats = job_stats(domain)
    if stats is None or not stats.is_backup:
        raise NoBackupRunning(about=domain.name)
    with domain.handle() as handle:
        handle.abortJob()
    deadline = clock.monotonic() + within
    while current_backup(domain) is not None:
        if clock.monotonic() >= deadline:
            raise BackupNotEnding(about=domain.name, seconds=within)
        clock.sleep(_POLL_SECONDS)


def _checkpoint_of(plan: BackupPlan, targets: tuple[str, ...]) -> str | None:
    if plan.checkpoint is None:
        return None
    disks = plan.checkpoint_disks
    others = tuple(each for each in targets if each not in disks)
    return checkpoint_xml(plan.checkpoint, disks=disks, others=others)


def _clean_up(domain: Domain, plan: BackupPlan) -> None:
    """A checkpoint stays when only the serving of the disks failed after it was made."""
    if plan.checkpoint is not None:
        with contextlib.suppress(HoldfastError):
            delete_checkpoint(domain, plan.checkpoint)


def _refuse_if_busy(domain: Domain, plan: BackupPlan) -> None:
    if not domain.is_active():
        raise VmNotRunning(about=domain.name)
    _refuse_job(domain)
    for disk in plan.disks:
        job = disk_job(domain, disk.target)
        if job is not None:
            raise VmBusy(about=domain.name, reason=f"{disk.target}: {job.kind.name.lower()}")


def _refuse_job(domain: Domain) -> None:
    stats = job_stats(domain)
    if stats is not None and stats.is_backup:
        raise BackupRunning(about=domain.name)
    if stats is not None:
        raise VmBusy(about=domain.name, reason=stats.operation)


class _Locks:
    guard = threading.Lock()
    by_uuid: dict[str, threading.Lock] = {}  # noqa: RUF012  state of the process, never of an instance


def _beginning(uuid: str) -> threading.Lock:
    with _Locks.guard:
        return _Locks.by_uuid.setdefault(uuid, threading.Lock())
