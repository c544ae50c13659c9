"""One thing done for a replication: a step, a slice of a walk, the beginning of one, or nothing."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoints import changed_bytes
from holdfast.machines.adopting import tidy_up
from holdfast.machines.backup_errors import VmWentAway
from holdfast.machines.tracking import Why
from holdfast.replication.generations import Move, Wait, WalkFirst, choose, next_move
from holdfast.replication.offline_cycle import is_unchanged, off_throughout, step_off
from holdfast.replication.resync import Because, sizes_there
from holdfast.replication.source_cycle import ready_step
from holdfast.replication.source_errors import SiteAway, WalkBroken
from holdfast.replication.source_facts import Generation, Sent, Walk
from holdfast.replication.source_job import Held, Kept, SourceJob, held, known, note_checkpoints
from holdfast.replication.source_looking import Sight, look_at
from holdfast.replication.source_making import RecordLost, StepMade
from holdfast.replication.source_rolled_back import cause_of_loss, snapshots_within
from holdfast.replication.walking import SiteHas, SliceMade, begin_walk, make_slice


class Did(StrEnum):
    STEP = "step"
    SLICE = "slice"
    WALK_BEGUN = "walk-begun"
    # A record of changes was found to be lost, or a walk broke: a walk is wanted now.
    LOST = "lost"
    # Nobody has written anything: there is no point to be made.
    UNCHANGED = "unchanged"
    # What is in the spool must be at the site first.
    WAITING = "waiting"
    # A comparison may not run yet.
    WALK_WAITS = "walk-waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    did: Did
    step: StepMade | None = None
    made: SliceMade | None = None
    # Why a walk is wanted or was begun.
    why: str = ""


def advance(job: SourceJob, *, may_walk: bool = True) -> Done:
    """`may_walk`: a comparison may begin now; a first copy always may."""
    with held(job) as found:
        try:
            return advance_held(job, found, may_walk=may_walk)
        except (RecordLost, WalkBroken) as err:
            return lost_by(job, err)


def advance_held(job: SourceJob, found: Held, *, may_walk: bool) -> Done:
    """The machine is held by the caller."""
    walk = found.walk
    match next_move(found.sent, walk, waits=bool(found.waiting)):
        case Move.SLICE if walk is not None:
            return _slice(job, walk)
        case Move.WALK:
            return _begin(job, found, may_walk=may_walk)
        case Move.STEP:
            return _step(job, found)
        case _:
            return Done(did=Did.WAITING)


@contextlib.contextmanager
def _standing(job: SourceJob) -> Iterator[bool]:
    """Whether it runs; one that is off at the beginning must be so to the end."""
    is_live = job.domain.is_active()
    with contextlib.nullcontext() if is_live else off_throughout(job):
        yield is_live


def _slice(job: SourceJob, walk: Walk) -> Done:
    with _standing(job) as is_live:
        sight = look_at(job, walk.base, is_live=is_live)
        return Done(did=Did.SLICE, made=make_slice(job, walk, sight))


def _begin(job: SourceJob, found: Held, *, may_walk: bool) -> Done:
    if job.receiver is None:
        raise SiteAway(about=job.domain.name, site=job.site)
    facts = job.receiver.state(job.uuid)
    head = facts.head if facts else ""
    if facts is not None and facts.points and not may_walk:
        return Done(did=Did.WALK_WAITS, why=found.sent.must_walk)
    why = found.sent.must_walk or Because.FIRST
    with _standing(job) as is_live:
        sight = look_at(job, found.sent.acked, is_live=is_live)
        there = sizes_there(facts)
        if head and not there:
            # Images were put there as a seed: how large they are is seen when they are compared.
            there = {disk.target: disk.size for disk in sight.now}
        walk = begin_walk(job, sight, SiteHas(head=head, disks=there), why=why)
        if walk is not None:
            return Done(did=Did.WALK_BEGUN, why=why)
    # Nothing can be recorded: one log of everything, at one instant.
    return _step(job, found)


def _step(job: SourceJob, found: Held) -> Done:
    planned = plan_step(job, found)
    if isinstance(planned, Done):
        return planned
    return Done(did=Did.STEP, step=_made(job, found, planned))


def plan_step(job: SourceJob, found: Held) -> Sight | Done:
    """The machine as the step finds it; or what keeps a step from being taken."""
    walk, base = found.walk, found.walk.base if found.walk else found.base
    is_live = job.domain.is_active()
    if not is_live and walk is None and is_unchanged(job, base):
        return Done(did=Did.UNCHANGED)
    sight = look_at(job, base, is_live=is_live)
    match choose(sight.now, base, waits=bool(found.waiting)):
        case WalkFirst(why=why):
            return lost(job, why.value)
        case Wait():
            return Done(did=Did.WAITING)
        case _ if walk is None and is_live and _is_too_much(job, base):
            return lost(job, Because.MUCH_CHANGED)
        case _:
            return sight


def _is_too_much(job: SourceJob, base: Generation | None) -> bool:
    """For one log; in slices each is sent before the next but one is read."""
    if job.room is None or base is None:
        return False
    dirty = 0
    # Whoever cannot be asked now is asked by the step itself.
    with contextlib.suppress(HoldfastError):
        for name in base.checkpoints:
            dirty += sum(changed_bytes(job.domain, name).values())
    return dirty > max(job.room(), job.slice_bytes)


def _made(job: SourceJob, found: Held, sight: Sight) -> StepMade:
    if not sight.is_live:
        return step_off(job, found, sight)
    try:
        with ready_step(job, found, sight) as ready:
            with ready.still.held():
                ready.begin()
            return ready.finish()
    except VmWentAway:
        # Switched off in the middle: its images hold all of it, and its record of changes.
        keep = note_checkpoints(job, found.sent, found.walk)
        tidy_up(job.domain, job.place, job.clock, home=job.home, keep=keep)
        if job.domain.is_active():
            raise
    base = found.walk.base if found.walk else found.base
    return step_off(job, found, look_at(job, base, is_live=False))


def lost_by(job: SourceJob, err: RecordLost | WalkBroken) -> Done:
    if isinstance(err, WalkBroken):
        return lost(job, Because.WALK_LOST)
    return lost(job, err.why.value, err.disk if err.why is Why.MAP_WRONG else "")


def lost(job: SourceJob, why: str, distrusted: str = "") -> Done:
    """A walk is wanted; one that was under way is given up."""
    standing, has_snapshots = job.domain.standing(), snapshots_within(job.domain)
    with job.folder.lock:
        sent, _walk = known(job)
        why = cause_of_loss(why, standing, before=sent.base, has_snapshots=has_snapshots)
        job.folder.keep_walk(None)
        marked: Sent = sent.must(why, job.clock.now(), *([distrusted] if distrusted else []))
        job.folder.keep_sent(marked)
        job.spool.settle(*known(job))
    return Done(did=Did.LOST, why=why)


def want_walk(job: Kept, why: str = Because.ASKED) -> None:
    """All of it is to be compared, whatever the records say; what waits is sent before."""
    with job.folder.lock:
        sent, walk = known(job)
        if walk is not None:
            return
        job.folder.keep_sent(sent.must(why, job.clock.now(), "*"))
