"""The use case "restore a virtual machine": as a new one, in place, or only its disks as files."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.app import locking
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.connection import Host, is_here
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domains import Domain, find_by_uuid, find_domain
from holdfast.machines.appearing import appearing_folder
from holdfast.machines.disk_files import DiskFile, FilesWish, write_disk_files
from holdfast.machines.new_identity import Wish
from holdfast.machines.nodes import file_name
from holdfast.machines.point_reader import PointReader
from holdfast.machines.points import VmPoint
from holdfast.machines.progress import DiskProgress, OnDisk, nobody_listens
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.machines.restore_errors import HostElsewhere, VmIsAnother
from holdfast.machines.restoring import Restored, found_or_none, restore_as_new
from holdfast.machines.state_files import replace_file
from holdfast.machines.vm_lock import vm_lock
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

DEFAULT_POOL = "/var/lib/libvirt/images"
# The first progress comes at once, the next when a lock has settled.
_CERTAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VmRestoreOptions:
    """`pool` is the folder in which a folder of the machine is made."""

    name: str | None = None
    pool: str | None = None
    format: str | None = None
    disks: tuple[str, ...] = ()
    keeps_identity: bool = False
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    start: bool = False
    lock: bool = True
    on_progress: OnDisk = nobody_listens


@dataclass(frozen=True, slots=True, kw_only=True)
class VmRestoreReport:
    """`uuid` is None where no machine was defined; `problem` is why it did not start."""

    name: str
    uuid: str | None
    facts: VmPoint
    disks: tuple[DiskFile, ...]
    seconds: float
    warnings: tuple[str, ...] = ()
    is_started: bool = False
    problem: HoldfastError | None = None

    @property
    def bytes_written(self) -> int:
        return sum(disk.written.written for disk in self.disks)


def restore_vm(
    session: Session, repository: Repository, snapshot: Snapshot, options: VmRestoreOptions
) -> VmRestoreReport:
    """A new machine; its definition comes last, when all its files are durable."""
    began = session.clock.monotonic()
    with host_here(session) as host, _locked(repository, options) as tended:
        point = PointReader(repository, snapshot)
        name = options.name or point.facts.name
        wish = Wish(
            name=name,
            folder=folder_in(options.pool, name),
            keeps_identity=options.keeps_identity,
            networks=options.networks,
        )
        files = _files_wish(session, options, tended)
        restored = restore_as_new(point, host, wish, files)
        return _report(session, point, restored, began, _start(host, restored, options))


def replace_vm(
    session: Session, repository: Repository, snapshot: Snapshot, options: VmRestoreOptions
) -> VmRestoreReport:
    """The disks of the machine that the point is of, where they lie."""
    began = session.clock.monotonic()
    home = session.settings.home
    with host_here(session) as host, _locked(repository, options) as tended:
        point = PointReader(repository, snapshot)
        domain = same_machine(host, point.facts)
        wish = ReplaceWish(
            clock=session.clock,
            home=home,
            disks=options.disks,
            on_progress=tended.on_progress,
            certain=tended.certain,
        )
        with vm_lock(home, domain.uuid, session.clock, name=domain.name, work="restore"):
            restored = replace_in_place(point, domain, wish)
        return _report(session, point, restored, began, _start(host, restored, options))


def write_vm_files(
    session: Session, repository: Repository, snapshot: Snapshot, options: VmRestoreOptions
) -> VmRestoreReport:
    """Its disks as images, with what lies beside them; no hypervisor is needed."""
    began = session.clock.monotonic()
    with _locked(repository, options) as tended:
        point = PointReader(repository, snapshot)
        name = options.name or point.facts.name
        folder = folder_in(options.pool, name)
        with appearing_folder(folder) as partial:
            disks = write_disk_files(point, partial, _files_wish(session, options, tended))
            for file in point.files:
                replace_file(partial / os.path.basename(file), point.read_file(file))
        placed = tuple(disk.moved_to(folder) for disk in disks)
        restored = Restored(name=name, uuid="", disks=placed)
        return _report(session, point, restored, began, None)


@contextlib.contextmanager
def host_here(session: Session) -> Iterator[Host]:
    uri = session.settings.libvirt
    if not is_here(uri):
        raise HostElsewhere(uri=uri)
    with Host.open(uri) as host:
        yield host


class _Tended:
    """A lock that is looked at again as soon as that means no waiting, and at the end."""

    def __init__(self, lock: HeldLock, on_progress: OnDisk) -> None:
        self.certain = lock.check
        self._on_progress = on_progress
        self._told = 0

    def on_progress(self, now: DiskProgress) -> None:
        self._told += 1
        if self._told == _CERTAIN:
            self.certain()
        self._on_progress(now)


class _Untended:
    """For a vault that may only be read, where nobody prunes."""

    def __init__(self, on_progress: OnDisk) -> None:
        self.on_progress = on_progress

    def certain(self) -> None:
        pass


@contextlib.contextmanager
def _locked(repository: Repository, options: VmRestoreOptions) -> Iterator[_Tended | _Untended]:
    if not options.lock:
        yield _Untended(options.on_progress)
        return
    with locking.held(repository, settle_later=True) as lock:
        yield _Tended(lock, options.on_progress)


def folder_in(pool: str | None, name: str) -> Path:
    # A name out of a vault must not lead out of the pool.
    own = os.fsdecode(file_name(name))
    return Path(os.path.abspath(pool or DEFAULT_POOL), own)


def _files_wish(
    session: Session, options: VmRestoreOptions, tended: _Tended | _Untended
) -> FilesWish:
    return FilesWish(
        clock=session.clock,
        format=options.format,
        disks=options.disks,
        on_progress=tended.on_progress,
        certain=tended.certain,
    )


def same_machine(host: Host, facts: VmPoint) -> Domain:
    found = found_or_none(find_by_uuid, host, facts.uuid)
    if found is not None:
        return found
    other = find_domain(host, facts.name)
    raise VmIsAnother(about=facts.name, found=other.uuid, wanted=facts.uuid)


def _start(
    host: Host, restored: Restored, options: VmRestoreOptions
) -> tuple[bool, HoldfastError | None] | None:
    """A machine that does not start is there all the same."""
    if not options.start:
        return None
    try:
        find_by_uuid(host, restored.uuid).start()
    except HoldfastError as err:
        return False, err
    return True, None


def _report(
    session: Session,
    point: PointReader,
    restored: Restored,
    began: float,
    started: tuple[bool, HoldfastError | None] | None,
) -> VmRestoreReport:
    is_started, problem = started or (False, None)
    warnings = restored.warnings
    if problem is not None:
        warnings += (_("the machine is there, but did not start: {reason}").format(reason=problem),)
    return VmRestoreReport(
        name=restored.name,
        uuid=restored.uuid or None,
        facts=point.facts,
        disks=restored.disks,
        seconds=session.clock.monotonic() - began,
        warnings=warnings,
        is_started=is_started,
        problem=problem,
    )
