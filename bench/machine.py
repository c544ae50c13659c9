"""What the numbers were measured on."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from holdfast.base.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    date: str
    processor: str
    memory: str
    kernel: str
    file_system: str
    python: str
    versions: str


class Versioned(Protocol):
    def version(self) -> str: ...


def look_around(contenders: Sequence[Versioned], data: Path, clock: Clock) -> Machine:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    return Machine(
        date=f"{clock.now():%Y-%m-%d %H:%M %Z}",
        processor=f"{cores} cores of {_processor()}",
        memory=f"{pages / (1 << 30):.0f} GiB",
        kernel=f"{platform.system()} {platform.release()}",
        file_system=_file_system(data),
        python=platform.python_version(),
        versions="; ".join(contender.version() for contender in contenders),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(path: Path) -> str:
    """Name the type of the file system: that of the longest mount point above the path."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, found, *_ = line.split()
        if path.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind
