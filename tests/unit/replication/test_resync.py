"""What a site says it has decides whether a change may be sent, or everything is compared."""

from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.machines.points import Consistency
from holdfast.replication.log_head import Kind, LogHead
from holdfast.replication.replica_facts import Draft, ReplicaDisk, ReplicaFacts, ReplicaPoint
from holdfast.replication.resync import Adopt, Agreed, Answer, Because, Differs, compare_with_site
from holdfast.replication.source_facts import Generation, How, KeptDisk, Sent, Walk, WalkDisk

NOW = datetime(2026, 3, 1, tzinfo=UTC)
A, B, C, D = (f"holdfast-{number:016x}" for number in range(4))
VM = "00000000-0000-4000-8000-000000000001"


def generation(name: str) -> Generation:
    disk = KeptDisk(target="vda", size=1 << 20, checkpoint=name)
    return Generation(name=name, taken_at=NOW, disks=(disk,))


def facts(head: str, *, draft: Draft | None = None, written: str = "") -> ReplicaFacts:
    point = ReplicaPoint(
        generation=head,
        taken_at=NOW,
        applied_at=NOW,
        consistency=Consistency.CRASH,
        disks=(ReplicaDisk(target="vda", size=1 << 20),),
    )
    return ReplicaFacts(
        vm=VM,
        name="web",
        source="north",
        head=head,
        points=(point,) if head else (),
        draft=draft,
        written=written,
    )


def step(since: str, until: str) -> LogHead:
    return LogHead(
        kind=Kind.STEP, vm=VM, name="web", since=since, until=until, taken_at=NOW, disks=()
    )


SENT = Sent(site="south", acked=generation(A), history=(D, A))
BEHIND = msgspec.structs.replace(SENT, spooled=generation(C))
QUEUE = (step(A, B), step(B, C))
WALK = Walk(
    generation=B,
    since=A,
    why="ordered",
    begun_at=NOW,
    disks=(WalkDisk(target="vda", size=1 << 20, how=How.COMPARE),),
    slice_bytes=1 << 19,
    made=1,
    acked=1,
    starts=((0, 0),),
    next_start=(0, 1 << 19),
)


@pytest.mark.parametrize(
    ("sent", "queue", "seen", "answer"),
    [
        (SENT, (), facts(A), Agreed()),
        (BEHIND, QUEUE, facts(A), Agreed()),
        # The ack was lost.
        (BEHIND, QUEUE, facts(B), Agreed(acked=B)),
        (BEHIND, QUEUE, facts(C), Agreed(acked=C)),
        # It was put back to something we know, or is something we do not know.
        (SENT, (), facts(D), Differs(because=Because.SITE_ROLLED_BACK)),
        (SENT, (), facts(B), Differs(because=Because.SITE_DIFFERS)),
        (BEHIND, QUEUE, facts(D), Differs(because=Because.SITE_ROLLED_BACK)),
        (SENT, (), facts(""), Differs(because=Because.SITE_EMPTY)),
        (SENT, (), None, Differs(because=Because.SITE_EMPTY)),
        (SENT, (), facts(A, written="layer"), Differs(because=Because.SITE_WRITTEN)),
        # The step that ends a walk waits, and its draft is there.
        (
            msgspec.structs.replace(SENT, spooled=generation(C)),
            (step(B, C),),
            facts(A, draft=Draft(generation=B, since=A, slices=2)),
            Agreed(),
        ),
        (Sent(site="south"), (), None, Agreed()),
        (Sent(site="south"), (), facts(""), Agreed()),
    ],
)
def test_steps_go_on_only_upon_what_they_are_relative_to(
    sent: Sent, queue: tuple[LogHead, ...], seen: ReplicaFacts | None, answer: Answer
) -> None:
    assert compare_with_site(sent, None, queue, seen) == answer


@pytest.mark.parametrize(
    ("walk", "seen", "answer"),
    [
        (WALK, facts(A, draft=Draft(generation=B, since=A, slices=1)), Agreed(slices=1)),
        (WALK, facts(A), Differs(because=Because.SITE_ROLLED_BACK)),
        (
            msgspec.structs.replace(WALK, acked=0),
            facts(A),
            Agreed(),
        ),
        (WALK, None, Differs(because=Because.SITE_EMPTY)),
        # What was written to is compared already.
        (msgspec.structs.replace(WALK, acked=0), facts(A, written="layer"), Agreed()),
    ],
)
def test_a_walk_goes_on_where_its_draft_is(
    walk: Walk, seen: ReplicaFacts | None, answer: Answer
) -> None:
    assert compare_with_site(SENT, walk, (), seen) == answer


def test_a_source_that_knows_nothing_begins_where_the_site_is() -> None:
    answer = compare_with_site(Sent(site="south"), None, (), facts(A))

    assert isinstance(answer, Adopt)
    assert answer.generation.name == A
    assert answer.generation.checkpoints == {A}
    assert f">{A}<" in answer.generation.form


def test_a_seed_is_no_instant_to_begin_with() -> None:
    seeded = msgspec.structs.replace(facts(A), points=())

    assert compare_with_site(Sent(site="south"), None, (), seeded) == Agreed()


def test_what_was_written_to_is_not_begun_with() -> None:
    answer = compare_with_site(Sent(site="south"), None, (), facts(A, written="layer"))

    assert answer == Differs(because=Because.SITE_WRITTEN)


def test_a_walk_knows_where_each_slice_begins() -> None:
    whole = WALK.with_slice(1 << 20, logged=5)

    assert whole.is_read
    assert whole.reached(1) == 1 << 19
    assert whole.reached(2) == 1 << 20
    assert whole.back_to(1) == msgspec.structs.replace(WALK, logged_bytes=5)
