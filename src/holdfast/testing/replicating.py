"""Replication of the bench's machines, a thing at a time: what a replicator does without its threads.

As a program it does one thing and can be killed at a step of it:
python -m holdfast.testing.replicating URI UUID ROOT SCRATCH SITE STEP
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_by_uuid
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.replication.receiver import Receiver
from holdfast.replication.shipping import (
    ByHand,
    Sender,
    Shipped,
    Shipping,
    is_another_replica,
    reconcile,
)
from holdfast.replication.source_advance import Did, Done, advance
from holdfast.replication.source_facts import Sent, Walk
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.source_job import SourceJob, known

CLOCK = SystemClock()
_MOST = 200


def _nobody_listens(_step: str) -> None:
    """Nobody breaks in."""


@dataclass(slots=True)
class Replicating:
    """A machine, and a site that may be anything that can receive."""

    host: Host
    uuid: str
    root: Path
    scratch: Path
    receiver: Receiver
    # None: the site is in this process.
    sender: Sender | None = None
    slice_bytes: int = 4 * MIB
    is_away: bool = False
    on_step: Callable[[str], None] = _nobody_listens
    changes: dict[str, Any] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    folder: SourceFolder = field(init=False)

    def __post_init__(self) -> None:
        self.folder = SourceFolder(str(self.root), self.uuid)

    @property
    def domain(self) -> Domain:
        return find_by_uuid(self.host, self.uuid)

    def job(self, **changes: Any) -> SourceJob:
        told: dict[str, Any] = {
            "domain": self.domain,
            "site": "south",
            "home": str(self.root),
            "place": ScratchPlace.of(str(self.scratch), self.uuid),
            "clock": CLOCK,
            "folder": self.folder,
            "receiver": None if self.is_away else self.receiver,
            "slice_bytes": self.slice_bytes,
            "reserve": 0,
            "on_step": self.on_step,
        }
        return SourceJob(**(told | self.changes | changes))

    def advance(self, **changes: Any) -> Done:
        done = advance(self.job(**changes))
        self.done.append(done)
        return done

    def ship(self) -> Shipped | None:
        """The front log, if any; what the site has is asked for where it is not what was thought."""
        job = self.job()
        try:
            return Shipping(job, self.sender or ByHand(self.receiver), CLOCK).ship_one()
        except HoldfastError as err:
            if not is_another_replica(err):
                raise
            self.reconcile()
            return None

    def ship_all(self) -> None:
        while self.waiting():
            self.ship()

    def reconcile(self) -> None:
        reconcile(self.job(), self.receiver.state(self.uuid))

    def point(self) -> Done:
        """Until a new point is at the site, or there is none to be made."""
        for _time in range(_MOST):
            done = self.advance()
            if done.did is Did.UNCHANGED:
                return done
            self.ship_all()
            acked = self.known()[0].acked
            if done.step and acked and acked.name == done.step.generation.name:
                return done
        raise AssertionError(f"no point came of {[each.did.value for each in self.done[-9:]]}")

    def known(self) -> tuple[Sent, Walk | None]:
        return known(self.job())

    def waiting(self) -> int:
        job = self.job()
        return len(job.spool.counted(*known(job)))

    def leftovers(self) -> list[str]:
        """What nobody needs any more, and what must never stay."""
        found = [str(each) for each in self.scratch.glob("*")]
        if current_backup(self.domain) is not None:
            found.append("job")
        sent, walk = self.known()
        needed = walk.checkpoints if walk else frozenset[str]()
        for generation in (sent.acked, sent.spooled):
            needed |= generation.checkpoints if generation else frozenset()
        names = [each.name for each in list_checkpoints(self.domain)]
        if len(names) > _CHECKPOINTS:
            found.append(f"{len(names)} checkpoints")
        return found + [str(each) for each in self.folder.spool.glob("*.part")]


class Disks(Protocol):
    """What a site can be asked for in a test."""

    def content(self, target: str) -> bytes: ...


_CHECKPOINTS = 3
