"""What a backup of a virtual machine is told, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.machines.audit_plan import AuditWish
from holdfast.machines.point_writer import PointReport, WriterOptions
from holdfast.machines.points import Consistency, VmPoint
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import Stillness
from holdfast.machines.tracking import Tracking, Wanted
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
    # How changes are recorded from now on.
    tracking: Tracking = Tracking.AUTO
    # No point is made that is less consistent.
    least: Consistency = Consistency.CRASH
    # A point of the machine that has this tag already is the one that is wanted.
    once: str | None = None
    # Look at all that is called unchanged, not only at what the audit has come to.
    audit_all: bool = False
    # Room that stays free beside the scratch files; None: as the guard thinks.
    reserve: int | None = None
    # The same beside overlays.
    overlay_reserve: int | None = None
    # A word at each step, for tests that break in there.
    on_step: Callable[[str], None] = _nobody_listens

    @property
    def clock(self) -> Clock:
        return self.repository.clock

    @property
    def audit_wish(self) -> AuditWish:
        return AuditWish(now=self.clock.now(), whole=self.audit_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskDone:
    """`changed` is what the record of changes says; None where there was none to trust."""

    target: str
    size: int
    bytes_read: int
    changed: int | None
    # Read beside that, and compared with the vault, though it is called unchanged.
    audited: int = 0


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
