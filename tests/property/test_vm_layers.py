"""Random lives of a disk under overlays: the maps never say too little, and the chain stays short."""

import itertools
import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from holdfast.disks.image_facts import Link
from holdfast.machines.layers import (
    below_ours,
    generation_of,
    has_layers,
    layer_path,
    merges,
    newer_layers,
)

BLOCKS = 6
EVENTS = (
    "write",
    "write",
    "write",
    "backup",
    "backup",
    "failed backup",
    "foreign",
    "point deleted",
)


@dataclass
class Life:
    """A disk as its images, the top one first: each has the blocks that were written to it."""

    dice: random.Random
    images: list[tuple[str, dict[int, int]]] = field(default_factory=lambda: [("/disk", {})])
    # What the disk held at each point, by the name of the point's overlay.
    points: dict[str, list[int]] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def chain(self) -> tuple[Link, ...]:
        return tuple(
            Link(path=path, format="qcow2", size=0, allocated=0) for path, _ in self.images
        )

    def content(self, start: int = 0) -> list[int]:
        held = [written for _, written in self.images[start:]]
        return [next((one[at] for one in held if at in one), 0) for at in range(BLOCKS)]

    def write(self) -> None:
        self.images[0][1][self.dice.randrange(BLOCKS)] = self.dice.choice((0, next(self.numbers)))

    def put(self) -> str:
        generation = f"holdfast-{next(self.numbers):016x}"
        path = layer_path(below_ours(self.chain).path, generation)
        self.images.insert(0, (path, {}))
        return generation

    def foreign(self) -> None:
        self.images.insert(0, (f"/foreign{next(self.numbers)}", {}))

    def merge(self, needed: set[str]) -> None:
        before = self.content()
        for merge in merges(self.chain, needed):
            paths = [path for path, _ in self.images]
            base, top = paths.index(merge.base.path), paths.index(merge.top.path)
            assert top > 0, "what the machine writes to is not merged"
            assert merge.files == tuple(reversed(paths[top:base]))
            assert all(generation_of(path) for path in merge.files)
            for _path, written in reversed(self.images[top:base]):
                self.images[base][1].update(written)
            del self.images[top:base]
        assert self.content() == before

    def changed(self, generation: str) -> set[int] | None:
        """Of what lies below the top: what is read for a point."""
        newer = newer_layers(self.chain[1:], generation)
        if not newer:
            return None
        return {at for _, written in self.images[1 : 1 + newer] for at in written}


@given(
    events=st.lists(st.sampled_from(EVENTS), max_size=25),
    vaults=st.integers(1, 2),
    dice=st.randoms(use_true_random=False),
)
def test_whatever_happens_the_overlays_tell_all_that_has_changed(
    events: list[str], vaults: int, dice: random.Random
) -> None:
    life = Life(dice)
    newest: dict[int, str] = {}

    for event in events:
        vault = dice.randrange(vaults)
        if event == "write":
            life.write()
        elif event == "foreign":
            life.foreign()
        elif event == "point deleted":
            newest.pop(vault, None)
        else:
            life.merge(set(newest.values()))
            generation = life.put()
            held = life.content(1)
            if vault in newest:
                known = life.points[newest[vault]]
                changed = life.changed(newest[vault])
                assert changed is not None
                assert {at for at in range(BLOCKS) if held[at] != known[at]} <= changed
            if event == "backup":
                newest[vault] = generation
                life.points[generation] = held
                life.merge(set(newest.values()))

    foreign = sum(not generation_of(path) for path, _ in life.images)
    # One for each vault; one that a backup has left which failed, and what is written to.
    assert len(life.images) <= foreign + vaults + 2
    without = life.content()
    life.images[0:0] = [("/end", {})]
    life.merge(set())
    assert life.content() == without
    assert not has_layers(life.chain)


@given(st.text(max_size=30), st.integers(0, (1 << 64) - 1))
def test_a_layer_is_known_by_its_name(disk: str, number: int) -> None:
    generation = f"holdfast-{number:016x}"

    found = generation_of(layer_path(f"/{disk}", generation))

    assert found == generation
    assert not generation_of(f"/{disk}.holdfast-restore")
