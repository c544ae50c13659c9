"""Take the view of a backup: a snapshot of every btrfs subvolume it reads, and where each lies.

A snapshot shows neither the subvolumes nested in it nor what is mounted below it; each of those
gets a snapshot of its own, or is read where it is.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping

import msgspec

from holdfast.base.texts import _
from holdfast.files.backup.roots import logical_roots
from holdfast.files.mounts import Mount, mount_of, read_mounts
from holdfast.files.views import btrfs
from holdfast.files.views.place import FOLDER, Place
from holdfast.files.views.rights import may_remove_snapshots

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class View(msgspec.Struct, frozen=True, kw_only=True):
    """`read_at` maps paths in the point to where they are read, with all below them.

    `devices` maps the device numbers of snapshots, new ones every time, to those they stand for.
    """

    read_at: dict[bytes, bytes] = msgspec.field(default_factory=dict)
    devices: dict[int, int] = msgspec.field(default_factory=dict)


@contextlib.contextmanager
def consistent_view(
    paths: tuple[bytes, ...], warn: Callable[[str], None], *, one_file_system: bool = False
) -> Iterator[View]:
    """A view of these paths as long as the context lasts; `warn` hears what has none, and why."""
    taking = _Taking(warn, one_file_system=one_file_system)
    try:
        for logical in logical_roots(paths):
            taking.add_root(logical)
        yield taking.view if taking.view.devices else View()
    finally:
        taking.remove()


class _Taking:
    def __init__(self, warn: Callable[[str], None], *, one_file_system: bool) -> None:
        self.view = View()
        self._warn = warn
        self._one_file_system = one_file_system
        self._mounts = {mount.point: mount for mount in read_mounts()}
        self._places: dict[bytes, Place] = {}
        self._snapshots: dict[int, bytes | None] = {}

    def add_root(self, logical: bytes) -> None:
        if not any(mount.kind == btrfs.KIND for mount in self._mounts.values()):
            return
        # Components may be links; what a root itself is stays as it is.
        folder, name = os.path.split(logical)
        real = os.path.join(os.path.realpath(folder), name) if name else logical
        if not os.path.lexists(real):
            return  # the backup itself says so
        mount = mount_of(real, list(self._mounts.values()))
        if mount is not None:
            self._add(logical, real, mount)
        self._add_below(logical, real, self._mounts)

    def remove(self) -> None:
        for place in self._places.values():
            try:
                place.remove()
            except OSError as err:
                text = _("A snapshot stays until the next backup, it cannot be removed: {reason}")
                self._warn(text.format(reason=err.strerror))
        self._places.clear()

    def _add(self, logical: bytes, real: bytes, mount: Mount) -> None:
        self.view.read_at[logical] = real
        if mount.kind != btrfs.KIND or os.path.islink(real):
            return
        try:
            self._add_subvolume(logical, real, mount)
        except OSError as err:
            self.view.read_at[logical] = real
            self._tell(real, err.strerror or str(err))

    def _add_subvolume(self, logical: bytes, real: bytes, mount: Mount) -> None:
        root = _subvolume_of(real, mount)
        if root is None:
            self._tell(real, _("the root of its subvolume is not mounted here"))
            return
        taken = self._snapshot_of(root)
        if taken is None:
            return
        self.view.read_at[logical] = taken + real[len(root.rstrip(b"/")) :]
        # Asked only now: what was nested when the snapshot was taken is still found, or gone.
        self._add_below(logical, real, dict.fromkeys(_nested(root), mount))

    def _add_below(self, logical: bytes, real: bytes, inner: Mapping[bytes, Mount]) -> None:
        for path, mount in inner.items():
            if not _is_below(path, real):
                continue
            inside = logical.rstrip(b"/") + path[len(real.rstrip(b"/")) :]
            if self._one_file_system:
                self.view.read_at[inside] = path  # only to be looked at, not to be entered
            else:
                self._add(inside, path, mount)

    def _snapshot_of(self, root: bytes) -> bytes | None:
        """Where this subvolume's snapshot lies; one for all paths in it."""
        device = os.lstat(root).st_dev
        if device not in self._snapshots:
            self._snapshots[device] = None
            self._snapshots[device] = self._taken(root, device)
        return self._snapshots[device]

    def _taken(self, root: bytes, device: int) -> bytes | None:
        with _opened(root) as source:
            if btrfs.is_read_only(source):
                return None  # it stands still by itself
            if not may_remove_snapshots():
                self._tell(root, _("only root may take and remove snapshots"))
                return None
            system = btrfs.file_system(source)
            if system not in self._places:
                self._places[system] = Place(root)
            path = self._places[system].take(source)
        self.view.devices[os.lstat(path).st_dev] = device
        return path

    def _tell(self, path: bytes, reason: str) -> None:
        text = _("{path} is read while it changes, there is no snapshot of it: {reason}")
        self._warn(text.format(path=os.fsdecode(path), reason=reason))


def _subvolume_of(path: bytes, mount: Mount) -> bytes | None:
    """The root of the subvolume a path lies in, None where it is not to be seen here."""
    while not _is_root(path):
        if path == mount.point:
            return None
        path = os.path.dirname(path)
    return path


def _nested(root: bytes) -> list[bytes]:
    with _opened(root) as subvolume:
        found = [os.path.join(root, path) for path in btrfs.nested(subvolume)]
    # Where something is mounted above one, its path leads elsewhere.
    return [path for path in found if FOLDER not in path.split(b"/") and _is_root(path)]


def _is_root(path: bytes) -> bool:
    try:
        return os.lstat(path).st_ino == btrfs.ROOT_INODE
    except OSError:
        return False


def _is_below(path: bytes, other: bytes) -> bool:
    return path != other and path.startswith(other.rstrip(b"/") + b"/")


@contextlib.contextmanager
def _opened(path: bytes) -> Iterator[int]:
    descriptor = os.open(path, _OPEN)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
