"""What is protected: the roots, the folders above them, and the tree that holds them all."""

import os
import stat
from collections.abc import Callable
from errno import ENOENT
from itertools import count

import msgspec

from holdfast.base.ids import TreeId
from holdfast.files.backup.messages import NO_RECORD, FolderTask
from holdfast.files.errors import NothingToProtect
from holdfast.files.nodes import PackedStatus, Status, make_node, read_attributes
from holdfast.vault.tree import Node, encode_nodes, parse_tree

# Stores the tree of some encoded nodes.
Put = Callable[[list[bytes]], TreeId]


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """One protected path: where it is in the point, and where it is read."""

    logical: bytes
    physical: bytes
    is_folder: bool
    inode: int
    device: int

    @property
    def folder(self) -> bytes:
        """The folder whose listing it takes: its own, or that of the file."""
        return self.logical if self.is_folder else os.path.dirname(self.logical)

    def task(self, record: int = NO_RECORD) -> FolderTask:
        physical = self.physical if self.is_folder else os.path.dirname(self.physical)
        names = None if self.is_folder else [os.path.basename(self.logical)]
        return FolderTask(0, self.folder, physical, record, self.device, (), names)


def find_roots(
    paths: tuple[bytes, ...],
    read_at: dict[bytes, bytes],
    devices: dict[int, int],
    on_missing: Callable[[bytes, OSError], None],
) -> list[Root]:
    """The roots, without those that lie in another; `read_at` redirects to snapshots.

    A path that is missing does not keep the others from their backup, as long as there are others.
    """
    roots = logical_roots(paths)
    found: list[Root] = []
    for path in roots:
        try:
            found.append(_root(path, read_at.get(path, path), devices))
        except OSError as err:
            if len(roots) == 1:
                raise NothingToProtect(path=os.fsdecode(path), reason=err.strerror) from err
            on_missing(path, err)
    if not found:
        raise NothingToProtect(path=os.fsdecode(b" ".join(paths)), reason=os.strerror(ENOENT))
    for path in {os.path.abspath(path) for path in paths}.difference(roots):
        try:
            os.lstat(path)
        except OSError as err:
            on_missing(path, err)
    return found


def logical_roots(paths: tuple[bytes, ...]) -> list[bytes]:
    """Where the roots will be in the point."""
    # POSIX keeps two slashes at the start apart from one; Linux does not.
    logical = sorted({b"/" + os.path.abspath(path).lstrip(b"/") for path in paths})
    return [
        path
        for path in logical
        if not any(path != other and _is_below(path, other) for other in logical)
    ]


def _is_below(path: bytes, other: bytes) -> bool:
    return path.startswith(other.rstrip(b"/") + b"/")


def _root(logical: bytes, physical: bytes, devices: dict[int, int]) -> Root:
    status = os.lstat(physical)
    return Root(
        logical=logical,
        physical=physical,
        is_folder=stat.S_ISDIR(status.st_mode),
        inode=status.st_ino,
        device=devices.get(status.st_dev, status.st_dev),
    )


class _Level(msgspec.Struct):
    """A folder above the roots, or a root."""

    below: "dict[bytes, _Level]" = msgspec.field(default_factory=dict)
    nodes: bytes | None = None
    root: Root | None = None


def top_tree(done: list[tuple[Root, bytes]], extra: list[Node], put: Put) -> TreeId:
    """The tree of the whole point; `done` are roots with the encoded nodes of their listing."""
    top = _Level()
    for root, nodes in done:
        level = top
        for name in filter(None, root.logical.split(b"/")):
            level = level.below.setdefault(name, _Level())
        level.nodes, level.root = nodes, root
    return _put(top, b"/", extra, put)


def _put(level: _Level, path: bytes, extra: list[Node], put: Put) -> TreeId:
    if level.nodes is not None:
        if not extra:
            return put([level.nodes])
        nodes = parse_tree(TreeId(b""), b'{"nodes":[' + level.nodes + b"]}")
    else:
        nodes = []
        for name, below in level.below.items():
            nodes += _node(name, os.path.join(path, name), below, put)
    nodes = sorted(nodes + _renamed(extra, nodes), key=lambda node: node.raw_name)
    return put([encode_nodes(nodes)])


def _renamed(extra: list[Node], nodes: list[Node]) -> list[Node]:
    """Our own under names that are free: somebody may have restored them to where they were."""
    taken = {node.raw_name for node in nodes}
    for node in extra:
        name = node.name
        for number in count(2):
            if node.raw_name not in taken:
                break
            node.name = f"{name}-{number}"
    return extra


def _node(name: bytes, path: bytes, level: _Level, put: Put) -> list[Node]:
    if level.root is not None and not level.root.is_folder:
        # Empty where the file could not be read.
        return parse_tree(TreeId(b""), b'{"nodes":[' + (level.nodes or b"") + b"]}")
    # A link above a root stands for the folder it leads to, or nothing could lie below it.
    read_at = level.root.physical if level.root is not None else os.path.realpath(path)
    node = make_node(name, _folder_status(read_at, level), attributes=read_attributes(read_at))
    node.subtree = _put(level, path, [], put).hex()
    return [node]


def _folder_status(path: bytes, level: _Level) -> Status:
    try:
        # Above a root there may be links; in the point there are folders only.
        return os.stat(path)
    except OSError:
        # Gone since it was read: what was in it still needs a place.
        inode = level.root.inode if level.root is not None else 0
        return PackedStatus(stat.S_IFDIR | 0o700, inode, 1, 0, 0, 0, 0, 0, 0)
