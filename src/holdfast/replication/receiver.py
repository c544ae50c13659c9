"""What a site does for its sources: the seam between hosts, with a link between them or without.

`replication.site.Site` is the one that keeps replicas; `replication.link_client.Peer` has the same
methods and speaks to a Site on another host. Every method may be called from any thread, and may
be called again when its answer was lost: the second call finds the work done and says the same.
"""

from datetime import datetime
from typing import Protocol

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.replication.adoption import Adopted, AdoptWish, LookWish, WayBack
from holdfast.replication.log_head import VERSION as LOG_VERSION
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaFacts
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site_orders import SiteOrder, SourceTidings


class ReplicaWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shall be kept of a machine; asked for again when any of it has changed."""

    vm: str
    name: str
    # The machine that will write it. A link puts in whose certificate it was asked with.
    source: str = ""
    disks: tuple[ReplicaDisk, ...]
    points: PointPolicy = PointPolicy()
    # How many bytes the first copy will bring, as far as is known.
    need_bytes: int = 0
    log_version: int = LOG_VERSION


class Prepared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    facts: ReplicaFacts
    free_bytes: int
    total_bytes: int
    # The replica was not there before.
    is_new: bool = False


class Ack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A log was applied, all of it and durably; `hash` is the log's."""

    generation: str
    hash: str


class Incoming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of a log is at the site; with an ack it was applied already: send nothing more."""

    present: int = 0
    ack: Ack | None = None


class SeedWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Images that already lie at the site begin a draft; the walk then compares all of it.

    Names in the folder `seeds` of the site, by target: a source must not be able to have any other
    file of the site's host read.
    """

    generation: str
    images: dict[str, str]
    disks: tuple[ReplicaDisk, ...]


class Probe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a link was seen to carry; `others` went meanwhile for replications that were at work."""

    bytes: int
    seconds: float
    others: int = 0
    # The shortest one that was seen.
    round_trip_seconds: float = 0.0
    # Bytes a second that were allowed; None: no limit.
    limit: int | None = None

    @property
    def bytes_per_second(self) -> float:
        return (self.bytes + self.others) / self.seconds if self.seconds > 0 else 0.0


class Receiver(Protocol):
    def state(self, vm: str) -> ReplicaFacts | None:
        """None where there is no replica of the machine."""

    def prepare(self, wish: ReplicaWish) -> Prepared:
        """See that the site can keep it, and make the replica, empty, if it is not there."""

    def incoming(self, vm: str, sha256: str, *, size: int) -> Incoming:
        """Where to go on with a log of this hash and size; refused when there is no room for it."""

    def take(self, vm: str, sha256: str, *, offset: int, content: memoryview) -> None:
        """A piece of a log: at the end of what is present, or before it if it was sent twice.

        It waits for nothing but the disk: an apply under way must not hold it up. The content is
        the caller's again when this returns.
        """

    def apply(self, vm: str, sha256: str) -> Ack:
        """Make it a point, or a part of the draft: the whole log or nothing of it."""

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        """SHA-256 of each chunk of the disk as the walk finds it, 32 bytes each; the last may be short."""

    def seed(self, vm: str, wish: SeedWish) -> ReplicaFacts: ...

    def remove(self, vm: str) -> None:
        """Delete the replica with all its points; nothing is refused when there is none."""

    def pin(self, vm: str, generation: str, *, who: str, until: datetime | None = None) -> None:
        """Keep the point whatever the policy says."""

    def unpin(self, vm: str, generation: str, *, who: str) -> None: ...

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        """Make the disks the machine had there the base of a replica; they are not written."""

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        """What is in the way of the machine at the site's host, as far as that can be seen there."""

    def way_back(self, vm: str, *, machine: str = "") -> WayBack:
        """Try to reach the source that asks; a link puts in whose certificate it was asked with."""

    def suspects(self, vm: str, target: str, *, start: int, length: int) -> bytes:
        """Where an adopted disk may differ, as the bits of adoption.Suspects."""

    def tidings(self, vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:
        """Hear how the source is, and say what is wanted of it; asked every few seconds.

        A link puts in by whose certificate it is told.
        """
