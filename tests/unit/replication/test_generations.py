"""What is done next: a step where it is legal, a walk where it is not, nothing before its time."""

from typing import Any

import msgspec
import pytest

from holdfast.machines.points import Rung
from holdfast.machines.tracking import DiskNow, MapState, Why
from holdfast.replication.generations import Go, Move, Wait, WalkFirst, choose, next_move
from holdfast.replication.source_facts import Generation, KeptDisk, Sent, Walk, WalkDisk
from tests.log_bench import NOON, generation

SOUND, BROKEN = MapState.RECORDING, MapState.INCONSISTENT
ACKED = Generation(
    name=generation(1),
    taken_at=NOON,
    disks=(
        KeptDisk(target="vda", size=8, checkpoint=generation(1)),
        KeptDisk(target="raw", size=8),
    ),
)
NOTHING = Sent(site="south")
SENT = Sent(site="south", acked=ACKED)
WALK = Walk(
    generation=generation(2),
    why="first",
    begun_at=NOON,
    disks=(WalkDisk(target="vda", size=8),),
    slice_bytes=2,
)


def walked(slices: int, *, acked: int) -> Walk:
    walk = WALK
    for number in range(slices):
        walk = walk.with_slice(2 * (number + 1), logged=0)
    return msgspec.structs.replace(walk, acked=acked)


def now(target: str, state: MapState = SOUND, **changes: Any) -> DiskNow:
    told: dict[str, Any] = {"size": 8, "can_record": True}
    return DiskNow(target=target, map_state=state, **(told | changes))


@pytest.mark.parametrize(
    ("sent", "waits", "move"),
    [
        (NOTHING, False, Move.WALK),
        (SENT, False, Move.STEP),
        (SENT, True, Move.STEP),
        (SENT.must("ordered", NOON), False, Move.WALK),
        (SENT.must("ordered", NOON), True, Move.WAIT),
    ],
    ids=["nothing yet", "a base", "behind", "ordered", "ordered while behind"],
)
def test_a_walk_comes_where_there_is_no_base(sent: Sent, *, waits: bool, move: Move) -> None:
    assert next_move(sent, None, waits=waits) is move


@pytest.mark.parametrize(
    ("walk", "move"),
    [
        (WALK, Move.SLICE),
        (walked(1, acked=0), Move.WAIT),
        (walked(1, acked=1), Move.SLICE),
        (walked(2, acked=1), Move.SLICE),
        (walked(3, acked=1), Move.WAIT),
        (walked(4, acked=3), Move.WAIT),
        (walked(4, acked=4), Move.STEP),
    ],
    ids=["begun", "no draft yet", "a draft", "one ahead", "two ahead", "all read", "over"],
)
def test_slices_are_read_a_little_ahead_and_a_step_ends_them(walk: Walk, move: Move) -> None:
    assert next_move(NOTHING, walk, waits=True) is move


def test_a_sound_record_is_read_and_a_disk_without_one_compared() -> None:
    disks = [now("vda"), now("raw", MapState.MISSING, can_record=False)]

    found = choose(disks, ACKED, waits=False)

    assert isinstance(found, Go)
    assert {target: track.rung for target, track in found.tracks.items()} == {
        "vda": Rung.BITMAP,
        "raw": Rung.HASH,
    }


def test_a_new_disk_is_read_in_full_and_holds_up_nothing() -> None:
    found = choose([now("vda"), now("vdb", MapState.MISSING)], ACKED, waits=True)

    assert isinstance(found, Go)
    assert found.tracks["vdb"].rung is Rung.FULL


@pytest.mark.parametrize(
    ("disk", "why"),
    [
        (now("vda", BROKEN), Why.MAP_INCONSISTENT),
        (now("vda", MapState.MISSING), Why.MAP_MISSING),
        (now("vda", MapState.UNKNOWN), Why.MAP_UNKNOWN),
        (now("vda", size=4), Why.SHRUNK),
    ],
)
def test_a_record_that_cannot_be_trusted_wants_a_walk(disk: DiskNow, why: Why) -> None:
    assert choose([disk], ACKED, waits=False) == WalkFirst(why=why)


def test_nothing_is_compared_with_a_replica_that_is_behind() -> None:
    raw = now("raw", MapState.MISSING, can_record=False)

    assert choose([now("vda"), raw], ACKED, waits=True) == Wait()
    assert isinstance(choose([now("vda")], ACKED, waits=True), Go)
