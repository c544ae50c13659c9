"""The use case "files inside a virtual machine": its volumes, their folders, copies of them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.app import locking
from holdfast.app.wiring import Session
from holdfast.disks.source import DiskSource
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.inside_errors import VolumeMissing
from holdfast.machines.looking_inside import Copied, Item, copy_out, list_items, opened_volume
from holdfast.machines.point_reader import PointReader
from holdfast.machines.volumes import Volume, find_volumes
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideRequest:
    """`path` begins with a volume, as vda1/etc; `lock` False is for vaults we may only read."""

    path: str
    lock: bool = True


def list_volumes(repository: Repository, snapshot: Snapshot, *, lock: bool = True) -> list[Volume]:
    with _locked(repository, lock=lock):
        return find_volumes(_disks(repository, snapshot))


def list_inside(
    session: Session, repository: Repository, snapshot: Snapshot, request: InsideRequest
) -> list[Item]:
    with opened_inside(session, repository, snapshot, request) as (root, volume, path):
        return list_items(root, path, volume=volume)


def copy_inside(
    session: Session,
    repository: Repository,
    snapshot: Snapshot,
    request: InsideRequest,
    *,
    folder: Path,
) -> Copied:
    """Into a folder, which is made if it is missing."""
    target = folder.absolute()
    with opened_inside(session, repository, snapshot, request) as (root, volume, path):
        return copy_out(root, path, target, volume=volume)


@contextlib.contextmanager
def opened_inside(
    session: Session, repository: Repository, snapshot: Snapshot, request: InsideRequest
) -> Iterator[tuple[Path, str, str]]:
    """Where the volume is mounted, its name, and the path below it."""
    name, _slash, path = request.path.strip("/").partition("/")
    with _locked(repository, lock=request.lock):
        volumes = find_volumes(_disks(repository, snapshot))
        volume = next((each for each in volumes if each.name == name), None)
        if volume is None:
            known = ", ".join(each.name for each in volumes)
            raise VolumeMissing(point=snapshot.id[:8], volume=name, known=known)
        with opened_volume(volume, clock=session.clock) as root:
            yield root, name, path


@contextlib.contextmanager
def _locked(repository: Repository, *, lock: bool) -> Iterator[None]:
    """Nothing is changed in the vault; it must only not go on beside a prune."""
    if not lock:
        yield
        return
    with locking.held(repository, settle_later=True) as held:
        yield
        held.check()


def _disks(repository: Repository, snapshot: Snapshot) -> dict[str, DiskSource]:
    point = PointReader(repository, snapshot)
    return {target: DiskReader(point, target) for target in point.disks}
