"""Where the disks of a machine lie, as far as backups of several are in each other's way there."""

import os
from collections.abc import Iterable
from pathlib import Path

from holdfast.hypervisor.machine_spec import DiskSpec

_LVM = "LVM-"
_GROUP_LETTERS = 32


def stores_of(disks: Iterable[DiskSpec]) -> dict[str, str]:
    """File systems, volume groups, devices and pools: what tells them apart, and their names."""
    found = {}
    for disk in disks:
        key, label = _store(disk)
        if key:
            found[key] = label
    return found


def _store(disk: DiskSpec) -> tuple[str, str]:
    source = disk.source or ""
    if disk.kind == "file":
        return _file_system(Path(source))
    if disk.kind == "block":
        return _device(source)
    if disk.kind in ("network", "volume"):
        # rbd's pool/image, libvirt's pool/volume; of the others the whole name is as good.
        pool = source.partition("/")[0]
        return f"{disk.protocol or disk.kind}:{pool}", pool
    return "", ""


def _file_system(path: Path) -> tuple[str, str]:
    folder = path.parent
    try:
        device = folder.stat().st_dev
        while folder.parent != folder and folder.parent.stat().st_dev == device:
            folder = folder.parent
    except OSError:
        # What is not there is in nobody's way.
        return "", ""
    return f"fs:{os.major(device)}:{os.minor(device)}", str(folder)


def _device(source: str) -> tuple[str, str]:
    """Logical volumes of a group share its disks."""
    try:
        number = os.stat(source).st_rdev
        mapper = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/dm")
        uuid = (mapper / "uuid").read_text().strip()
    except OSError:
        return f"device:{os.path.realpath(source)}", source
    if not uuid.startswith(_LVM):
        return f"device:{os.path.realpath(source)}", source
    name = (mapper / "name").read_text().strip()
    group = name.replace("--", "\0").partition("-")[0].replace("\0", "-")
    return f"lvm:{uuid[len(_LVM) :][:_GROUP_LETTERS]}", group
