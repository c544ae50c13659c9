"""From disks that stand still to a point: the part that is the same for machines on and off."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from holdfast.base.texts import _
from holdfast.disks.spans import Span, total
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.backup_errors import VmNotConsistent
from holdfast.machines.parents import Parent, tags_of
from holdfast.machines.point_writer import PointReport, PointWriter
from holdfast.machines.points import VERSION, Consistency, DiskFacts, VmPoint
from holdfast.machines.spool import Spool
from holdfast.machines.stillness import Stilled
from holdfast.machines.tracking import Why, reason_text
from holdfast.machines.vm_disks import Opened, disk_facts
from holdfast.machines.vm_job import DiskDone, Gathered, VmJob, VmReport

DOMAIN_FILE = "domain.xml"
_BEST_FIRST = (Consistency.APPLICATION, Consistency.FILESYSTEM, Consistency.CRASH)


def writer_for(job: VmJob, parent: Parent | None, *, spool: Spool | None = None) -> PointWriter:
    tags = (*tags_of(job.domain.uuid), *job.writer.tags)
    options = replace(job.writer, tags=tags, spool=spool)
    reader = parent.reader if parent else None
    return PointWriter(job.repository, job.domain.name, options, parent=reader)


def store_disk(
    writer: PointWriter,
    disk: DiskSpec,
    opened: Opened,
    *,
    gathered: Gathered,
    checkpoints: Mapping[str, str],
) -> DiskFacts:
    source = opened.source
    stored = writer.add_disk(disk.target, source)
    spans = None if source.changed is None else [Span(*each) for each in source.changed]
    gathered.disks.append(
        DiskDone(
            target=disk.target,
            size=source.size,
            bytes_read=stored.bytes_read,
            changed=None if spans is None else total(spans),
            audited=opened.audited,
        )
    )
    if opened.track.why in (Why.MAP_WRONG, Why.PARENT_DAMAGED):
        gathered.warnings.append(
            _("{disk} was read in full: {reason}").format(
                disk=disk.target, reason=reason_text(opened.track.why)
            )
        )
    return disk_facts(disk, opened, checkpoints=checkpoints)


class Demanding(Protocol):
    """A job that says what is the least."""

    @property
    def domain(self) -> Domain: ...

    @property
    def least(self) -> Consistency: ...


def require_consistency(job: Demanding, stilled: Stilled) -> None:
    if _BEST_FIRST.index(stilled.consistency) <= _BEST_FIRST.index(job.least):
        return
    reasons = "; ".join(each.reason for each in stilled.downgrades) or "-"
    raise VmNotConsistent(
        about=job.domain.name,
        found=stilled.consistency.value,
        wanted=job.least.value,
        reasons=reasons,
    )


def description(domain: Domain) -> bytes:
    """What defines the machine anew, with what only its host may see."""
    return domain.xml(inactive=domain.is_persistent(), secure=True).encode()


def make_facts(
    spec: DomainSpec,
    gathered: Gathered,
    *,
    stilled: Stilled,
    disks: Sequence[DiskFacts],
    checkpoint: str,
    parent: Parent | None,
) -> VmPoint:
    return VmPoint(
        version=VERSION,
        name=spec.name,
        uuid=spec.uuid,
        taken_at=gathered.taken_at,
        consistency=stilled.consistency,
        downgrades=stilled.downgrades,
        disks=tuple(disks),
        left_out=gathered.left_out,
        checkpoint=checkpoint,
        generation=checkpoint or next((one.generation for one in disks if one.generation), ""),
        parent=parent.reader.snapshot.id if parent else "",
        agent=stilled.agent,
    )


def report_of(
    job: VmJob, gathered: Gathered, *, point: PointReport, facts: VmPoint, stilled: Stilled
) -> VmReport:
    seconds = (job.clock.now() - gathered.taken_at).total_seconds()
    return VmReport(
        point=point,
        facts=facts,
        disks=tuple(gathered.disks),
        freeze_ms=stilled.freeze_ms,
        seconds=seconds,
        warnings=tuple(gathered.warnings),
    )
