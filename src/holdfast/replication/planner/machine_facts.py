"""What the planner keeps of a machine beside its figures: its disks, and what is against it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

VERSION = 1


class Measure(StrEnum):
    """How the changes of a disk are known."""

    # What differs at the end of a window, as a cycle would ship it.
    UNIQUE = "unique"
    # What was written, however often to the same place.
    WRITTEN = "written"


class DiskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    target: str
    size: int
    # What a first copy has to read and ship.
    allocated: int
    format: str = ""
    measure: Measure = Measure.WRITTEN
    # The code of why it is no better one.
    why: str = ""
    # tracked, compared, skipped or refused, as machines.preflight says.
    taken: str = "tracked"


class RemarkFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A remark of machines.preflight; `disk` is empty where it is about the machine."""

    code: str
    weight: str
    disk: str = ""
    values: dict[str, Any] = {}


class MachineFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    uuid: str
    name: str
    host: str
    seen_at: datetime
    disks: tuple[DiskFacts, ...] = ()
    memory: int = 0
    vcpus: int = 0
    # whole, partly or not.
    extent: str = "whole"
    consistency: str = "crash"
    remarks: tuple[RemarkFacts, ...] = ()

    @property
    def taken_disks(self) -> tuple[DiskFacts, ...]:
        return tuple(disk for disk in self.disks if disk.taken in ("tracked", "compared"))
