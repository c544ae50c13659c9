"""Machines that use an image of a replica as if it were theirs. Pure but for names of files."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from holdfast.hypervisor.machine_spec import DomainSpec


def writers_of(layers: Iterable[Path], machines: Iterable[DomainSpec]) -> tuple[str, ...]:
    """The names of those that have one of the layers as a disk they may write to.

    One that has it below an image of its own does no harm.
    """
    ours = {os.path.realpath(path) for path in layers}
    return tuple(machine.name for machine in machines if ours and _uses(machine, ours))


def _uses(machine: DomainSpec, ours: set[str]) -> bool:
    disks: Sequence[str] = [
        disk.source for disk in machine.data_disks if disk.source and disk.kind in ("file", "block")
    ]
    return any(os.path.realpath(source) in ours for source in disks)
