"""What a replica is known to be: the file replica.json of its folder, and what its site answers."""

from datetime import datetime

import msgspec

from holdfast.machines.points import Consistency, Downgrade, Rung

VERSION = 1
# Generations remembered beside the newest, as a proof of where a replica has been.
HISTORY = 16


class ReplicaDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`layer` names the generation in which it was written last: it lies in that layer."""

    target: str
    size: int
    layer: str = ""


class ReplicaPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One instant that can be started; `files` lie beside it: domain.xml, nvram."""

    generation: str
    taken_at: datetime
    applied_at: datetime
    consistency: Consistency
    downgrades: tuple[Downgrade, ...] = ()
    disks: tuple[ReplicaDisk, ...]
    # How it was known what had changed, by disk, and why so where it was not the cheapest way.
    rungs: dict[str, Rung] = {}
    whys: dict[str, str] = {}
    # Disks of the machine that are not replicated, with the reason.
    left_out: dict[str, str] = {}
    # Points of several machines at one instant have the same.
    group: str = ""
    files: tuple[str, ...] = ()
    # Something wrote to a layer of it since: it is not that instant any more.
    is_spoiled: bool = False

    def disk(self, target: str) -> ReplicaDisk | None:
        return next((disk for disk in self.disks if disk.target == target), None)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A walk that has begun, and no point names it; `slices` are in it: the next has that number."""

    generation: str
    # The generation it was begun upon, empty for nothing.
    since: str
    slices: int


class ReplicaFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    vm: str
    name: str
    # The machine that may write it.
    source: str
    # What its disks are; without a point of that name where images were put there as a seed.
    head: str = ""
    # The newest first.
    history: tuple[str, ...] = ()
    # The oldest first.
    points: tuple[ReplicaPoint, ...] = ()
    draft: Draft | None = None
    # The layer that something else wrote to; only a walk can go on from there.
    written: str = ""

    def point(self, generation: str) -> ReplicaPoint | None:
        return next((p for p in self.points if p.generation == generation), None)
