"""A point of a virtual machine, whatever state it and the leftovers of earlier runs are in."""

from dataclasses import replace

from holdfast.machines.adopting import tidy_up
from holdfast.machines.backup_errors import VmHalfRestored, VmWentAway
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.cycle import back_up_running
from holdfast.machines.made_before import made_before
from holdfast.machines.offline import back_up_off
from holdfast.machines.overlay_cycle import back_up_by_overlays
from holdfast.machines.overlay_errors import VmOverlayFull
from holdfast.machines.overlay_merging import give_back_if_it_fits
from holdfast.machines.overlay_tidying import tidy_overlays
from holdfast.machines.parents import Parent, newest_point
from holdfast.machines.replacement_note import read_note
from holdfast.machines.tracking import Tracking
from holdfast.machines.vm_job import VmJob, VmReport
from holdfast.machines.vm_lock import vm_lock


def back_up_vm(job: VmJob) -> VmReport:
    domain = job.domain
    with vm_lock(job.home, domain.uuid, job.clock, name=domain.name, work="backup"):
        return back_up_held(job)


def back_up_held(job: VmJob) -> VmReport:
    """The lock of the machine is held by the caller."""
    notes = CheckpointNotes(job.home, job.domain.uuid, job.clock)
    vault = job.repository.id
    report, newest = _back_up(job, notes.of_others(vault))
    notes.note(vault, newest)
    return report


def _back_up(job: VmJob, others: frozenset[str]) -> tuple[VmReport, str]:
    """With the checkpoint of the newest point; `others` are those that other vaults' points name.

    What a killed run has left is tidied up, also where its point is the one that is wanted.
    """
    domain = job.domain
    if read_note(job.home, domain.uuid) is not None:
        raise VmHalfRestored(about=domain.name)
    parent = newest_point(job.repository, domain.uuid)
    keep = others | _named(parent)
    tidy_up(domain, job.place, job.clock, home=job.home, keep=keep)
    warnings = tidy_overlays(job, keep)
    made = made_before(job)
    report = made or _made(job, parent, others)
    # A point made before need not be the newest.
    newest = parent.facts if made and parent else report.facts
    report = replace(report, warnings=(*warnings, *report.warnings)) if warnings else report
    return report, newest.generation


def _made(job: VmJob, parent: Parent | None, others: frozenset[str]) -> VmReport:
    domain = job.domain
    if not domain.is_active():
        return back_up_off(job, parent)
    if job.tracking is Tracking.OVERLAY:
        return _by_overlays(job, parent, others)
    return _by_bitmaps(job, parent, others)


def _by_overlays(job: VmJob, parent: Parent | None, others: frozenset[str]) -> VmReport:
    try:
        return back_up_by_overlays(job, parent, keep=others)
    except VmOverlayFull as err:
        # It costs a comparison, and the ones that are there grow no more.
        give_back_if_it_fits(job.domain, job.clock, home=job.home)
        report = _by_bitmaps(job, parent, others)
        return replace(report, warnings=(str(err), *report.warnings))


def _by_bitmaps(job: VmJob, parent: Parent | None, others: frozenset[str]) -> VmReport:
    domain = job.domain
    try:
        return back_up_running(job, parent, keep=others)
    except VmWentAway:
        # Switched off in the middle: its images hold all of it, and its record of changes.
        keep = others | _named(parent)
        tidy_up(domain, job.place, job.clock, home=job.home, keep=keep)
        if domain.is_active():
            raise
        return back_up_off(job, parent)


def _named(parent: Parent | None) -> frozenset[str]:
    return frozenset({parent.facts.generation} - {""}) if parent else frozenset()
