"""Where a replica lies, and how its files are read and written.

lock                      held by whoever changes anything
replica.json              what exists; what it does not name is nothing and goes
layers/TARGET.GENERATION.qcow2
points/GENERATION/        domain.xml, nvram and the state of a TPM
incoming/SHA256.part      logs that are on their way
pins/                     who needs which point
running/ACT/              images of a machine that was started from a point
"""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import is_file_id
from holdfast.base.units import MIB, format_size
from holdfast.disks.errors import (
    DiskRequestFailed,
    DiskServerEnded,
    DiskTargetFull,
    ImageToolFailed,
    ImageUnreadable,
)
from holdfast.hypervisor.checkpoint_xml import is_ours
from holdfast.machines.errors import ImageFull, ImageUnwritable
from holdfast.machines.state_files import replace_file
from holdfast.replication.replica_errors import (
    ReplicaBroken,
    ReplicaMissing,
    ReplicaNameBad,
    ReplicaNewer,
    SiteFull,
    SiteUnusable,
)
from holdfast.replication.replica_record import VERSION, Layer, LayerName, Record, Stamp
from holdfast.storage.durable import sync_folder

_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_LAYER = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,31})\.(holdfast-[0-9a-f]{16})\.qcow2", re.ASCII)
_FOLDERS = ("layers", "points", "incoming", "pins")
_PART = ".part"
_SECTOR = 512
MACHINES = "running"
# Room that stays free, so that merging can go on and the file system of the site does not fill.
RESERVE = 256 * MIB
_RESERVE_SHARE = 50
_NO_ROOM_SAID = "No space left on device"
# What QEMU's programs make of a disk that fails: a source waits until it is mended.
_OF_ITS_DISK = (DiskRequestFailed, DiskServerEnded, ImageToolFailed, ImageUnreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class ReplicaFolder:
    site: Path
    vm: str

    @property
    def path(self) -> Path:
        return self.site / self.vm

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def layers(self) -> Path:
        return self.path / "layers"

    @property
    def points(self) -> Path:
        return self.path / "points"

    @property
    def incoming(self) -> Path:
        return self.path / "incoming"

    @property
    def pins(self) -> Path:
        return self.path / "pins"

    def layer(self, name: LayerName) -> Path:
        return self.layers / name.file

    def log(self, hash_: str) -> Path:
        if not is_file_id(hash_):
            raise ReplicaNameBad(name=repr(hash_))
        return self.incoming / f"{hash_}{_PART}"

    def make(self) -> None:
        with site_errors(self.path):
            self.path.mkdir(mode=0o700, exist_ok=True)
            for name in _FOLDERS:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.path)
            sync_folder(self.site)

    @property
    def machines(self) -> Path:
        """Images of machines that were started from here; they are nobody's layers."""
        return self.path / MACHINES

    def is_there(self) -> bool:
        return self._record_file.exists()

    def is_bare(self) -> bool:
        """Nothing of a replica is left; a machine may live on here."""
        with contextlib.suppress(FileNotFoundError):
            return set(os.listdir(self.path)) <= {MACHINES, self.lock.name}
        return True

    def bury(self, grave: Path) -> None:
        """Take away all of it, in one step but for a machine that lives on here on its own."""
        if not self.machines.is_dir() or not os.listdir(self.machines):
            self.path.rename(grave)
            return
        grave.mkdir(mode=0o700)
        record = self._record_file.name
        # Its record first: without it all else is nothing, whoever finds it.
        for name in sorted(os.listdir(self.path), key=lambda name: (name != record, name)):
            if name not in (MACHINES, self.lock.name):
                (self.path / name).rename(grave / name)

    def fill_from(self, grave: Path) -> None:
        """The contrary; its record last, with which all of it is there."""
        record = self._record_file.name
        for name in sorted(os.listdir(grave), key=lambda name: (name == record, name)):
            if name not in (MACHINES, self.lock.name):
                (grave / name).rename(self.path / name)
        remove_folder(grave)

    def read(self) -> Record:
        try:
            return _parsed(self.path, self._record_file.read_bytes())
        except FileNotFoundError:
            raise ReplicaMissing(vm=self.vm) from None
        except OSError as err:
            # It may be whole: a disk that fails now is no damage yet.
            raise site_failure(self._record_file, err, about="-") from err

    def write(self, record: Record) -> None:
        """Whole and durable: what it names exists from this moment on."""
        with site_errors(self.path, about=record.facts.name):
            replace_file(self._record_file, msgspec.json.encode(record))

    def stamps(self, record: Record) -> Mapping[LayerName, Stamp | None]:
        return {layer.name: self._stamp(layer) for layer in record.layers}

    def _stamp(self, layer: Layer) -> Stamp | None:
        """What was written to the image below a layer was written to the layer."""
        original = layer.original
        if original is not None and original.stamp is not None:
            seen = stamp_of(Path(original.path))
            if seen != original.stamp:
                return seen
        return stamp_of(self.layer(layer.name))

    def room(self) -> Room:
        return room_of(self.site)

    @property
    def _record_file(self) -> Path:
        return self.path / "replica.json"


def open_folder(site: Path, vm: str) -> ReplicaFolder:
    """The name comes from a source: nothing but a UUID becomes the name of a folder."""
    try:
        is_plain = str(uuid.UUID(vm)) == vm
    except ValueError:
        is_plain = False
    if not is_plain:
        raise ReplicaNameBad(name=repr(vm))
    return ReplicaFolder(site, vm)


def replicas_in(site: Path) -> list[str]:
    """The machines it has replicas of."""
    found = []
    with contextlib.suppress(OSError, ReplicaNameBad):
        for name in sorted(os.listdir(site)):
            with contextlib.suppress(ReplicaNameBad):
                if open_folder(site, name).is_there():
                    found.append(name)
    return found


def layer_name(file: str) -> LayerName | None:
    found = _LAYER.fullmatch(file)
    return LayerName(found[1], found[2]) if found else None


def require_target(target: str) -> None:
    if not _TARGET.fullmatch(target):
        raise ReplicaNameBad(name=repr(target))


def require_generation(generation: str) -> None:
    if not is_ours(generation):
        raise ReplicaNameBad(name=repr(generation))


def stamp_of(path: Path) -> Stamp | None:
    """None: it is not there. One that cannot be looked at is not gone: points would be given up."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    except OSError as err:
        raise site_failure(path, err, about="-") from err
    return Stamp(size=seen.st_size, mtime_ns=seen.st_mtime_ns)


def room_of(site: Path) -> Room:
    with site_errors(site):
        seen = os.statvfs(site)
    return Room(free=seen.f_bavail * seen.f_frsize, total=seen.f_blocks * seen.f_frsize)


def is_short_of_room(site: Path) -> bool:
    """Little more is free than what stays free anyway."""
    room = room_of(site)
    return room.free < 2 * _reserve(room, RESERVE)


def _reserve(room: Room, most: int) -> int:
    return min(most, room.total // _RESERVE_SHARE)


def require_room(site: Path, needed: int, *, about: str, reserve: int = RESERVE) -> None:
    """So many bytes, and what stays free beside them."""
    room = room_of(site)
    needed += _reserve(room, reserve)
    if room.free < needed:
        raise site_full(site, needed, about=about)


def site_full(site: Path, needed: int, *, about: str) -> SiteFull:
    return SiteFull(
        folder=site,
        free=format_size(room_of(site).free),
        needed=format_size(needed),
        about=about,
    )


@contextlib.contextmanager
def site_errors(path: Path, *, about: str = "-") -> Iterator[None]:
    """What goes wrong with files here, as a source can understand it."""
    try:
        yield
    except DiskTargetFull as err:
        raise site_full(path, int(str(err.fields.get("length", 0))), about=about) from err
    except OSError as err:
        raise site_failure(path, err, about=about) from err
    except ImageFull as err:
        # Of a small file that was replaced.
        raise site_full(path, 0, about=about) from err
    except ImageUnwritable as err:
        raise SiteUnusable(path=path, reason=err.fields.get("reason")) from err
    except _OF_ITS_DISK as err:
        said = str(err.fields.get("said") or err.fields.get("reason") or err)
        if _NO_ROOM_SAID in said:
            raise site_full(path, 0, about=about) from err
        raise SiteUnusable(path=path, reason=said) from err


def site_failure(path: Path, err: OSError, *, about: str) -> HoldfastError:
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return site_full(path, 0, about=about)
    return SiteUnusable(path=err.filename or path, reason=err.strerror)


def taken_by(folder: Path) -> int:
    """Bytes of the disk, not of what is sparse in it."""
    total = 0
    for path, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * _SECTOR
    return total


def remove_folder(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


class _Version(msgspec.Struct):
    version: int = 1


def _parsed(folder: Path, content: bytes) -> Record:
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version > VERSION:
            raise ReplicaNewer(folder=folder, version=version)
        return msgspec.json.decode(content, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise ReplicaBroken(folder=folder, reason=err) from err
