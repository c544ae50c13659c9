"""What a walk knows of a machine: what its disks hold, and what they held at each of its points."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.base.ids import SnapshotId
from holdfast.machines.blocks import BLOCK
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.points import Rung
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import VmBackups
from tests.faults.conftest import Faults

KIB, MIB = 1 << 10, 1 << 20
CLUSTER = 64 * KIB
# So small that the audit of a record of changes looks at each block of it: no lie is missed.
SMALL = "sda"
SIZES = {"vda": (9 * MIB, 16 * MIB), SMALL: (4 * MIB, 8 * MIB)}
PLUGGABLE = "sdb"
PLUGGABLE_SIZE = 3 * MIB

Contents = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A point: for each disk, the digests of its blocks, which are their names in the vault."""

    snapshot: SnapshotId
    disks: dict[str, bytes]


@dataclass(slots=True)
class Line:
    """The points of the machine in one vault."""

    backups: VmBackups
    points: list[Made] = field(default_factory=list)
    # Disks whose record of changes is sound, so that it must be used.
    tracked: set[str] = field(default_factory=set)
    # Disks whose record of changes may lie since the last point.
    doubtful: set[str] = field(default_factory=set)
    # Whether backups to the other vault know of the record, and keep it.
    is_noted: bool = False

    def newest(self) -> dict[str, bytes]:
        return self.points[-1].disks if self.points else {}


@dataclass(slots=True)
class Model:
    machine: StillMachine
    lines: list[Line]
    dice: random.Random
    faults: Faults
    # Copies of images, as a storage keeps them, and what they hold.
    copies: dict[str, tuple[Path, bytes]] = field(default_factory=dict)
    rungs: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    # How a disk is read whose record of changes is sound.
    record: Rung = Rung.BITMAP

    def _tell(self, *words: object) -> None:
        self.told[-1:] = [" ".join(map(str, (*self.told[-1:], *words)))]

    def contents(self) -> Contents:
        return {disk.target: bytes(disk.content) for disk in self.machine.plugged}

    def _line(self) -> Line:
        """Mostly the first."""
        line = self.dice.choices(self.lines, weights=[3, *[1] * len(self.lines[1:])])[0]
        self._tell(f"vault {self.lines.index(line)}")
        return line

    def _lose_records(self, *doubtful: str) -> None:
        for line in self.lines:
            line.tracked.clear()
            line.doubtful.update(doubtful)

    def _begun(self, line: Line) -> None:
        """A backup removes the records of a running machine that it knows of no use for."""
        for other in self.lines:
            if other is not line and not other.is_noted:
                other.tracked.clear()


def digests(content: bytes) -> bytes:
    blocks = (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))
    return b"".join(hashlib.sha256(block).digest() for block in blocks)


def blocks_that_differ(reader: DiskReader, content: bytes) -> list[int]:
    assert reader.size == len(content)
    found = []
    for at in range(0, len(content), BLOCK):
        block = content[at : at + BLOCK]
        if reader.read(at, len(block)) != block:
            found.append(at // BLOCK)
    return found
