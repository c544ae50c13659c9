"""What lies inside the disks of a virtual machine's recovery point, for whoever only looks."""

import os
import stat
from datetime import UTC, datetime

from holdfast.app.vm_files import InsideRequest, list_inside, list_volumes
from holdfast.app.wiring import Session
from holdfast.files.nodes import node_type
from holdfast.fleet.item_order import Facts, Order, ordered
from holdfast.fleet.point_paths import path_of, readable, spelled
from holdfast.fleet.questions import (
    DiskFound,
    Folder,
    FolderWanted,
    Item,
    VolumeFound,
    VolumesFound,
)
from holdfast.machines.looking_inside import Item as Inside
from holdfast.machines.point_reader import PointReader
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot


def volumes_of(repository: Repository, snapshot: Snapshot) -> VolumesFound:
    """Read without a lock: nothing is written, and the looks are short."""
    point = PointReader(repository, snapshot)
    facts = point.facts
    return VolumesFound(
        point=snapshot.id,
        vm=facts.name,
        uuid=facts.uuid,
        consistency=facts.consistency.value,
        disks=[DiskFound(target=one.target, size=one.size) for one in facts.disks],
        volumes=[
            VolumeFound(
                name=one.name,
                size=one.size,
                content=one.content.kind,
                label=one.content.label,
                is_readable=one.content.is_file_system,
            )
            for one in list_volumes(repository, snapshot, lock=False)
        ],
    )


def folder_inside(
    session: Session, repository: Repository, snapshot: Snapshot, wanted: FolderWanted
) -> Folder:
    """`path` begins with a volume, as vda1/etc."""
    path = path_of(wanted.path)
    request = InsideRequest(path=path.decode("utf-8", "surrogateescape"), lock=False)
    text = wanted.name.casefold()
    found = [
        one
        for one in list_inside(session, repository, snapshot, request)
        if text in one.name.casefold()
    ]
    found = ordered(found, _facts, Order.of(wanted))
    return Folder(
        point=snapshot.id,
        path=spelled(path).lstrip("/"),
        items=[_item(path, one) for one in found[wanted.offset : wanted.offset + wanted.limit]],
        total=len(found),
        offset=wanted.offset,
        sort=wanted.sort,
        descending=wanted.descending,
    )


def _facts(found: Inside) -> Facts:
    raw = os.fsencode(found.name)
    return Facts(
        is_folder=stat.S_ISDIR(found.mode),
        name=readable(raw),
        raw=raw,
        size=found.size if stat.S_ISREG(found.mode) else None,
        changed=found.mtime,
    )


def _item(folder: bytes, found: Inside) -> Item:
    place = folder.rstrip(b"/") + b"/" + os.fsencode(found.name)
    return Item(
        name=readable(os.fsencode(found.name)),
        path=spelled(place).lstrip("/"),
        kind=node_type(found.mode),
        size=found.size if stat.S_ISREG(found.mode) else 0,
        modified=datetime.fromtimestamp(found.mtime, UTC),
        mode=stat.S_IMODE(found.mode) & 0o777,
        target=readable(os.fsencode(found.link)),
    )
