"""What follows from what a site says it has. Pure: no answer is believed half.

A delta is right only upon the very generation it is relative to. Everything else is compared, and
each reason for that has a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdfast.replication.log_head import LogHead
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.source_facts import Generation, KeptDisk, Sent, Walk
from holdfast.replication.walking import form_of


class Because(StrEnum):
    """Why all of a machine is walked over; why_texts has them in words."""

    FIRST = "first"
    ASKED = "ordered"
    SITE_EMPTY = "replica-missing"
    SITE_ROLLED_BACK = "replica-rolled-back"
    SITE_DIFFERS = "generation-unknown"
    SITE_WRITTEN = "replica-was-written"
    SPOOL_LOST = "spool-lost"
    WALK_LOST = "walk-lost"
    # Somebody went back to an internal snapshot, which took the records with it; or wanted to,
    # and QEMU would not: that leaves the machine off, and its records not closed.
    ROLLED_BACK = "source-rolled-back"
    REVERT_REFUSED = "revert-refused"
    # No record is doubted: in slices it needs less room than in one log.
    MUCH_CHANGED = "much-changed"
    # The machine came from there, where its disks are as they were: the way back begins.
    REPROTECT = "reprotect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Both know the same; `acked` are generations whose ack was lost."""

    acked: str = ""
    # Of a walk: how many slices are there.
    slices: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """The source knows nothing: what the site has is where it goes on, if it was recorded."""

    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    because: Because


Answer = Agreed | Adopt | Differs


def compare_with_site(
    sent: Sent, walk: Walk | None, queue: Sequence[LogHead], facts: ReplicaFacts | None
) -> Answer:
    """`queue` are the heads of the logs that wait, the oldest first."""
    if facts is None:
        return _of_empty(sent, walk)
    if walk is not None:
        return _of_walk(sent, walk, facts)
    is_decided = sent.base is None and bool(sent.must_walk)
    if facts.written and not is_decided:
        return Differs(because=Because.SITE_WRITTEN)
    if sent.base is None:
        # A seed has a name, and is no instant of the machine: it is walked over.
        can_adopt = facts.point(facts.head) is not None and not facts.written
        return Adopt(generation=adopted(facts)) if can_adopt else Agreed()
    return _of_steps(sent, queue, facts)


def _of_empty(sent: Sent, walk: Walk | None) -> Answer:
    is_new = sent.base is None and (walk is None or (not walk.acked and not walk.since))
    return Agreed() if is_new else Differs(because=Because.SITE_EMPTY)


def _of_walk(sent: Sent, walk: Walk, facts: ReplicaFacts) -> Answer:
    draft = facts.draft
    if draft is not None and draft.generation == walk.generation and draft.slices <= walk.made:
        return Agreed(slices=draft.slices)
    if not walk.acked and facts.head == walk.since:
        return Agreed()
    return _differing(sent, facts)


def _of_steps(sent: Sent, queue: Sequence[LogHead], facts: ReplicaFacts) -> Answer:
    untils = [head.until for head in queue]
    if facts.head and facts.head in untils:
        return Agreed(acked=facts.head)
    if not queue:
        acked = sent.acked.name if sent.acked else ""
        return Agreed() if facts.head == acked else _differing(sent, facts)
    since = queue[0].since
    is_draft = facts.draft is not None and facts.draft.generation == since
    if is_draft or facts.head == since:
        return Agreed()
    return _differing(sent, facts)


def _differing(sent: Sent, facts: ReplicaFacts) -> Differs:
    if not facts.head:
        return Differs(because=Because.SITE_EMPTY)
    if facts.head in sent.history:
        return Differs(because=Because.SITE_ROLLED_BACK)
    return Differs(because=Because.SITE_DIFFERS)


def adopted(facts: ReplicaFacts) -> Generation:
    """The site's newest point, as a generation whose checkpoint perhaps still is in the images.

    Names are never used twice: where there is such a bitmap it began at that very instant.
    """
    point = facts.point(facts.head)
    taken_at = point.taken_at if point else datetime.fromtimestamp(0).astimezone()
    disks = point.disks if point else ()
    return Generation(
        name=facts.head,
        taken_at=taken_at,
        disks=tuple(
            KeptDisk(target=disk.target, size=disk.size, checkpoint=facts.head) for disk in disks
        ),
        form=form_of(facts.head, tuple(disk.target for disk in disks), taken_at.timestamp()),
    )


def sizes_there(facts: ReplicaFacts | None) -> dict[str, int]:
    """What the newest point has, by disk."""
    point = facts.point(facts.head) if facts else None
    return {disk.target: disk.size for disk in point.disks} if point else {}
