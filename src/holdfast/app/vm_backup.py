"""The use case "back up a virtual machine": vault, lock, hypervisor, and the machine's own lock."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from holdfast.app import locking, vm_records
from holdfast.app.job_records import recorded
from holdfast.app.locking import Patience
from holdfast.app.opening import open_vault
from holdfast.app.scratch import require_scratch
from holdfast.app.vm_freeze_plan import FreezePlan, freeze_plan
from holdfast.app.vm_records import LastPoint, Protection
from holdfast.app.vm_turns import turn_of
from holdfast.app.wiring import Session
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.machines.extension.hooks import ExtensionHooks
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.file_system_freeze import FreezeLimits
from holdfast.machines.freezing import quiet
from holdfast.machines.point_writer import WriterOptions
from holdfast.machines.points import Consistency
from holdfast.machines.progress import OnDisk, nobody_listens
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.machines.tracking import Tracking, Wanted, what_is_read
from holdfast.machines.turn_files import OnWaiting
from holdfast.machines.vm_backup import back_up_held
from holdfast.machines.vm_job import VmJob, VmReport
from holdfast.machines.vm_lock import vm_lock


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmBackupOptions:
    """`host` is the name of the machine's host in the point; `vm` a name or a UUID.

    What is None is as it is kept with the machine's protection.
    """

    vm: str
    host: str
    tags: tuple[str, ...] = ()
    # A point of the machine that has this tag already is the one that is wanted.
    once: str | None = None
    wanted: Wanted = Wanted.AUTO
    tracking: Tracking | None = None
    # No point is made that is less consistent.
    least: Consistency | None = None
    # Hold the guest's file systems still, where that can be done.
    freeze: bool | None = None
    scratch: str | None = None
    # Look at all that is called unchanged, not only at today's part of it.
    audit_all: bool = False
    on_progress: OnDisk = nobody_listens
    # None: it is said as a warning.
    on_waiting: OnWaiting | None = None
    # Said between steps; who raises there ends the backup.
    on_step: Callable[[str], None] = _nobody_listens


def back_up_machine(
    session: Session, options: VmBackupOptions, *, patience: Patience | None = None
) -> VmReport:
    """Make a recovery point of a virtual machine, running or not, and note how it went."""
    with recorded(session, "backup"), Host.open(session.settings.libvirt) as host:
        return _back_up(session, find_domain(host, options.vm), options, patience or Patience())


def _back_up(
    session: Session, domain: Domain, options: VmBackupOptions, patience: Patience
) -> VmReport:
    settings, clock = session.settings, session.clock
    kept = vm_records.load(settings.home, domain.uuid) or Protection(
        uuid=domain.uuid, name=domain.name, host=settings.libvirt
    )
    least = options.least or Consistency(kept.consistency)
    tracking = options.tracking or Tracking(kept.tracking)
    repository = open_vault(session)
    require_scratch(settings.home, repository.id)
    scratch = options.scratch or kept.scratch or settings.vm_scratch
    with (
        vm_lock(settings.home, domain.uuid, clock, name=domain.name, work="backup"),
        turn_of(session, domain, on_waiting=options.on_waiting),
        locking.held(repository, wait=patience.wait, waiting=patience.waiting) as lock,
    ):
        job = VmJob(
            repository=repository,
            domain=domain,
            place=ScratchPlace.of(scratch, domain.uuid),
            home=settings.home,
            writer=WriterOptions(
                host=options.host,
                tags=options.tags,
                on_progress=options.on_progress,
                still_ours=lock.check,
            ),
            stillness=_stillness(session, _freeze_plan(session, kept, options, least)),
            wanted=what_is_read(tracking, options.wanted),
            tracking=tracking,
            least=least,
            once=options.once,
            audit_all=options.audit_all,
            on_step=options.on_step,
        )
        report = back_up_held(job)
        _note(session, domain, least, report)
    return report


def _freeze_plan(
    session: Session, kept: Protection, options: VmBackupOptions, least: Consistency
) -> FreezePlan:
    last = vm_records.load_last(session.settings.home, kept.uuid)
    now = session.clock.now()
    return freeze_plan(kept.freeze, last, now=now, asked=options.freeze, least=least)


def _note(session: Session, domain: Domain, least: Consistency, report: VmReport) -> None:
    """For the doctor, who does not open the vault, and for the next backup."""
    facts, home = report.facts, session.settings.home
    before = vm_records.load_last(home, domain.uuid)
    if before and before.at == facts.taken_at:
        # A run before made this point, and was stopped only after it had noted it.
        return
    last = LastPoint(
        at=facts.taken_at,
        consistency=facts.consistency.value,
        wanted=least.value,
        downgrades={one.code: one.reason for one in facts.downgrades},
        freeze_ms=round(report.freeze_ms),
        frozen_at=before.frozen_at if before else None,
        unfrozen=before.unfrozen + 1 if before else 1,
    )
    if report.freeze_ms:
        last = msgspec.structs.replace(last, frozen_at=facts.taken_at, unfrozen=0)
    # The point is made; that there is no room for a note must not be a failure.
    with contextlib.suppress(OSError):
        vm_records.save_last(home, domain.uuid, last)


def _stillness(session: Session, plan: FreezePlan) -> Callable[[Domain], Stillness]:
    def make(domain: Domain) -> Stillness:
        if plan.reason is not None:
            return AsItIs(plan.reason)
        hooks = ExtensionHooks(InGuest(domain, session.clock))
        limits = FreezeLimits(mountpoints=plan.mounts)
        return quiet(domain, session.clock, home=session.settings.home, hooks=hooks, limits=limits)

    return make
