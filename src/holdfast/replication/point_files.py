"""What lies beside the disks of a point: its definition, UEFI variables, the state of its TPM."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.replica_folder import ReplicaFolder, remove_folder
from holdfast.replication.replica_record import Record
from holdfast.storage.durable import sync, sync_folder

POINT = "point.json"
_MODE = 0o400


def put_point_files(
    folder: ReplicaFolder,
    point: ReplicaPoint,
    files: Mapping[str, bytes],
    *,
    like: ReplicaPoint | None,
) -> None:
    """Durable; a file that is as in the point `like` is not stored twice."""
    place = folder.points / point.generation
    remove_folder(place)
    place.mkdir(mode=0o700)
    for name, content in files.items():
        before = folder.points / like.generation / name if like else None
        if before is None or not _is_same(before, content):
            _write(place / name, content)
        else:
            os.link(before, place / name)
    # For people's eyes, and for whoever finds the folder without its replica.json.
    told = msgspec.json.format(msgspec.json.encode(point), indent=2) + b"\n"
    if POINT not in files:
        _write(place / POINT, told)
    sync_folder(place)
    sync_folder(folder.points)


def sweep_points(folder: ReplicaFolder, record: Record) -> None:
    known = {point.generation for point in record.facts.points}
    for path in folder.points.iterdir():
        if path.name not in known:
            remove_folder(path)


def _is_same(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with open(descriptor, "wb") as target:
        target.write(content)
    sync(path)
