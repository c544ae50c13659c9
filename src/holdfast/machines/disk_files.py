"""The disks of a point as image files, in a folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_writing import WritingOptions, Written, restore_qcow2, restore_raw
from holdfast.machines.nodes import file_name
from holdfast.machines.point_reader import PointReader
from holdfast.machines.progress import OnDisk, nobody_listens

RAW, QCOW2 = "raw", "qcow2"
FORMATS = (QCOW2, RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """A disk as it was brought back: where to, and how much was written for it."""

    target: str
    path: Path
    format: str
    size: int
    written: Written

    def moved_to(self, folder: Path) -> "DiskFile":
        return replace(self, path=folder / self.path.name)


def _certain() -> None:
    """No lock to look after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesWish:
    """`format` None: each disk in that which it had."""

    clock: Clock
    format: str | None = None
    # Targets; empty: all.
    disks: tuple[str, ...] = ()
    on_progress: OnDisk = nobody_listens
    # Raises when what was read may be gone meanwhile.
    certain: Callable[[], None] = _certain


def write_disk_files(point: PointReader, folder: Path, wish: FilesWish) -> list[DiskFile]:
    """New images in a folder that is there; each is durable when this returns."""
    chosen = chosen_targets(point, wish.disks)
    done = [_write(point, target, folder, wish) for target in chosen]
    wish.certain()
    return done


def chosen_targets(point: PointReader, wanted: Sequence[str]) -> tuple[str, ...]:
    """All disks of the point if none is named; one that it does not have is an error."""
    for target in wanted:
        point.disk(target)
    chosen = tuple(target for target in point.disks if not wanted or target in wanted)
    for target in chosen:
        # It becomes the name of a file, and comes out of a vault.
        file_name(target)
    return chosen


def _write(point: PointReader, target: str, folder: Path, wish: FilesWish) -> DiskFile:
    reader = DiskReader(point, target)
    kind = wish.format or format_of(point, target)
    path = folder / f"{target}.{kind}"
    options = WritingOptions(clock=wish.clock, disk=target, on_progress=wish.on_progress)
    restore = restore_raw if kind == RAW else restore_qcow2
    written = restore(reader, str(path), options)
    return DiskFile(target=target, path=path, format=kind, size=reader.size, written=written)


def format_of(point: PointReader, target: str) -> str:
    """What it lay in, where that can be written; qcow2 otherwise."""
    facts = point.facts.disk(target)
    return facts.format if facts is not None and facts.format in FORMATS else QCOW2
