"""Where two instants of a replica may differ: what lies in the layers that only one of them has."""

from holdfast.disks import images
from holdfast.disks.spans import Span, merged
from holdfast.replication.adoption import Suspects
from holdfast.replication.replica_facts import ReplicaDisk
from holdfast.replication.replica_folder import ReplicaFolder
from holdfast.replication.replica_layers import FORMAT
from holdfast.replication.replica_record import Layer, LayerName, Record, chain, known_layers


def between(
    folder: ReplicaFolder, record: Record, one: str, other: str
) -> dict[str, Suspects] | None:
    """By disk, of those both have; a disk of which nobody can say is not there.

    None: one of the two instants is not known here any more.
    """
    ones, others = _disks_at(record, one), _disks_at(record, other)
    if ones is None or others is None:
        return None
    found = {}
    for target in ones.keys() & others.keys():
        suspects = _of_disk(folder, record, ones[target], others[target])
        if suspects is not None:
            found[target] = suspects
    return found


def _disks_at(record: Record, generation: str) -> dict[str, ReplicaDisk] | None:
    facts = record.facts
    if facts.written and generation == facts.head:
        return None
    if generation == facts.head and record.tops:
        return {disk.target: disk for disk in record.tops}
    point = facts.point(generation)
    if point is None or point.is_spoiled:
        return None
    return {disk.target: disk for disk in point.disks}


def _of_disk(
    folder: ReplicaFolder, record: Record, one: ReplicaDisk, other: ReplicaDisk
) -> Suspects | None:
    known = known_layers(record)
    ones = list(chain(known, LayerName(one.target, one.layer)))
    others = list(chain(known, LayerName(other.target, other.layer)))
    common = {layer.name for layer in ones} & {layer.name for layer in others}
    if not common:
        # A disk that was sent anew has nothing in common with what it was.
        return None
    size = max(one.size, other.size)
    spans = [Span(min(one.size, other.size), size)]
    for layer in (*ones, *others):
        if layer.name not in common:
            spans += _written_in(folder, layer)
    return Suspects.of(merged(spans), size)


def _written_in(folder: ReplicaFolder, layer: Layer) -> list[Span]:
    """Zeroes as well: they hide what is below. Someone may have it open."""
    told = images.extents(folder.layer(layer.name), format_=FORMAT, is_live=True)
    return [each.span for each in told if each.depth == 0 and (each.has_data or each.is_zero)]
