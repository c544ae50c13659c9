"""The first copy begins with images somebody carried to the site, or with a point restored there.

They become layers, and the replica's head, of which no point is made: what they really hold only
the walk that follows can say, and that compares all of it.
"""

import stat
from pathlib import Path

import msgspec

from holdfast.base.texts import _
from holdfast.disks import images
from holdfast.disks.errors import ImageUnreadable
from holdfast.replication.receiver import SeedWish
from holdfast.replication.replica_errors import SeedUnusable
from holdfast.replication.replica_facts import ReplicaDisk
from holdfast.replication.replica_folder import (
    ReplicaFolder,
    require_room,
    require_target,
    site_errors,
)
from holdfast.replication.replica_layers import FORMAT, new_layer, seal_layer
from holdfast.replication.replica_record import Layer, LayerName, Record, with_facts
from holdfast.storage.durable import sync_folder

SEEDS = "seeds"
# By the name: what a disk begins with may look like the head of an image based on any file.
_QCOW2 = ".qcow2"


def put_seed(folder: ReplicaFolder, record: Record, wish: SeedWish) -> Record:
    if record.facts.head == wish.generation:
        return record
    layers = []
    for target, name in sorted(wish.images.items()):
        require_target(target)
        image = _image(folder.site / SEEDS, target, name)
        if record.facts.head:
            reason = _("the replica has begun already")
            raise SeedUnusable(image=image, disk=target, folder=image.parent, reason=reason)
        layers.append(_put(folder, LayerName(target, wish.generation), image, record=record))
    sync_folder(folder.layers)
    tops = tuple(
        ReplicaDisk(target=each.target, size=each.size, layer=each.generation) for each in layers
    )
    seeded = with_facts(record, head=wish.generation, draft=None)
    seeded = msgspec.structs.replace(seeded, layers=tuple(layers), tops=tops)
    folder.write(seeded)
    return seeded


def _put(folder: ReplicaFolder, name: LayerName, image: Path, *, record: Record) -> Layer:
    format_ = _format(image)
    require_room(folder.site, image.stat().st_blocks * 512, about=record.facts.name)
    with site_errors(folder.path, about=record.facts.name):
        path = folder.layer(name)
        path.unlink(missing_ok=True)
        images.convert(image, path, source_format=format_, target_format=FORMAT)
        size = images.inspect(path, format_=FORMAT, looks_below=False).virtual_size
        return seal_layer(folder, new_layer(name, size=size, below=""))


def _image(seeds: Path, target: str, name: str) -> Path:
    image = seeds / name
    reason = ""
    if name != Path(name).name or name in ("", ".", ".."):
        reason = _("it must be a name in that folder")
    elif not image.exists():
        reason = _("it is not there")
    elif not stat.S_ISREG(image.lstat().st_mode):
        reason = _("it is no file")
    elif _stands_on_others(image):
        reason = _("it cannot be read, or needs other files")
    if reason:
        raise SeedUnusable(image=image, disk=target, folder=seeds, reason=reason)
    return image


def _stands_on_others(image: Path) -> bool:
    try:
        found = images.inspect(image, format_=_format(image), looks_below=False)
    except ImageUnreadable:
        return True
    return bool(found.backing or found.data_file or found.is_encrypted)


def _format(image: Path) -> str:
    return FORMAT if image.name.endswith(_QCOW2) else "raw"
