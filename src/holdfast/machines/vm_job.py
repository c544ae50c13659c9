"""What a backup of a virtual machine is told, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.machines.point_writer import PointReport, WriterOptions
from holdfast.machines.points import Consistency, VmPoint
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import Stillness
from holdfast.machines.tracking import Wanted
from holdfast.vault.repository import Repository


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmJob:
    """`stillness` is made for a machine that runs, when everything else is ready."""

    repository: Repository
    domain: Domain
    place: ScratchPlace
    # Where locks and notes about machines lie.
    home: str
    writer: WriterOptions
    stillness: Callable[[Domain], Stillness]
    wanted: Wanted = Wanted.AUTO
    # No point is made that is less consistent.
    least: Consistency = Consistency.CRASH
    # Room that stays free beside the scratch files; None: as the guard thinks.
    reserve: int | None = None
    # A word at each step, for tests that break in there.
    on_step: Callable[[str], None] = _nobody_listens

    @property
    def clock(self) -> Clock:
        return self.repository.clock


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskDone:
    """`changed` is what the record of changes says; None where there was none to trust."""

    target: str
    size: int
    bytes_read: int
    changed: int | None


@dataclass(slots=True)
class Gathered:
    """What is known so far of the point that is being made."""

    taken_at: datetime
    disks: list[DiskDone] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmReport:
    point: PointReport
    facts: VmPoint
    disks: tuple[DiskDone, ...]
    freeze_ms: float
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def bytes_read(self) -> int:
        return sum(disk.bytes_read for disk in self.disks)
