"""A machine that is but bytes, its change logs, and a site that takes them in."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from holdfast.base.clock import SystemClock
from holdfast.disks import images
from holdfast.disks.spans import Span, merged
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.machines.points import Consistency, Rung
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.receiver import Ack, ReplicaWish
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaFacts
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.replica_record import LayerName, Record, layers_of
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site

VM = "0e5b0f2c-6f5e-4b7e-9d0a-3f1d5c3f9a10"
NAME = "web"
SOURCE = "the-source"
KIB, MIB = 1 << 10, 1 << 20
START = datetime(2026, 1, 1, tzinfo=UTC)

Spans = Mapping[str, Iterable[Span]]


class MovableClock(SystemClock):
    """The real time, for programs are waited for; its wall time can be put forward."""

    def __init__(self) -> None:
        self._ahead = self._passed = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._ahead + self._passed

    def monotonic(self) -> float:
        return super().monotonic() + self._passed.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Somebody sets it."""
        self._ahead += by

    def let_pass(self, by: timedelta) -> None:
        """So much time goes by."""
        self._passed += by


@dataclass
class Source:
    """What the machine is now, and what it was in each generation."""

    folder: Path
    disks: dict[str, bytearray]
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    was: dict[str, dict[str, bytes]] = field(default_factory=dict)
    now: datetime = START
    # What was written since the last log.
    dirty: dict[str, list[Span]] = field(default_factory=dict)

    def write(self, target: str, offset: int, content: bytes) -> None:
        self.disks[target][offset : offset + len(content)] = content
        span = Span(offset, offset + len(content))
        self.dirty.setdefault(target, []).append(span)

    def resize(self, target: str, size: int) -> None:
        disk = self.disks[target]
        before = len(disk)
        del disk[size:]
        disk.extend(bytes(size - len(disk)))
        if size > before:
            self.dirty.setdefault(target, []).append(Span(before, size))

    def step(
        self,
        since: str,
        *,
        rungs: Mapping[str, Rung] | None = None,
        files: Mapping[str, bytes] | None = None,
        consistency: Consistency = Consistency.CRASH,
    ) -> SealedLog:
        """A log with what was written since the last one; of disks with rung FULL all of it."""
        rungs = rungs or {}
        self.now += timedelta(minutes=5)
        head = self.head(Kind.STEP, since, new_name(), rungs=rungs, consistency=consistency)
        spans = {
            target: [Span(0, len(disk))]
            if rungs.get(target) is Rung.FULL
            else self.dirty.get(target, [])
            for target, disk in self.disks.items()
        }
        log = self.log(head, spans, files or {})
        self.dirty.clear()
        self.was[head.until] = {target: bytes(disk) for target, disk in self.disks.items()}
        return log

    def slice(self, since: str, until: str, *, number: int, spans: Spans) -> SealedLog:
        return self.log(self.head(Kind.SLICE, since, until, number=number), spans, {})

    def head(
        self,
        kind: Kind,
        since: str,
        until: str,
        *,
        number: int = 0,
        rungs: Mapping[str, Rung] | None = None,
        consistency: Consistency = Consistency.CRASH,
    ) -> LogHead:
        return LogHead(
            kind=kind,
            vm=VM,
            name=NAME,
            since=since,
            until=until,
            slice=number,
            taken_at=self.now,
            consistency=consistency,
            disks=tuple(
                LoggedDisk(
                    target=target, size=len(disk), rung=(rungs or {}).get(target, Rung.BITMAP)
                )
                for target, disk in self.disks.items()
            ),
        )

    def log(self, head: LogHead, spans: Spans, files: Mapping[str, bytes]) -> SealedLog:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{head.until}.{head.slice}.log"
        with LogWriter(path, head) as writer:
            for target, listed in spans.items():
                disk = self.disks[target]
                for start, end in merged(listed):
                    if start < (last := min(end, len(disk))):
                        writer.data(target, start, bytes(disk[start:last]))
            for name, content in files.items():
                writer.file(name, content)
            return writer.seal()


def wish(source: Source, *, points: PointPolicy | None = None) -> ReplicaWish:
    disks = tuple(ReplicaDisk(target=name, size=len(disk)) for name, disk in source.disks.items())
    return ReplicaWish(vm=VM, name=NAME, source=SOURCE, disks=disks, points=points or PointPolicy())


def send(site: Site, log: SealedLog) -> None:
    content = memoryview(log.path.read_bytes())
    at = site.incoming(VM, log.hash, size=log.size).present
    for start in range(at, len(content), MIB):
        site.take(VM, log.hash, offset=start, content=content[start : start + MIB])


def ship(site: Site, log: SealedLog) -> Ack:
    send(site, log)
    return site.apply(VM, log.hash)


def first_copy(site: Site, source: Source) -> str:
    """All disks in one log, as of a machine that is off."""
    site.prepare(wish(source))
    log = source.step("", rungs=dict.fromkeys(source.disks, Rung.FULL))
    return ship(site, log).generation


def differing(site: Site, source: Source, target: str, span: Span) -> list[Span]:
    """What a walk would send of it: chunks that the site has otherwise."""
    chunk = 64 * KIB
    told = site.hashes(VM, target, start=span.start, length=span.length, chunk=chunk)
    found = []
    for number, at in enumerate(range(span.start, span.end, chunk)):
        content = source.disks[target][at : min(at + chunk, span.end)]
        if sha256(content).digest() != told[32 * number : 32 * number + 32]:
            found.append(Span(at, at + len(content)))
    return found


def facts(site: Site) -> ReplicaFacts:
    found = site.state(VM)
    assert found is not None
    return found


def image(site: Site, disk: ReplicaDisk) -> Path:
    return open_folder(site.folder, VM).layer(LayerName(disk.target, disk.layer))


def assert_points(
    site: Site, source: Source, *, which: Callable[[str], bool] = lambda _generation: True
) -> None:
    """Each point is what the machine was, by QEMU's own comparison, and its layers are sound."""
    found = facts(site)
    for point in found.points:
        if not which(point.generation):
            continue
        model = source.was[point.generation]
        assert {disk.target for disk in point.disks} == set(model)
        for disk in point.disks:
            path = image(site, disk)
            raw = source.folder / "model.raw"
            raw.write_bytes(model[disk.target])
            assert images.inspect(path, format_="qcow2").virtual_size == len(model[disk.target])
            same = images.are_same(raw, path, one_format="raw", other_format="qcow2")
            assert same, f"{disk.target} of {point.generation} differs"
    folder = open_folder(site.folder, VM)
    chosen = [disk for point in found.points if which(point.generation) for disk in point.disks]
    record = folder.read()
    for name in layers_of(record, chosen) - renamed(record):
        assert images.check(folder.layer(name), format_="qcow2").is_sound, name
    head = found.point(found.head)
    if head is not None:
        model = source.was[found.head]
        for disk in head.disks:
            told = site.hashes(VM, disk.target, start=0, length=disk.size, chunk=64 * KIB)
            content = model[disk.target]
            wanted = b"".join(
                sha256(content[at : at + 64 * KIB]).digest()
                for at in range(0, len(content), 64 * KIB)
            )
            if found.draft is None or found.draft.since:
                assert told == wanted


def renamed(record: Record) -> set[LayerName]:
    """What may have the name of the one above it already, where who merged was killed."""
    merging = record.merging
    return {LayerName(merging.target, merging.lower)} if merging else set()


def assert_nothing_left(site: Site) -> None:
    """No file that replica.json does not name, and every layer only to be read."""
    folder = open_folder(site.folder, VM)
    record = folder.read()
    layers = {path.name for path in folder.layers.iterdir()}
    lower = {name.file for name in renamed(record)}
    assert layers | lower == {each.file for each in record.layers} | lower
    found = {path.name for path in folder.points.iterdir()}
    assert found == {point.generation for point in record.facts.points}
    draft = record.facts.draft.generation if record.facts.draft else ""
    merging = record.merging
    for layer in record.layers:
        if layer.generation != draft and not (merging and layer.target == merging.target):
            assert folder.layer(layer.name).stat().st_mode & 0o777 == 0o400
