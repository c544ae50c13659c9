"""A point of a virtual machine, whatever state it and the leftovers of earlier runs are in."""

from holdfast.machines.adopting import tidy_up
from holdfast.machines.backup_errors import VmHalfRestored, VmWentAway
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.cycle import back_up_running
from holdfast.machines.offline import back_up_off
from holdfast.machines.parents import Parent, newest_point
from holdfast.machines.replacement_note import read_note
from holdfast.machines.vm_job import VmJob, VmReport
from holdfast.machines.vm_lock import vm_lock


def back_up_vm(job: VmJob) -> VmReport:
    domain = job.domain
    with vm_lock(job.home, domain.uuid, job.clock, name=domain.name, work="backup"):
        notes = CheckpointNotes(job.home, domain.uuid, job.clock)
        vault = job.repository.id
        report = _back_up(job, notes.of_others(vault))
        notes.note(vault, report.facts.checkpoint)
        return report


def _back_up(job: VmJob, others: frozenset[str]) -> VmReport:
    """`others` are checkpoints that points in other vaults name."""
    domain = job.domain
    if read_note(job.home, domain.uuid) is not None:
        raise VmHalfRestored(about=domain.name)
    parent = newest_point(job.repository, domain.uuid)
    keep = others | _named(parent)
    tidy_up(domain, job.place, job.clock, home=job.home, keep=keep)
    if not domain.is_active():
        return back_up_off(job, parent)
    try:
        return back_up_running(job, parent, keep=others)
    except VmWentAway:
        # Switched off in the middle: its images hold all of it, and its record of changes.
        tidy_up(domain, job.place, job.clock, home=job.home, keep=keep)
        if domain.is_active():
            raise
        return back_up_off(job, parent)


def _named(parent: Parent | None) -> frozenset[str]:
    return frozenset({parent.facts.checkpoint} - {""}) if parent else frozenset()
