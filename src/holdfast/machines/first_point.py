"""The first point of a machine booted from another's: equal to it, and stored at no cost.

The next backup finds it as any other, so only what was written since the first instant is read.
"""

from dataclasses import replace
from datetime import datetime

import msgspec

from holdfast.disks.spans import Span
from holdfast.machines.boot_records import Boot
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.parents import tags_of
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import PointReport, PointWriter, WriterOptions
from holdfast.machines.points import VERSION, DiskFacts, Mode, Rung, VmPoint
from holdfast.machines.tracking import Why

_DOMAIN = "domain.xml"


class _Unchanged:
    """A disk of a point as source of another: nothing of it differs, so nothing of it is read."""

    changed: tuple[Span, ...] = ()

    def __init__(self, reader: DiskReader) -> None:
        self._reader = reader
        self.size = reader.size

    def spans_with_data(self) -> list[Span]:
        return self._reader.spans_with_data()

    def read_into(self, offset: int, target: memoryview) -> None:
        self._reader.read_into(offset, target)

    def another(self) -> "_Unchanged":
        return _Unchanged(self._reader)

    def close(self) -> None:
        """The reader is not ours."""


def write_first_point(
    origin: PointReader,
    boot: Boot,
    options: WriterOptions,
    *,
    description: bytes,
    taken_at: datetime,
) -> PointReport:
    """`taken_at` is when its first checkpoint was made."""
    options = replace(options, tags=(*tags_of(boot.uuid), *options.tags))
    with PointWriter(origin.repository, boot.name, options, parent=origin) as writer:
        for target in boot.targets:
            writer.add_disk(target, _Unchanged(DiskReader(origin, target)))
        files = {name: origin.read_file(name) for name in origin.files}
        files[_DOMAIN] = description
        return writer.commit(_facts(origin, boot, taken_at), files)


def _facts(origin: PointReader, boot: Boot, taken_at: datetime) -> VmPoint:
    before = origin.facts
    return VmPoint(
        version=VERSION,
        name=boot.name,
        uuid=boot.uuid,
        taken_at=taken_at,
        consistency=before.consistency,
        downgrades=before.downgrades,
        disks=tuple(_disk(before.disk(target), target, origin, boot) for target in boot.targets),
        left_out=before.left_out,
        checkpoint=boot.checkpoint,
        generation=boot.checkpoint,
        parent=origin.snapshot.id,
        agent=before.agent,
    )


def _disk(facts: DiskFacts | None, target: str, origin: PointReader, boot: Boot) -> DiskFacts:
    known = facts or DiskFacts(target=target, size=origin.disk(target).blocks.size)
    return msgspec.structs.replace(
        known,
        format="qcow2",
        source=str(boot.disk(target)),
        mode=Mode.INCREMENTAL,
        rung=Rung.BITMAP,
        why=Why.TRACKED.value,
        checkpoint=boot.checkpoint,
        generation=boot.checkpoint,
    )
