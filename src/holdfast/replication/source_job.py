"""What the source of a replication is told, and the machine held while its changes are taken."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.machines.adopting import tidy_up
from holdfast.machines.audit_plan import AuditWish
from holdfast.machines.backup_errors import VmHalfRestored
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.points import Consistency
from holdfast.machines.replacement_note import read_note
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.machines.vm_lock import vm_lock
from holdfast.replication.log_spool import LogSpool, Waiting
from holdfast.replication.receiver import Receiver
from holdfast.replication.source_facts import Generation, Sent, Walk
from holdfast.replication.source_folder import SourceFolder

# At 100 MB/s ten seconds: for so long a guest's first writes cost two.
SLICE_BYTES = 1 << 30
WORK = "replication"


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


def _as_it_is(_domain: Domain) -> Stillness:
    return AsItIs()


class Kept(Protocol):
    """What is kept of a replication, for whoever does not need the machine itself."""

    @property
    def uuid(self) -> str: ...

    @property
    def site(self) -> str: ...

    @property
    def folder(self) -> SourceFolder: ...

    @property
    def spool(self) -> LogSpool: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def on_step(self) -> Callable[[str], None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The logs of a machine, whether or not its hypervisor answers."""

    uuid: str
    site: str
    folder: SourceFolder
    clock: Clock
    on_step: Callable[[str], None] = field(default=_nobody_listens)

    @property
    def spool(self) -> LogSpool:
        return LogSpool(self.folder.spool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceJob:
    """One machine and the site its changes go to."""

    domain: Domain
    site: str
    # Where locks and notes about machines lie, and below them the folder of the replication.
    home: str
    place: ScratchPlace
    clock: Clock
    folder: SourceFolder
    # None: nobody at the site can be asked now.
    receiver: Receiver | None = None
    # Made for a machine that runs, when everything else is ready.
    stillness: Callable[[Domain], Stillness] = _as_it_is
    # No point is made that is less consistent.
    least: Consistency = Consistency.CRASH
    slice_bytes: int = SLICE_BYTES
    # Room that stays free beside the scratch files; None: as the guard thinks.
    reserve: int | None = None
    # Of what is free there when a step begins, how much its scratch files may take.
    scratch_share: float = 1.0
    # How much a step may take of the spool; None: as much as there is.
    room: Callable[[], int] | None = None
    # Machines whose points are one instant have the same.
    group: str = ""
    # Look at all that is called unchanged, not only at what the audit has come to.
    audit_all: bool = False
    # A word at each step, for tests that break in there.
    on_step: Callable[[str], None] = field(default=_nobody_listens)

    @property
    def uuid(self) -> str:
        return self.domain.uuid

    @property
    def spool(self) -> LogSpool:
        return LogSpool(self.folder.spool)

    @property
    def wish(self) -> AuditWish:
        return AuditWish(now=self.clock.now(), whole=self.audit_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was found when the machine was taken hold of."""

    sent: Sent
    walk: Walk | None
    waiting: tuple[Waiting, ...]

    @property
    def base(self) -> Generation | None:
        return self.sent.base


@contextlib.contextmanager
def held(job: SourceJob) -> Iterator[Held]:
    """Nobody else works on the machine in the block, and nothing of killed runs is left on it."""
    domain = job.domain
    with vm_lock(job.home, domain.uuid, job.clock, name=domain.name, work=WORK):
        if read_note(job.home, domain.uuid) is not None:
            raise VmHalfRestored(about=domain.name)
        with job.folder.lock:
            sent, walk = known(job)
            keep = note_checkpoints(job, sent, walk)
            waiting = job.spool.settle(sent, walk)
        tidy_up(domain, job.place, job.clock, home=job.home, keep=keep)
        yield Held(sent=sent, walk=walk, waiting=tuple(waiting))


def known(job: Kept) -> tuple[Sent, Walk | None]:
    job.folder.make()
    sent = job.folder.sent()
    if sent is None or sent.site != job.site:
        # A site that was not known before has to say what it has.
        sent = Sent(site=job.site)
    walk = job.folder.walk()
    if walk is not None and walk.generation == sent.walked:
        # It has ended; who died only had not removed it.
        job.folder.keep_walk(None)
        walk = None
    return sent, walk


def note_checkpoints(job: SourceJob, sent: Sent, walk: Walk | None) -> frozenset[str]:
    """So that backups leave ours; returns all that anybody needs.

    The notes know one checkpoint for each of two keys; a walk has those of its own.
    """
    notes = CheckpointNotes(job.home, job.uuid, job.clock)
    ours = _needed(sent, walk)
    for key in _keys(job.site):
        notes.note(key, ours.pop(0) if ours else "")
    return notes.of_others("")


def forget_checkpoints(home: str, uuid: str, clock: Clock, site: str) -> None:
    """Nothing of this replication is needed any more."""
    notes = CheckpointNotes(home, uuid, clock)
    for key in _keys(site):
        notes.note(key, "")


def _keys(site: str) -> tuple[str, ...]:
    return (f"replica:{site}:spooled", f"replica:{site}:acked", f"replica:{site}:walk")


def _needed(sent: Sent, walk: Walk | None) -> list[str]:
    """At most three; the newest first."""
    found: list[str] = []
    for generation in (sent.spooled, sent.acked):
        found += sorted(generation.checkpoints) if generation else []
    if walk is not None:
        # The points before have served, unless a disk is walked by its record since one of them.
        found = [walk.generation, *sorted(walk.checkpoints - {walk.generation})]
    return list(dict.fromkeys(found))[:3]
