"""The point of a run that was stopped between making it and saying so."""

from holdfast.base.texts import _
from holdfast.machines.parents import Parent, newest_point
from holdfast.machines.point_writer import PointReport
from holdfast.machines.vm_job import DiskDone, VmJob, VmReport
from holdfast.vault.snapshot import Summary, parse_moment


def made_before(job: VmJob) -> VmReport | None:
    """What that run would have said, as far as the point itself knows."""
    if job.once is None:
        return None
    found = newest_point(job.repository, job.domain.uuid, mark=job.once)
    return _report_of(found) if found else None


def _report_of(point: Parent) -> VmReport:
    snapshot, facts = point.reader.snapshot, point.facts
    stored = snapshot.stored
    summary = stored.summary or Summary(backup_start=stored.time, backup_end=stored.time)
    begun, ended = parse_moment(summary.backup_start), parse_moment(summary.backup_end)
    return VmReport(
        point=PointReport(snapshot=snapshot.id, summary=summary, disks=()),
        facts=facts,
        # How much was read the point does not know, and this time it is nothing.
        disks=tuple(
            DiskDone(target=disk.target, size=disk.size, bytes_read=0, changed=0)
            for disk in facts.disks
        ),
        freeze_ms=0,
        seconds=(ended - begun).total_seconds(),
        warnings=(_("The point had been made already, by a run that was stopped."),),
    )
