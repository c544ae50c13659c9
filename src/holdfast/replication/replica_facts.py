"""What a replica is known to be: the file replica.json of its folder, and what its site answers."""

from datetime import datetime

import msgspec

from holdfast.machines.points import Consistency, Downgrade

VERSION = 1
# Generations remembered beside the newest, as a proof of where a replica has been.
HISTORY = 16


class ReplicaDisk(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    size: int


class ReplicaPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One instant that can be started; `files` lie beside it: domain.xml, nvram."""

    generation: str
    taken_at: datetime
    applied_at: datetime
    consistency: Consistency
    downgrades: tuple[Downgrade, ...] = ()
    disks: tuple[ReplicaDisk, ...]
    files: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A walk that has begun: slices up to `slices` are in it, and no point names it."""

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
    head: str = ""
    history: tuple[str, ...] = ()
    # The oldest first.
    points: tuple[ReplicaPoint, ...] = ()
    draft: Draft | None = None

    def point(self, generation: str) -> ReplicaPoint | None:
        return next((p for p in self.points if p.generation == generation), None)
