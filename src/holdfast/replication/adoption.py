"""The way back: the disks a machine had on its old host become the base of a replica there.

They lie where they lay, and are not written. What both sides have in common is the generation the
old host had shipped last; of each disk that host says where it may have something else since, as
`Suspects`. Together with what was written where the machine runs now, that is all that is shipped.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.disks.spans import Span, merged
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.settings import ReplicationSettings

# What QEMU's own records have, and as fine as a replica's layers are.
GRAIN = 64 * KIB
# Of one question: 512 GiB of a disk.
MOST_BYTES = MIB * 8 * GRAIN
# Of an answer for a disk whose record is sound.
SOUND = ""


class AdoptWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`epoch` is by what the asker runs the machine; a host that knows a greater one refuses."""

    epoch: int
    act: str
    # It ran at both hosts at once: what was recorded here is not to be believed.
    is_split: bool = False
    # The asker is where the machine is at home: this host is to be its site again.
    is_forward: bool = False
    # The machine that will write it. A link puts in whose certificate it was asked with.
    source: str = ""


class LookWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As an AdoptWish, of which only the beginning is looked at.

    Without an epoch the machine has never been there, and may have to be started there one day.
    """

    epoch: int | None = None
    is_forward: bool = False
    source: str = ""


class AdoptedDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`why`: a code of machines.tracking.Why, where nobody knows what was written; or empty."""

    target: str
    size: int
    format: str = "raw"
    why: str = SOUND
    # How much of it may be something else than in the generation `since`.
    suspect_bytes: int = 0


class Adopted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is the generation the suspects are relative to; empty: nothing was ever shipped."""

    facts: ReplicaFacts
    since: str = ""
    disks: tuple[AdoptedDisk, ...] = ()
    # How the machine was replicated from there.
    settings: ReplicationSettings | None = None

    def disk(self, target: str) -> AdoptedDisk | None:
        return next((disk for disk in self.disks if disk.target == target), None)


class WayBack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a site gets through to a source that asks; `error` is a code, empty: it does."""

    # What the source is called there as a site.
    site: str = ""
    error: str = ""
    said: str = ""


class OldHome(Protocol):
    """What a site asks of its own host when a machine is to come back to it, or to the other one."""

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted: ...

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        """What it would stop at, and what this host lacks for the machine; nothing is changed."""

    def way_back(self, machine: str) -> WayBack:
        """Try it now; `machine` is the id that the source comes by."""


class NoHome:
    """Of a site on whose host no machine ever ran."""

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:  # noqa: ARG002  it has none
        from holdfast.replication.replica_errors import NothingToAdopt

        raise NothingToAdopt(vm=vm)

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:  # noqa: ARG002  none could
        return ()

    def way_back(self, machine: str) -> WayBack:  # noqa: ARG002  none is known
        return WayBack(error="unknown")


class Suspects(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parts of a disk that two sides may not have alike: a bit for each GRAIN."""

    size: int
    bits: bytes = b""

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]], size: int) -> "Suspects":
        edges = np.zeros(_grains(size) + 1, dtype=np.int64)
        pairs = np.array(spans, dtype=np.int64).reshape(-1, 2).clip(0, size)
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        np.add.at(edges, pairs[:, 0] // GRAIN, 1)
        np.add.at(edges, -(-pairs[:, 1] // GRAIN), -1)
        return cls(size=size, bits=np.packbits(np.cumsum(edges[:-1]) > 0).tobytes())

    @classmethod
    def none(cls, size: int) -> "Suspects":
        return cls.of((), size)

    def spans(self) -> list[Span]:
        flags = np.unpackbits(np.frombuffer(self.bits, dtype=np.uint8))[: _grains(self.size)]
        steps = np.flatnonzero(np.diff(np.concatenate(([0], flags, [0])).astype(np.int8)))
        ends = (steps * GRAIN).tolist()
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return merged(Span(start, min(end, self.size)) for start, end in pairs)

    def joined(self, other: "Suspects") -> "Suspects":
        """What either of them has; a disk that has grown is as large as it is now."""
        size = max(self.size, other.size)
        return Suspects.of([*self.spans(), *other.spans()], size)

    @property
    def total(self) -> int:
        return sum(span.length for span in self.spans())


def _grains(size: int) -> int:
    return -(-size // GRAIN)


def part_of(bits: bytes, start: int, length: int) -> bytes:
    """The answer about a part of a disk that begins at a whole byte of its bits."""
    per_byte = 8 * GRAIN
    return bits[start // per_byte : -(-(start + length) // per_byte)]
