"""The use case "back up a virtual machine": vault, lock, hypervisor, and the machine's own lock."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.app import locking
from holdfast.app.backup import Patience
from holdfast.app.job_records import recorded
from holdfast.app.opening import open_vault
from holdfast.app.scratch import prepare_scratch
from holdfast.app.vm_records import LastPoint, save_last
from holdfast.app.wiring import Session
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.machines.downgrades import downgrade
from holdfast.machines.extension.hooks import ExtensionHooks
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.freezing import quiet
from holdfast.machines.point_writer import WriterOptions
from holdfast.machines.points import Consistency
from holdfast.machines.progress import OnDisk, nobody_listens
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.machines.tracking import Wanted
from holdfast.machines.vm_backup import back_up_vm
from holdfast.machines.vm_job import VmJob, VmReport


@dataclass(frozen=True, slots=True, kw_only=True)
class VmBackupOptions:
    """`host` is the name of the machine's host in the point; `vm` a name or a UUID."""

    vm: str
    host: str
    tags: tuple[str, ...] = ()
    wanted: Wanted = Wanted.AUTO
    # No point is made that is less consistent.
    least: Consistency = Consistency.CRASH
    # Hold the guest's file systems still, where that can be done.
    freeze: bool = True
    # None: where the setting vm-scratch says.
    scratch: str | None = None
    on_progress: OnDisk = nobody_listens


def back_up_machine(
    session: Session, options: VmBackupOptions, *, patience: Patience | None = None
) -> VmReport:
    """Make a recovery point of a virtual machine, running or not, and note how it went."""
    with recorded(session, "backup"), Host.open(session.settings.libvirt) as host:
        return _back_up(session, find_domain(host, options.vm), options, patience or Patience())


def _back_up(
    session: Session, domain: Domain, options: VmBackupOptions, patience: Patience
) -> VmReport:
    settings = session.settings
    repository = open_vault(session)
    prepare_scratch(settings.home, repository.id, warn=session.warn, needed=True)
    scratch = options.scratch or settings.vm_scratch
    with locking.held(repository, wait=patience.wait, waiting=patience.waiting) as lock:
        report = back_up_vm(
            VmJob(
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
                stillness=_stillness(session, freeze=options.freeze),
                wanted=options.wanted,
                least=options.least,
            )
        )
    _note(session, domain, options, report)
    return report


def _note(session: Session, domain: Domain, options: VmBackupOptions, report: VmReport) -> None:
    """For the doctor, who does not open the vault."""
    facts = report.facts
    last = LastPoint(
        at=facts.taken_at,
        consistency=facts.consistency.value,
        wanted=options.least.value,
        downgrades={one.code: one.reason for one in facts.downgrades},
        freeze_ms=round(report.freeze_ms),
    )
    # The point is made; that there is no room for a note must not be a failure.
    with contextlib.suppress(OSError):
        save_last(session.settings.home, domain.uuid, last)


def _stillness(session: Session, *, freeze: bool) -> Callable[[Domain], Stillness]:
    def make(domain: Domain) -> Stillness:
        if not freeze:
            return AsItIs(downgrade("freeze-off"))
        hooks = ExtensionHooks(InGuest(domain, session.clock))
        return quiet(domain, session.clock, home=session.settings.home, hooks=hooks)

    return make
