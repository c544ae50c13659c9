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
_UUID = "00000000-0000-4000-8000-000000000001"
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
    uuid: str = _UUID,
    description: bytes = DOMAIN,
) -> PointReport:
    """A point of these images; without `changed` everything is read."""
    spans = changed or {}
    with PointWriter(repository, name, options, parent=parent) as writer:
        for target, path in images.items():
            with FileSource(str(path), changed=spans.get(target)) as source:
                writer.add_disk(target, source)
        facts = vm_facts(images, name=name, time=time or repository.clock.now(), uuid=uuid)
        return writer.commit(facts, {"domain.xml": description})


def vm_facts(
    images: Mapping[str, Path], *, name: str, time: datetime, uuid: str = _UUID
) -> VmPoint:
    disks = (DiskFacts(target=each, size=os.path.getsize(path)) for each, path in images.items())
    return VmPoint(
        version=1,
        name=name,
        uuid=uuid,
        taken_at=time,
        consistency=Consistency.CRASH,
        disks=tuple(disks),
    )


def open_point(repository: Repository, report: PointReport) -> PointReader:
    return PointReader(repository, repository.load_snapshot(report.snapshot))


# libvirt's own test driver, whose machine `test` runs and whose network `default` is started.
TRIAL_HOST = "test:///default"
TRIAL_NAME, TRIAL_UUID = "test", "6695eb01-f6a4-8304-79aa-97f2502e193f"
_CARD = "<interface type='{kind}'><mac address='52:54:00:00:00:0{number}'/><source {kind}='{to}'/></interface>"


def trial_description(*disks: str) -> bytes:
    """Of that driver's machine, with two cards: one in its network, one in a bridge far away."""
    cards = _CARD.format(kind="network", number=1, to="default")
    cards += _CARD.format(kind="bridge", number=2, to="br-far-away")
    drives = "".join(
        f"<disk type='file' device='disk'><source file='/old/{name}'/><target dev='{name}'/></disk>"
        for name in disks
    )
    return (
        f"<domain type='test'><name>{TRIAL_NAME}</name><uuid>{TRIAL_UUID}</uuid>"
        f"<memory>8192</memory><os><type>hvm</type></os>"
        f"<devices>{drives}{cards}</devices></domain>"
    ).encode()
