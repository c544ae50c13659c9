"""What a site knows of a replica, in the file replica.json: what it tells, and its layers. Pure.

A layer is an image of one disk; it has what was written in one generation, and stands on the one
below, which has the disk as it was before. A point names the layer of each of its disks. A disk
that was not written has no layer of its own in a generation, so points share layers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import NamedTuple

import msgspec

from holdfast.replication.replica_facts import (
    HISTORY,
    Draft,
    ReplicaDisk,
    ReplicaFacts,
    ReplicaPoint,
)
from holdfast.replication.settings import PointPolicy

VERSION = 1


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """By which it is seen that something wrote to a file.

    Not how many blocks it takes: file systems give room back that they took ahead.
    """

    size: int
    mtime_ns: int


class LayerName(NamedTuple):
    target: str
    generation: str

    @property
    def file(self) -> str:
        return f"{self.target}.{self.generation}.qcow2"


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a machine of this host, upon which a layer stands; it is not ours to write."""

    path: str
    format: str
    # None: nothing to see it by, as of a block device.
    stamp: Stamp | None = None


class Layer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`below` is the generation of what it stands on, empty for nothing; `size` is the disk's."""

    target: str
    generation: str
    size: int
    stamp: Stamp
    below: str = ""
    # What the lowest one stands on, of a machine that ran here.
    original: Original | None = None

    @property
    def name(self) -> LayerName:
        return LayerName(self.target, self.generation)

    @property
    def file(self) -> str:
        return self.name.file


class Merging(msgspec.Struct, frozen=True, kw_only=True):
    """`upper` is being written into `lower`, and is whole until that has its name."""

    target: str
    lower: str
    upper: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A log that is in the replica; of a slice the generation is that of its walk."""

    hash: str
    generation: str


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    facts: ReplicaFacts
    layers: tuple[Layer, ...] = ()
    # The disks as they are at the head.
    tops: tuple[ReplicaDisk, ...] = ()
    policy: PointPolicy = PointPolicy()
    merging: Merging | None = None
    # The newest first.
    applied: tuple[Applied, ...] = ()

    def layer(self, name: LayerName) -> Layer | None:
        return next((each for each in self.layers if each.name == name), None)

    def top(self, target: str) -> ReplicaDisk | None:
        return next((disk for disk in self.tops if disk.target == target), None)

    def base(self, target: str) -> str:
        """The layer a walk stands on, of this disk; empty: on nothing."""
        draft = self.facts.draft
        disk = self.top(target)
        if disk is None or (draft is not None and not draft.since):
            return ""
        return disk.layer

    def ack(self, hash_: str) -> Applied | None:
        return next((each for each in self.applied if each.hash == hash_), None)


def with_facts(record: Record, **changes: object) -> Record:
    return msgspec.structs.replace(record, facts=msgspec.structs.replace(record.facts, **changes))


def with_applied(record: Record, applied: Applied) -> Record:
    """Remembered for as long as an answer may be lost, slices of a walk as well."""
    return msgspec.structs.replace(record, applied=(applied, *record.applied)[: 2 * HISTORY])


def with_point(record: Record, point: ReplicaPoint, layers: Sequence[Layer]) -> Record:
    """The replica is at this point from now on; a draft was used up, or is none any more."""
    facts = record.facts
    history = (facts.head, *facts.history) if facts.head else facts.history
    kept = [layer for layer in record.layers if layer.name not in {new.name for new in layers}]
    now = msgspec.structs.replace(
        record,
        facts=msgspec.structs.replace(
            facts,
            head=point.generation,
            history=history[:HISTORY],
            points=(*facts.points, point),
            draft=None,
            written="",
        ),
        layers=(*kept, *layers),
        tops=point.disks,
    )
    return without_unneeded_ends(now)


def with_draft(record: Record, draft: Draft | None, layers: Iterable[Layer] = ()) -> Record:
    changed = list(layers)
    names = {layer.name for layer in changed}
    kept = [layer for layer in record.layers if layer.name not in names]
    now = msgspec.structs.replace(record, layers=(*kept, *changed))
    return without_unneeded_ends(with_facts(now, draft=draft))


def without_points(record: Record, gone: AbstractSet[str]) -> Record:
    kept = tuple(point for point in record.facts.points if point.generation not in gone)
    return without_unneeded_ends(with_facts(record, points=kept))


def named_layers(record: Record) -> set[LayerName]:
    """Those that a point, the head or the draft names."""
    named = {LayerName(disk.target, disk.layer) for disk in record.tops}
    for point in record.facts.points:
        named |= {LayerName(disk.target, disk.layer) for disk in point.disks}
    draft = record.facts.draft
    if draft is not None:
        named |= {each.name for each in record.layers if each.generation == draft.generation}
    return named


Known = Mapping[LayerName, Layer]


def known_layers(record: Record) -> Known:
    return {layer.name: layer for layer in record.layers}


def chain(known: Known, name: LayerName) -> Iterator[Layer]:
    """The layer and all below it, from the top; what is not known ends it."""
    while (layer := known.get(name)) is not None:
        yield layer
        name = LayerName(name.target, layer.below)


def all_below(known: Known, names: Iterable[LayerName]) -> set[LayerName]:
    """The layers and all that they stand on."""
    found: set[LayerName] = set()
    for name in names:
        for layer in chain(known, name):
            if layer.name in found:
                break
            found.add(layer.name)
    return found


def layers_of(record: Record, disks: Iterable[ReplicaDisk]) -> set[LayerName]:
    """All that the disks read from."""
    return all_below(known_layers(record), (LayerName(disk.target, disk.layer) for disk in disks))


def without_unneeded_ends(record: Record) -> Record:
    """Without layers that nothing named stands on: they can go at once."""
    needed = all_below(known_layers(record), named_layers(record))
    kept = tuple(layer for layer in record.layers if layer.name in needed)
    return msgspec.structs.replace(record, layers=kept)


def next_merge(record: Record, in_use: AbstractSet[LayerName]) -> Merging | None:
    """The first, from below, that nobody names and that has one layer upon it.

    Neither of the two may be `in_use`: their files do not change under who has them open.
    """
    named = named_layers(record)
    above: dict[LayerName, list[Layer]] = {}
    for layer in record.layers:
        above.setdefault(LayerName(layer.target, layer.below), []).append(layer)
    for lower in _from_below(record.layers, above):
        upper = above.get(lower.name, [])
        if lower.name in named or lower.name in in_use or len(upper) != 1:
            continue
        if upper[0].name not in in_use and not _is_draft(record, upper[0]):
            return Merging(target=lower.target, lower=lower.generation, upper=upper[0].generation)
    return None


def merged(record: Record, merging: Merging, stamp: Stamp) -> Record:
    """The upper layer stands where the lower one stood; points name it as before."""
    lower = record.layer(LayerName(merging.target, merging.lower))
    below = lower.below if lower else ""
    original = lower.original if lower else None
    gone = LayerName(merging.target, merging.lower)
    changed = LayerName(merging.target, merging.upper)
    layers = tuple(
        msgspec.structs.replace(layer, below=below, stamp=stamp, original=original)
        if layer.name == changed
        else layer
        for layer in record.layers
        if layer.name != gone
    )
    return msgspec.structs.replace(record, layers=layers, merging=None)


def judged(record: Record, seen: Mapping[LayerName, Stamp | None]) -> Record:
    """What is left of it when some of its layers have changed, or are gone (None).

    Layers of a draft are written by each slice, and by one that was killed.
    """
    merging = record.merging
    excused = (
        {LayerName(merging.target, name) for name in (merging.lower, merging.upper)}
        if merging
        else set()
    )
    changed = [
        layer
        for layer in record.layers
        if layer.name not in excused
        and not _is_draft(record, layer)
        and seen[layer.name] != layer.stamp
    ]
    if not changed:
        return record
    names = {layer.name for layer in changed}
    gone = {layer.name for layer in changed if seen[layer.name] is None}
    return _spoiled(_stamped(record, seen), names, gone)


def depth(record: Record) -> int:
    """The greatest number of layers any disk reads from."""
    known, depths = known_layers(record), dict[LayerName, int]()
    for layer in record.layers:
        new = list(takewhile(lambda each: each.name not in depths, chain(known, layer.name)))
        base = LayerName(layer.target, new[-1].below) if new else layer.name
        count = depths.get(base, 0)
        for each in reversed(new):
            count += 1
            depths[each.name] = count
    return max(depths.values(), default=0)


def _is_draft(record: Record, layer: Layer) -> bool:
    draft = record.facts.draft
    return draft is not None and layer.generation == draft.generation


def _from_below(
    layers: Sequence[Layer], above: Mapping[LayerName, Sequence[Layer]]
) -> Iterator[Layer]:
    row = [layer for layer in layers if not layer.below]
    while row:
        yield from row
        row = [upper for layer in row for upper in above.get(layer.name, [])]


def _stamped(record: Record, seen: Mapping[LayerName, Stamp | None]) -> Record:
    """Looked at once: what changes later is seen again."""
    layers = tuple(
        msgspec.structs.replace(layer, stamp=seen[layer.name] or layer.stamp)
        for layer in record.layers
    )
    return msgspec.structs.replace(record, layers=layers)


def _spoiled(
    record: Record, changed: AbstractSet[LayerName], gone: AbstractSet[LayerName]
) -> Record:
    facts = record.facts
    points = tuple(
        msgspec.structs.replace(point, is_spoiled=True)
        if layers_of(record, point.disks) & changed
        else point
        for point in facts.points
    )
    draft = facts.draft
    if draft is not None and _draft_layers(record, draft) & changed:
        draft = None
    of_head = layers_of(record, record.tops)
    if of_head & gone:
        # Nothing can be put upon it, and nothing be compared with it.
        return with_facts(_headless(record), points=points, draft=draft)
    written = facts.written or next((n.file for n in sorted(changed) if n in of_head), "")
    return with_facts(record, points=points, draft=draft, written=written)


def _headless(record: Record) -> Record:
    without = with_facts(record, head="", written="")
    return msgspec.structs.replace(without, tops=())


def _draft_layers(record: Record, draft: Draft) -> set[LayerName]:
    own = (layer.name for layer in record.layers if layer.generation == draft.generation)
    return all_below(known_layers(record), own)
