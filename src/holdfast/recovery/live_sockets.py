"""The sockets through which a machine moves: at both hosts in the same place, gone with the act.

At the site HOME/recovery/UUID/doors.json says which of them may be reached through the link.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from holdfast.hypervisor.migrating import MigrationWay
from holdfast.machines.state_files import replace_file
from holdfast.recovery.record import ActKind
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.link_tunnel import AskTunnel, DoorName, Doors

_BASE = Path("/run/holdfast-live")
_DOORS = "doors.json"
_LIVE = (ActKind.PLANNED_LIVE, ActKind.FAILBACK_LIVE)
_DAEMONS = ("/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock")


class _Open(msgspec.Struct, frozen=True, kw_only=True):
    act: str
    sockets: dict[str, str]


def way_of(act: str, attempt: str) -> MigrationWay:
    """Short paths that nobody guesses; equal on both hosts, as libvirt wants it."""
    name = hashlib.sha256(f"{act}\0{attempt}".encode()).hexdigest()[:24]
    folder = _BASE / name
    return MigrationWay(libvirt=folder / "l", memory=folder / "m", disks=folder / "d")


def make_room(way: MigrationWay) -> None:
    """QEMU, which has a user of its own, makes sockets in it and comes to ours."""
    _BASE.mkdir(mode=0o711, exist_ok=True)
    folder = way.memory.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    # To enter, not to be listed: only whoever was told the name comes in.
    os.chmod(folder, 0o733)  # noqa: S103  see above


def clear_room(way: MigrationWay) -> None:
    shutil.rmtree(way.memory.parent, ignore_errors=True)
    with contextlib.suppress(OSError):
        _BASE.rmdir()


def open_doors(folder: RecordFolder, act: str, way: MigrationWay, *, hypervisor: str) -> None:
    sockets = {
        DoorName.LIBVIRT.value: str(daemon_socket(hypervisor)),
        DoorName.MEMORY.value: str(way.memory),
        DoorName.DISKS.value: str(way.disks),
    }
    replace_file(folder.path / _DOORS, msgspec.json.encode(_Open(act=act, sockets=sockets)))


def shut_doors(folder: RecordFolder) -> None:
    with contextlib.suppress(FileNotFoundError):
        (folder.path / _DOORS).unlink()


def doors_of(home: str) -> Doors:
    """For a site's port: only what an act under way has opened, and only for that act."""

    def find(_machine: str, asked: AskTunnel) -> Path | None:
        folder = RecordFolder(home, asked.vm)
        try:
            opened = msgspec.json.decode((folder.path / _DOORS).read_bytes(), type=_Open)
        except (OSError, msgspec.DecodeError):
            return None
        record = folder.load()
        act = record.act if record else None
        if act is None or act.kind not in _LIVE or not act.id == asked.act == opened.act:
            return None
        found = opened.sockets.get(asked.door.value)
        return Path(found) if found else None

    return find


def daemon_socket(hypervisor: str) -> Path:
    """Where the libvirt of this URI listens on this host."""
    named = parse_qs(urlsplit(hypervisor).query).get("socket")
    if named:
        return Path(named[0])
    return next((Path(path) for path in _DAEMONS if Path(path).exists()), Path(_DAEMONS[-1]))
