"""Random lives of a disk: whatever happens to it and to its record, a point is the disk."""

import random
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holdfast.disks.spans import Span, merged
from holdfast.machines.auditing import contradictions
from holdfast.machines.blocks import BLOCK, Act, BlockIds, plan_blocks, zero_id
from holdfast.machines.points import DiskFacts, Rung
from holdfast.machines.tracking import (
    DiskNow,
    MapState,
    Wanted,
    Why,
    changed_spans,
    choose_track,
)

EVENTS = (
    "write",
    "write",
    "write",
    "discard",
    "grow",
    "shrink",
    "lost",
    "killed",
    "put back",
    "backup",
    "backup",
    "backup",
    "failed backup",
    "offline backup",
    "new image",
)


@dataclass
class Bitmap:
    dirty: set[int] = field(default_factory=set)
    is_sound: bool = True


@dataclass
class Point:
    blocks: list[int]
    facts: DiskFacts


@dataclass
class Life:
    """A disk in blocks, each of which holds a number, 0 for zeros; as QEMU would keep its maps."""

    dice: random.Random
    blocks: list[int] = field(default_factory=lambda: [1, 2, 0, 3])
    maps: dict[str, Bitmap] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    kept: list[tuple[list[int], dict[str, Bitmap]]] = field(default_factory=list)
    written: int = 10
    made: int = 0

    def live(self, event: str) -> None:
        getattr(self, "on_" + event.replace(" ", "_"))()

    def on_write(self) -> None:
        self.written += 1
        self._set(self.dice.randrange(len(self.blocks)), self.written)

    def on_discard(self) -> None:
        self._set(self.dice.randrange(len(self.blocks)), 0)

    def on_grow(self) -> None:
        # The record does not know of the new tail.
        self.blocks += [0] * self.dice.randint(1, 3)

    def on_shrink(self) -> None:
        del self.blocks[max(1, len(self.blocks) - self.dice.randint(1, 3)) :]
        for each in self.maps.values():
            each.dirty = {number for number in each.dirty if number < len(self.blocks)}

    def on_lost(self) -> None:
        self.maps.clear()

    def on_killed(self) -> None:
        for each in self.maps.values():
            each.is_sound = False

    def on_put_back(self) -> None:
        """A snapshot of the storage comes back, with the maps as they were in it."""
        if self.kept:
            blocks, maps = self.dice.choice(self.kept)
            self.blocks = list(blocks)
            self.maps = {
                name: Bitmap(set(each.dirty), each.is_sound) for name, each in maps.items()
            }

    def on_new_image(self) -> None:
        self.maps = {}
        self.blocks = [self.dice.randint(0, 3) for _ in range(self.dice.randint(1, 6))]

    def on_backup(self) -> None:
        base = self._base()
        name = self._checkpoint()
        self._point(base, name)
        self.maps = {name: self.maps[name]}
        self.kept.append(
            (list(self.blocks), {name: Bitmap(set(), is_sound=True)}),
        )

    def on_failed_backup(self) -> None:
        """Killed after its checkpoint was made: the next start removes what no point names."""
        self._checkpoint()
        named = self.points[-1].facts.checkpoint if self.points else ""
        self.maps = {name: each for name, each in self.maps.items() if name == named}

    def on_offline_backup(self) -> None:
        """No new checkpoint can be made: the point names the one before, if it is sound."""
        base = self._base()
        named = base.facts.checkpoint if base else ""
        state = self._state(named)
        self._point(base, named if state is MapState.RECORDING else "")

    def _set(self, number: int, content: int) -> None:
        self.blocks[number] = content
        for each in self.maps.values():
            each.dirty.add(number)

    def _checkpoint(self) -> str:
        self.made += 1
        name = f"holdfast-{self.made:016x}"
        self.maps[name] = Bitmap()
        return name

    def _base(self) -> Point | None:
        return self.points[-1] if self.points else None

    def _state(self, name: str) -> MapState:
        if name not in self.maps:
            return MapState.MISSING
        return MapState.RECORDING if self.maps[name].is_sound else MapState.INCONSISTENT

    def _point(self, base: Point | None, checkpoint: str) -> None:
        size = BLOCK * len(self.blocks)
        before = base.facts if base else None
        state = self._state(before.checkpoint if before else "")
        now = DiskNow(target="vda", size=size, can_record=True, map_state=state)
        track = choose_track(now, before)
        self.points.append(
            Point(
                self._stored(track.since, base),
                DiskFacts(target="vda", size=size, rung=track.rung, checkpoint=checkpoint),
            )
        )
        assert self.points[-1].blocks == self.blocks

    def _stored(self, since: str | None, base: Point | None) -> list[int]:
        data = spans_of({at for at, content in enumerate(self.blocks) if content})
        parent = None if base is None else ids_of(base.blocks)
        changed = None
        if since is not None and base is not None:
            dirty = spans_of(self.maps[since].dirty)
            size = BLOCK * len(self.blocks)
            changed = changed_spans(dirty, size=size, before=base.facts.size)
            assert parent is not None
            if contradictions(size, data=data, changed=changed, parent=parent):
                changed = None
        acts = plan_blocks(BLOCK * len(self.blocks), data=data, changed=changed, parent=parent)
        return [self._block(at, Act(act), base) for at, act in enumerate(acts)]

    def _block(self, at: int, act: Act, base: Point | None) -> int:
        match act:
            case Act.ZERO:
                return 0
            case Act.READ:
                return self.blocks[at]
            case Act.KEEP:
                assert base is not None
                return base.blocks[at]


def spans_of(blocks: set[int]) -> list[Span]:
    return merged(Span(BLOCK * number, BLOCK * (number + 1)) for number in blocks)


def ids_of(blocks: list[int]) -> BlockIds:
    ids = (zero_id(BLOCK) if not each else each.to_bytes(32, "big") for each in blocks)
    return BlockIds(BLOCK * len(blocks), b"".join(ids))


@given(st.lists(st.sampled_from(EVENTS), max_size=30), st.integers(0, 1 << 30))
def test_a_point_is_the_disk_whatever_happened_to_disk_and_record(
    events: list[str], seed: int
) -> None:
    life = Life(random.Random(seed))

    for event in [*events, "backup"]:
        life.live(event)

    assert life.points[-1].blocks == life.blocks


@given(
    size=st.integers(1, 8),
    before=st.none() | st.integers(1, 8),
    checkpoint=st.sampled_from(["", "holdfast-0000000000000001"]),
    can_record=st.booleans(),
    state=st.sampled_from(MapState),
    wanted=st.sampled_from(Wanted),
)
def test_a_record_is_trusted_only_where_everything_speaks_for_it(
    size: int,
    before: int | None,
    checkpoint: str,
    *,
    can_record: bool,
    state: MapState,
    wanted: Wanted,
) -> None:
    facts = None
    if before is not None:
        facts = DiskFacts(target="vda", size=before * BLOCK, checkpoint=checkpoint)
    now = DiskNow(target="vda", size=size * BLOCK, can_record=can_record, map_state=state)

    track = choose_track(now, facts, wanted=wanted)

    is_sound = can_record and state is MapState.RECORDING and wanted is Wanted.AUTO
    fits = facts is not None and bool(checkpoint) and size * BLOCK >= facts.size
    assert (track.rung is Rung.BITMAP) == (is_sound and fits) == (track.why is Why.TRACKED)
    assert track.since == (checkpoint if track.rung is Rung.BITMAP else None)
    assert (track.rung is Rung.FULL) == (facts is None or wanted is Wanted.FULL)


def test_a_tail_that_grew_is_changed_whatever_the_record_says() -> None:
    dirty = [Span(0, BLOCK)]

    changed = changed_spans(dirty, size=4 * BLOCK, before=2 * BLOCK)

    assert changed == [Span(0, BLOCK), Span(2 * BLOCK, 4 * BLOCK)]
    acts = plan_blocks(4 * BLOCK, data=[], changed=changed, parent=ids_of([1, 2]))
    assert acts.tolist() == np.array([Act.ZERO, Act.KEEP, Act.ZERO, Act.ZERO]).tolist()
