"""A person starts a machine at its own host, and knows what no program can know."""

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery import fencing
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder, with_event
from holdfast.recovery.source_errors import NotStartedByHand
from holdfast.recovery.source_notes import NotesFile

BY_FORCE = "started-by-force"


def why_not(folder: RecordFolder, *, site_machine: str, boot: str) -> str:
    """What speaks against it; empty: nothing."""
    record, notes = folder.load(), NotesFile(folder.path).now
    if record is not None and record.runs_at == site_machine:
        return given_away(record)
    if notes.is_handing_over or (record is not None and record.fence is not None):
        return _("it is being handed over to its site")
    if record is not None and record.starts_with_host and notes.boot != boot:
        return _("its site has not answered since this host was started")
    return ""


def start_by_hand(  # noqa: PLR0913  who, what, where and whether
    folder: RecordFolder,
    domain: Domain,
    clock: Clock,
    *,
    home: str,
    site_machine: str,
    boot: str,
    who: str,
    is_forced: bool,
) -> bool:
    """Whether it had to be started. The epoch stays: if it runs at its site as well, both say so."""
    reason = why_not(folder, site_machine=site_machine, boot=boot)
    if reason and not is_forced:
        raise NotStartedByHand(about=domain.name, reason=reason)
    if not reason and domain.is_active():
        return False
    with vm_lock(home, domain.uuid, clock, name=domain.name, work="failover start"):
        if reason:
            take_by_force(folder, domain, clock, who=who)
        elif fencing.is_fenced(domain):
            fencing.unbar(domain)
        if domain.is_active():
            return False
        domain.start()
    NotesFile(folder.path).change(boot=boot)
    return True


def given_away(record: RecoveryRecord) -> str:
    return _("it was given to its site by epoch {epoch}").format(epoch=record.epoch)


def take_by_force(
    folder: RecordFolder, domain: Domain, clock: Clock, *, who: str, runs_at: str = ""
) -> None:
    """It can be started when this returns, and what its site is in the middle of is not obeyed."""
    notes, before = NotesFile(folder.path), folder.load()

    def taken(record: RecoveryRecord) -> RecoveryRecord:
        now = msgspec.structs.replace(record, runs_at=runs_at, fence=None)
        return with_event(now, clock, BY_FORCE, who=who)

    notes.put(msgspec.structs.replace(notes.now.released(), refused=notes.now.act))
    folder.change(taken, first=RecoveryRecord(vm=domain.uuid, name=domain.name))
    if fencing.is_fenced(domain):
        fencing.unbar(domain, before.fence if before else None)
