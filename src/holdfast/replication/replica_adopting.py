"""Disks of a machine that ran on this host become the newest layers of its replica, where they lie.

An image of the machine's own gets a layer upon it, and is not written: what comes is written into
that layer, and all that is merged goes no deeper. An image that was started from a point of this
replica stands upon its layers already, and becomes one of them, by a second name.
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.disks import images
from holdfast.machines.state_files import replace_file
from holdfast.replication.adoption import Suspects
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaPoint
from holdfast.replication.replica_folder import (
    ReplicaFolder,
    require_generation,
    require_target,
    site_errors,
    stamp_of,
)
from holdfast.replication.replica_layers import FORMAT, new_layer, seal_layer
from holdfast.replication.replica_record import (
    Layer,
    LayerName,
    Original,
    Record,
    chain,
    known_layers,
    with_facts,
    without_unneeded_ends,
)
from holdfast.storage.durable import sync_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeImage:
    """`upon`: the generation of this replica's layer it was started from; empty: its own image."""

    target: str
    path: Path
    format: str
    size: int
    upon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopting:
    """`generation` is a name for what the images hold now; no point is made of it."""

    generation: str
    source: str
    images: tuple[HomeImage, ...]
    suspects: Mapping[str, Suspects]


def put_adopted(folder: ReplicaFolder, record: Record, work: Adopting) -> Record:
    """The replica goes on from the images; called again it finds that done."""
    require_generation(work.generation)
    facts = record.facts
    if work.generation in (facts.head, *facts.history):
        return record
    for image in work.images:
        require_target(image.target)
    _keep_suspects(folder, work.suspects)
    with site_errors(folder.path, about=facts.name):
        layers = tuple(_layer(folder, work.generation, image) for image in work.images)
        sync_folder(folder.layers)
    adopted = _with_layers(record, work, layers)
    folder.write(adopted)
    return adopted


def suspects_of(folder: ReplicaFolder, target: str) -> bytes:
    """As they were when the disk was adopted."""
    require_target(target)
    try:
        content = _place(folder, target).read_bytes()
        return msgspec.msgpack.decode(content, type=Suspects).bits
    except (FileNotFoundError, msgspec.DecodeError):
        return b""


def drop_imported(work: Adopting) -> None:
    """The first names of images that are layers now."""
    for image in work.images:
        if image.upon:
            with contextlib.suppress(FileNotFoundError):
                image.path.unlink()


def _with_layers(record: Record, work: Adopting, layers: tuple[Layer, ...]) -> Record:
    """Points of before stay where something still stands on what they stand on."""
    known = [layer for layer in record.layers if layer.generation != work.generation]
    facts = record.facts
    history = (facts.head, *facts.history) if facts.head else facts.history
    now = with_facts(
        record,
        source=work.source,
        head=work.generation,
        history=history,
        draft=None,
        written="",
    )
    tops = tuple(
        ReplicaDisk(target=each.target, size=each.size, layer=each.generation) for each in layers
    )
    now = msgspec.structs.replace(now, layers=(*known, *layers), tops=tops, merging=None)
    return without_unneeded_ends(now)


def _layer(folder: ReplicaFolder, generation: str, image: HomeImage) -> Layer:
    name = LayerName(image.target, generation)
    path = folder.layer(name)
    path.unlink(missing_ok=True)
    if image.upon:
        os.link(image.path, path)
        return seal_layer(folder, new_layer(name, size=image.size, below=image.upon))
    images.create(
        path,
        image.size,
        format_=FORMAT,
        backing=str(image.path.absolute()),
        backing_format=image.format,
    )
    layer = seal_layer(folder, new_layer(name, size=image.size, below=""))
    original = Original(
        path=str(image.path.absolute()),
        format=image.format,
        stamp=None if image.path.is_block_device() else stamp_of(image.path),
    )
    return msgspec.structs.replace(layer, original=original)


def _keep_suspects(folder: ReplicaFolder, found: Mapping[str, Suspects]) -> None:
    """Before anything is named: what is not known then is never known again."""
    place = _place(folder, "")
    with site_errors(folder.path):
        place.mkdir(mode=0o700, exist_ok=True)
        for old in place.iterdir():
            if old.name not in found:
                old.unlink()
        for target, suspects in found.items():
            replace_file(_place(folder, target), msgspec.msgpack.encode(suspects))


def _place(folder: ReplicaFolder, target: str) -> Path:
    return folder.path / "suspects" / target


def originals_of(record: Record, point: ReplicaPoint) -> dict[str, str]:
    """By disk, the image of a machine of this host that the point stands on, where it does."""
    known, found = known_layers(record), {}
    for disk in point.disks:
        for layer in chain(known, LayerName(disk.target, disk.layer)):
            if layer.original is not None:
                found[disk.target] = layer.original.path
    return found
