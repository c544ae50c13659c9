"""Points of virtual machines made from plain image files, without a hypervisor."""

import os
import random
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from holdfast.machines.blocks import Spans
from holdfast.machines.disk_source import FileSource
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import PointReport, PointWriter, WriterOptions
from holdfast.machines.points import Consistency, DiskFacts, VmPoint
from holdfast.vault.repository import Repository

MIB = 1 << 20
DOMAIN = b"<domain type='kvm'><name>web</name></domain>\n"
OPTIONS = WriterOptions(host="alpha", workers=2)


def mixed_image(path: Path, size: int, *, seed: int = 1) -> Path:
    """Holes, zeros that are written out, text that packs well and noise, MiB by MiB."""
    dice = random.Random(seed)  # noqa: S311  contents, not keys
    with open(path, "wb") as target:
        target.truncate(size)
        for at in range(0, size, MIB):
            length = min(MIB, size - at)
            content = _piece(dice, length)
            if content is not None:
                target.seek(at)
                target.write(content)
    return path


def _piece(dice: random.Random, length: int) -> bytes | None:
    kind = dice.choice(("hole", "zeros", "text", "noise", "noise", "same"))
    if kind == "hole":
        return None
    if kind == "zeros":
        return bytes(length)
    if kind == "same":
        return (b"the same everywhere " * (length // 20 + 1))[:length]
    if kind == "text":
        return (b"line %d of a log\n" % dice.randrange(10**6) * (length // 16))[:length]
    return dice.randbytes(length)


def overwrite(path: Path, *changes: tuple[int, bytes]) -> list[tuple[int, int]]:
    """Write at these places; the spans that changed."""
    with open(path, "r+b") as target:
        for at, content in changes:
            target.seek(at)
            target.write(content)
    return [(at, at + len(content)) for at, content in sorted(changes)]


def write_vm_point(  # noqa: PLR0913  each is one line of a test
    repository: Repository,
    images: Mapping[str, Path],
    *,
    name: str = "web",
    parent: PointReader | None = None,
    changed: Mapping[str, Spans] | None = None,
    options: WriterOptions = OPTIONS,
    time: datetime | None = None,
) -> PointReport:
    """A point of these images; without `changed` everything is read."""
    spans = changed or {}
    with PointWriter(repository, name, options, parent=parent) as writer:
        for target, path in images.items():
            with FileSource(str(path), changed=spans.get(target)) as source:
                writer.add_disk(target, source)
        return writer.commit(
            vm_facts(images, name=name, time=time or repository.clock.now()),
            {"domain.xml": DOMAIN},
        )


def vm_facts(images: Mapping[str, Path], *, name: str, time: datetime) -> VmPoint:
    disks = (DiskFacts(target=each, size=os.path.getsize(path)) for each, path in images.items())
    return VmPoint(
        version=1,
        name=name,
        uuid="00000000-0000-4000-8000-000000000001",
        taken_at=time,
        consistency=Consistency.CRASH,
        disks=tuple(disks),
    )


def open_point(repository: Repository, report: PointReport) -> PointReader:
    return PointReader(repository, repository.load_snapshot(report.snapshot))
