"""The folder of a promoted machine: an image for each disk upon a layer of the point."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from holdfast.disks import images
from holdfast.recovery.record import Promoted, PromotedDisk
from holdfast.replication.replica_folder import MACHINES
from holdfast.storage.durable import sync, sync_folder

FORMAT = "qcow2"
# Whoever QEMU runs as goes through; the files in it are nobody else's.
_TRAVERSABLE = 0o011


def folder_of(site: Path, vm: str, act: str) -> Path:
    return site / vm / MACHINES / act


def overlay_of(folder: Path, target: str) -> str:
    return str(folder / f"{target}.{FORMAT}")


def make_folder(site: Path, promoted: Promoted) -> None:
    folder = Path(promoted.folder)
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    _let_through(site, [folder, *(Path(disk.below).parent for disk in promoted.disks)])


def make_overlays(promoted: Promoted, sizes: Mapping[str, int]) -> None:
    """Empty ones; the machine must never have run on those that are there.

    Each is there whole, or as it was: whoever goes on after a power cut reads what is there.
    """
    for disk in promoted.disks:
        made = Path(f"{disk.path}.new")
        made.unlink(missing_ok=True)
        images.create(made, sizes[disk.target], backing=Path(disk.below), backing_format=FORMAT)
        sync(made)
        made.replace(disk.path)
    sync_folder(Path(promoted.folder))


def is_untouched(disks: Iterable[PromotedDisk]) -> bool:
    """Whether nothing was ever written to any of them."""
    for disk in disks:
        found = images.extents(Path(disk.path), format_=FORMAT, is_live=True)
        if any(extent.depth == 0 for extent in found):
            return False
    return True


def remove_promoted_folder(promoted: Promoted) -> None:
    """With all that was written since; that of the last one goes as well."""
    folder = Path(promoted.folder)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not os.listdir(folder.parent):
        folder.parent.rmdir()


def _let_through(site: Path, folders: Iterable[Path]) -> None:
    """Of the site's own folders; those above it are seen by the preflight."""
    ways = {site}
    for folder in folders:
        ways |= {each for each in (folder, *folder.parents) if site in each.parents}
    for way in ways:
        mode = way.stat().st_mode & 0o777
        if mode & _TRAVERSABLE != _TRAVERSABLE:
            way.chmod(mode | _TRAVERSABLE)
