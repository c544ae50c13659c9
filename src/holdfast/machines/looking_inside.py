"""The files of a volume in a point, mounted for reading, without a kernel's NBD.

The volume is served by us, QEMU's storage daemon makes a file of it, a loop device a disk of
that. Above it lies an image for what a journal has to put right: the vault is only read.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from holdfast.base.clock import Clock
from holdfast.base.programs import administrators_path, last_words, run_tool
from holdfast.disks import images
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_server import NbdServer
from holdfast.disks.serving import mounted_image
from holdfast.machines.errors import ImageExists, unwritable
from holdfast.machines.inside_errors import (
    InsideNeedsRoot,
    InsideNotCopied,
    InsidePathMissing,
    VolumeUnreadable,
)
from holdfast.machines.look_scratch import ABOVE, look_scratch
from holdfast.machines.private_mounts import private_mounts
from holdfast.machines.volumes import Volume

_ENVIRONMENT = {"LC_ALL": "C", "PATH": administrators_path({})}
_OPTIONS = "ro,nodev,nosuid,noexec"
# The machine itself may have the same one mounted.
_MORE = {"xfs": ",nouuid"}
_MOST_LINKS = 40
_PARTIAL = ".holdfast-partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file or folder of a volume; `link` is where a symbolic link leads."""

    name: str
    mode: int
    size: int
    mtime: float
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    path: str
    files: int
    bytes: int


@contextlib.contextmanager
def opened_volume(volume: Volume, *, clock: Clock) -> Iterator[Path]:
    """The root of its file system; nobody else sees it, and nothing of it stays."""
    if not volume.content.is_file_system:
        raise VolumeUnreadable(volume=volume.name, reason=volume.content.kind or "unknown content")
    with (
        private_mounts(),
        look_scratch() as scratch,
        _as_file(volume, scratch, clock) as file,
        _mounted(volume, file, scratch / "files") as root,
    ):
        yield root


@contextlib.contextmanager
def _as_file(volume: Volume, scratch: Path, clock: Clock) -> Iterator[Path]:
    socket, above = scratch / "nbd", scratch / ABOVE
    with NbdServer({"": volume.source}, socket):
        below = images.nbd_uri(UnixAddress(path=socket))
        images.create(above, volume.size, backing=below, backing_format="raw")
        with mounted_image(
            above, scratch / "disk", format_="qcow2", clock=clock, is_writable=True, is_bound=True
        ) as file:
            yield file


@contextlib.contextmanager
def _mounted(volume: Volume, file: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    done = _run("losetup", "--find", "--show", str(file))
    if done[0]:
        raise InsideNeedsRoot(reason=done[1])
    device = done[1].strip()
    try:
        kind = volume.content.kind
        options = _OPTIONS + _MORE.get(kind, "")
        status, said = _run("mount", "-t", kind, "-o", options, device, str(folder))
    finally:
        # From now on it goes with its mount, whoever ends that.
        _run("losetup", "--detach", device)
    if status:
        raise VolumeUnreadable(volume=volume.name, reason=said)
    try:
        yield folder
    finally:
        _run("umount", str(folder))


def _run(*words: str) -> tuple[int, str]:
    done = run_tool(words, environment=_ENVIRONMENT)
    return done.status, last_words(done.said)


def resolve(root: Path, path: str, *, volume: str) -> Path:
    """The place of a path, where links lead as they do in the machine: never out of its root."""
    parts = [*reversed(PurePosixPath("/", path).parts[1:])]
    at, links = root, 0
    while parts:
        part = parts.pop()
        if part == "..":
            at = at if at == root else at.parent
            continue
        at = at / part
        # The last one is meant itself.
        if not parts or not at.is_symlink():
            continue
        links += 1
        if links > _MOST_LINKS:
            raise InsidePathMissing(path=path, volume=volume)
        target = PurePosixPath(os.readlink(at))
        at = root if target.is_absolute() else at.parent
        parts += [each for each in reversed(target.parts) if each != "/"]
    if not os.path.lexists(at):
        raise InsidePathMissing(path=path, volume=volume)
    return at


def list_items(root: Path, path: str, *, volume: str) -> list[Item]:
    """What is in a folder, or the item itself where it is none."""
    place = resolve(root, path, volume=volume)
    if is_folder(place):
        return [item_at(each) for each in sorted(place.iterdir())]
    return [item_at(place)]


def is_folder(path: Path) -> bool:
    """Itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def item_at(path: Path) -> Item:
    status = path.lstat()
    is_link = stat.S_ISLNK(status.st_mode)
    return Item(
        name=path.name,
        mode=status.st_mode,
        size=status.st_size,
        mtime=status.st_mtime,
        link=os.readlink(path) if is_link else "",
    )


def copy_out(root: Path, path: str, folder: Path, *, volume: str) -> Copied:
    """With owners, modes, times, links and holes; whole or not at all."""
    place = resolve(root, path, volume=volume)
    target = folder / (volume if place == root else place.name)
    if os.path.lexists(target):
        raise ImageExists(path=str(target))
    # Its own name may be as long as a name can be.
    partial = folder / f".{sha256(os.fsencode(target.name)).hexdigest()[:16]}{_PARTIAL}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        words = ("cp", "--archive", "--sparse=always", "--no-target-directory", "--")
        status, said = _run(*words, str(place), str(partial))
        if status:
            raise InsideNotCopied(path=path, target=target, reason=said)
        os.rename(partial, target)
    except OSError as err:
        raise unwritable(str(target), err) from err
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)
    return _counted(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _counted(target: Path) -> Copied:
    files = [target] if not target.is_dir() or target.is_symlink() else _files(target)
    return Copied(
        path=str(target), files=len(files), bytes=sum(each.lstat().st_size for each in files)
    )


def _files(folder: Path) -> Sequence[Path]:
    return [Path(above, name) for above, _folders, names in os.walk(folder) for name in names]
