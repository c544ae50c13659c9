"""The log whose turn it is goes to the site; what the site has acknowledged is not kept here.

Whether it has come is told by the site alone. An ack that was lost is told again when the same log
is sent again; a site that has something else than was thought is believed, and the source goes
down the ladder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.replication.log_errors import LogDamaged, LogTorn, LogUnreadable
from holdfast.replication.log_reader import verify
from holdfast.replication.log_spool import Waiting
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.meter import Meter
from holdfast.replication.receiver import Ack, Receiver
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.resync import Adopt, Because, Differs, compare_with_site
from holdfast.replication.source_errors import ReplicaAnswerOdd
from holdfast.replication.source_facts import Generation, Sent, Walk
from holdfast.replication.source_job import Kept, known

_PIECE = MIB
# What a site says when it is not what we thought it was.
DIFFERENT = frozenset(
    {
        "replica-generation-unknown",
        "replica-missing",
        "replica-slice-unexpected",
        "replica-was-written",
    }
)
_LOST = (LogDamaged, LogTorn, LogUnreadable)


# Told how many bytes of a log are over there, in another thread.
Progress = Callable[[int], None]


def nobody_watches(_reached: int) -> None:
    """It is over soon, or nobody wants to know."""


class Sender(Protocol):
    """The site, and the way a log goes there: all of it or nothing, as often as it is tried."""

    def send(
        self, vm: str, log: SealedLog, *, priority: int = 0, progress: Progress = nobody_watches
    ) -> Ack: ...


class ByHand:
    """A site in this very process: nothing lies between."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(
        self,
        vm: str,
        log: SealedLog,
        *,
        priority: int = 0,  # noqa: ARG002  a link's
        progress: Progress = nobody_watches,  # noqa: ARG002  a link's
    ) -> Ack:
        there = self._receiver.incoming(vm, log.hash, size=log.size)
        if there.ack is not None:
            return there.ack
        with open(log.path, "rb") as file:
            at = file.seek(there.present)
            while content := file.read(_PIECE):
                self._receiver.take(vm, log.hash, offset=at, content=memoryview(content))
                at += len(content)
        return self._receiver.apply(vm, log.hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A log that the site has; `walk` is the one it was a slice of, as it is now."""

    log: Waiting
    seconds: float
    sent: Sent
    walk: Walk | None


class Shipping:
    """Of one machine; for the one thread that sends."""

    def __init__(
        self,
        job: Kept,
        sender: Sender,
        clock: Clock,
        *,
        priority: int = 0,
        meter: Meter | None = None,
    ) -> None:
        self._job = job
        self._sender = sender
        self._clock = clock
        self._priority = priority
        self._meter = meter or Meter(clock)
        # Of logs that were not read since: their hash is known from their making.
        self._sealed: dict[str, SealedLog] = {}

    def remember(self, log: SealedLog) -> None:
        self._sealed[log.path.name] = log

    def ship_one(self) -> Shipped | None:
        """None if nothing waits."""
        front = self._front()
        if front is None:
            return None
        self._job.on_step("shipping")
        begun = self._clock.monotonic()
        log = self._proven(front)
        if log is None:
            return None
        ack = self._brought(log)
        if ack.generation != front.head.until or ack.hash != log.hash:
            raise ReplicaAnswerOdd(
                site=self._job.site, found=ack.generation, wanted=front.head.until
            )
        self._job.on_step("shipped")
        sent, walk = self._note_ack(front)
        self._job.on_step("acked")
        seconds = self._clock.monotonic() - begun
        return Shipped(log=front, seconds=seconds, sent=sent, walk=walk)

    def _brought(self, log: SealedLog) -> Ack:
        self._meter.begin()
        try:
            return self._sender.send(
                self._job.uuid, log, priority=self._priority, progress=self._meter.progress
            )
        finally:
            self._meter.end()

    def _front(self) -> Waiting | None:
        job = self._job
        with job.folder.lock:
            sent, walk = known(job)
            logs = job.spool.counted(sent, walk)
            if not logs:
                return None
            front = logs[0]
            if sent.attempted != front.number:
                job.folder.keep_sent(msgspec.structs.replace(sent, attempted=front.number))
            return front

    def _proven(self, front: Waiting) -> SealedLog | None:
        """Unchanged since it was made; one that is not is given up with all behind it."""
        name = front.path.name
        known_log = self._sealed.get(name)
        if known_log is not None and known_log.size == front.size and known_log.head == front.head:
            return known_log
        try:
            found = verify(front.path)
        except _LOST:
            give_up_queue(self._job)
            return None
        self._sealed = {name: found}
        return found

    def _note_ack(self, front: Waiting) -> tuple[Sent, Walk | None]:
        job = self._job
        with job.folder.lock:
            sent, walk = known(job)
            if front.is_slice:
                if walk is not None and walk.generation == front.head.until:
                    walk = msgspec.structs.replace(walk, acked=front.head.slice + 1)
                    job.folder.keep_walk(walk)
            else:
                sent = sent.with_acked(_named(front))
                job.folder.keep_sent(sent)
            job.spool.remove([front])
            self._sealed.pop(front.path.name, None)
        return sent, walk


def _named(log: Waiting) -> Generation:
    return Generation(name=log.head.until, taken_at=log.head.taken_at)


def give_up_queue(job: Kept) -> None:
    """What waits cannot be sent: the next step is relative to what the site has, if that can be."""
    with job.folder.lock:
        sent, walk = known(job)
        if walk is not None:
            # The slices are read again.
            job.folder.keep_walk(walk.back_to(walk.acked))
        if sent.spooled is not None:
            can_go_on = sent.acked is not None and bool(sent.acked.disks)
            sent = sent.without_queue()
            if not can_go_on:
                sent = sent.must(Because.SPOOL_LOST, job.clock.now())
            job.folder.keep_sent(sent)
        job.spool.settle(*known(job))


def reconcile(job: Kept, facts: ReplicaFacts | None) -> Because | None:
    """Bring what is known here in line with what the site says; why a walk must come, if one must."""
    with job.folder.lock:
        sent, walk = known(job)
        logs = job.spool.counted(sent, walk)
        answer = compare_with_site(
            sent, walk, [log.head for log in logs if not log.is_slice], facts
        )
        match answer:
            case Differs(because=because):
                _begin_anew(job, sent, because)
                return because
            case Adopt(generation=generation):
                job.folder.keep_sent(sent.with_acked(generation))
            case _:
                _agree(job, sent, walk, logs, acked=answer.acked, slices=answer.slices)
    return None


def _agree(
    job: Kept,
    sent: Sent,
    walk: Walk | None,
    logs: list[Waiting],
    *,
    acked: str,
    slices: int | None,
) -> None:
    if walk is not None and slices is not None and slices != walk.acked:
        # Of what the site lacks, some may still be in the spool.
        job.folder.keep_walk(
            msgspec.structs.replace(walk, acked=slices)
            if walk.acked < slices <= walk.made
            else walk.back_to(slices)
        )
    while acked and logs:
        log = logs.pop(0)
        if not log.is_slice:
            sent = sent.with_acked(_named(log))
            job.folder.keep_sent(sent)
            job.spool.remove([log])
            if log.head.until == acked:
                break


def _begin_anew(job: Kept, sent: Sent, because: Because) -> None:
    """Nothing that was made for another replica is of use; records may be, see walk_over."""
    job.folder.keep_walk(None)
    # A generation the site has not is nothing to be relative to.
    sent = msgspec.structs.replace(sent, spooled=None, acked=None, attempted=0)
    distrusted = ("*",) if because is Because.SITE_WRITTEN else ()
    job.folder.keep_sent(sent.must(because, job.clock.now(), *distrusted))
    job.spool.settle(*known(job))


def is_another_replica(error: HoldfastError) -> bool:
    """Whether the site has refused for what it has, so that it must be asked what that is."""
    return error.code in DIFFERENT
