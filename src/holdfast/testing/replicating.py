"""Replication of the bench's machines, a thing at a time: what a replicator does without its threads.

In a process of its own it can be killed at a step; those are forks of one that has everything
imported and has not spoken to libvirt yet.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_by_uuid
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.replication.receiver import Receiver, ReplicaWish
from holdfast.replication.shipping import (
    ByHand,
    Sender,
    Shipped,
    Shipping,
    is_another_replica,
    reconcile,
)
from holdfast.replication.site import Site
from holdfast.replication.source_advance import Did, Done, advance
from holdfast.replication.source_errors import SiteAway
from holdfast.replication.source_facts import Sent, Walk
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.source_job import SourceJob, known

CLOCK = SystemClock()
_MOST = 200
# Of ours, at any time.
_CHECKPOINTS = 3
_PATIENCE = 240.0


def _nobody_listens(_step: str) -> None:
    """Nobody breaks in."""


@dataclass(slots=True)
class Replicating:
    """A machine, and a site that may be anything that can receive."""

    host: Host
    uuid: str
    root: Path
    scratch: Path
    # None: nobody can be asked.
    receiver: Receiver | None
    # None: the site is in this process.
    sender: Sender | None = None
    slice_bytes: int = 4 * MIB
    is_away: bool = False
    # As its certificate would have it.
    machine: str = "north"
    on_step: Callable[[str], None] = _nobody_listens
    changes: dict[str, Any] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    folder: SourceFolder = field(init=False)

    def __post_init__(self) -> None:
        self.folder = SourceFolder(str(self.root), self.uuid)
        self.prepare()

    def prepare(self) -> None:
        if self.receiver is not None:
            wish = ReplicaWish(vm=self.uuid, name=self.domain.name, source=self.machine, disks=())
            self.receiver.prepare(wish)

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
        assert self.receiver is not None
        try:
            return Shipping(job, self.sender or ByHand(self.receiver), CLOCK).ship_one()
        except HoldfastError as err:
            if not is_another_replica(err):
                raise
            before = self.known()
            self.reconcile()
            if self.known() == before and err.code != "replica-missing":
                raise
            return None

    def ship_all(self) -> None:
        while self.waiting():
            self.ship()

    def reconcile(self) -> None:
        self.prepare()
        assert self.receiver is not None
        reconcile(self.job(), self.receiver.state(self.uuid))

    def point(self) -> Done:
        """Until a new point is at the site, or there is none to be made."""
        for _time in range(_MOST):
            done = self.advance()
            self.ship_all()
            if done.did is Did.UNCHANGED:
                return done
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
        names = [each.name for each in list_checkpoints(self.domain)]
        if len(names) > _CHECKPOINTS:
            found.append(f"{len(names)} checkpoints")
        return found + [str(each) for each in self.folder.spool.glob("*.part")]


def was_killed(replicating: Replicating, step: str, *, site: Path) -> bool:
    """Go on until a point is at the site in this folder; False where no such step was met."""
    return _died(_go_on, replicating, site, step)


def was_killed_alone(replicating: Replicating, step: str) -> bool:
    """Go on without the site, as far as that can be; False where no such step was met."""
    return _died(_go_on_alone, replicating, Path(), step)


def _died(go_on: Callable[..., None], replicating: Replicating, site: Path, step: str) -> bool:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    places = (replicating.root, replicating.scratch, site)
    told = (replicating.host.uri, replicating.uuid, places, replicating.slice_bytes, step)
    process = context.Process(target=go_on, args=told, daemon=True)
    process.start()
    process.join(_PATIENCE)
    status = process.exitcode
    assert status in (0, -signal.SIGKILL), f"the replication ended with {status}"
    process.close()
    return status != 0


def _killer(step: str) -> Callable[[str], None]:
    def on_step(now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def _go_on_alone(
    uri: str, uuid: str, places: tuple[Path, Path, Path], slice_bytes: int, step: str
) -> None:
    root, scratch, _site = places
    with Host.open(uri) as host:
        replicating = Replicating(
            host, uuid, root, scratch, None, slice_bytes=slice_bytes, on_step=_killer(step)
        )
        with contextlib.suppress(SiteAway):
            while replicating.advance().did in (Did.SLICE, Did.LOST):
                continue


def _go_on(
    uri: str, uuid: str, places: tuple[Path, Path, Path], slice_bytes: int, step: str
) -> None:
    root, scratch, folder = places

    with Host.open(uri) as host:
        site = Site(folder, CLOCK)
        replicating = Replicating(
            host, uuid, root, scratch, site, slice_bytes=slice_bytes, on_step=_killer(step)
        )
        replicating.reconcile()
        replicating.point()
