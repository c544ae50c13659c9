"""Read a point item by item without the restore engine, and compare it with what it was made of."""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from holdfast.base.ids import TreeId, blob_id_from_hex
from holdfast.files.nodes import go_mode, group_name, user_name
from holdfast.testing.survey import Entry, open_folder, survey
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository
from holdfast.vault.tree import Node, format_time

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFBLK: "dev",
    stat.S_IFCHR: "chardev",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
_DEVICES = (stat.S_IFBLK, stat.S_IFCHR)


def nodes_of(repository: Repository, tree: TreeId, below: bytes = b"/") -> dict[bytes, Node]:
    """Every node of a point by its absolute path; fails where names come twice or out of order."""
    found: dict[bytes, Node] = {}
    waiting = [(below, tree)]
    while waiting:
        folder, current = waiting.pop()
        nodes = repository.load_tree(current)
        names = [node.raw_name for node in nodes]
        assert names == sorted(set(names)), f"names of {folder!r} are not in order"
        for node in nodes:
            path = os.path.join(folder, node.raw_name)
            found[path] = node
            if node.type == "dir":
                waiting.append((path, node.subtree_id))
    return found


def content_of(repository: Repository, node: Node) -> bytes:
    return b"".join(pieces_of(repository, node))


def pieces_of(repository: Repository, node: Node) -> Iterator[bytes | bytearray]:
    """The blobs of a file, one after another."""
    for digits in node.content or ():
        yield repository.load_blob(Kind.DATA, blob_id_from_hex(digits))


def differences_from(
    source: Path, repository: Repository, tree: TreeId, *, leave_out: Collection[bytes] = ()
) -> list[str]:
    """One line for each way in which a point is not the folder it was made of.

    Everything lstat says is compared, extended attributes and every byte as well; `leave_out`
    names relative paths that are skipped with all below them.
    """
    root = os.fsencode(source)
    entries = survey(root, leave_out=frozenset(leave_out).__contains__)
    wanted = {os.path.normpath(os.path.join(root, path)): entry for path, entry in entries.items()}
    nodes = nodes_of(repository, tree)
    found = {path: node for path, node in nodes.items() if (path + b"/").startswith(root + b"/")}
    lines = [f"{path!r} is missing" for path in sorted(wanted.keys() - found.keys())]
    lines += [f"{path!r} is too much" for path in sorted(found.keys() - wanted.keys())]
    for path in sorted(wanted.keys() & found.keys()):
        entry, node = wanted[path], found[path]
        lines += [f"{path!r}: {line}" for line in _node_lines(entry, node)]
        if entry.kind == stat.S_IFREG:
            inside = os.path.relpath(path, root)
            lines += [
                f"{path!r}: {line}" for line in _content_lines(root, inside, repository, node)
            ]
    return lines


def _node_lines(entry: Entry, node: Node) -> Iterator[str]:
    status = entry.status
    is_folder = entry.kind == stat.S_IFDIR
    pairs = {
        "type": (_TYPES[entry.kind], node.type),
        "mode": (go_mode(status.st_mode), node.mode),
        "uid": (status.st_uid, node.uid),
        "gid": (status.st_gid, node.gid),
        "user": (user_name(status.st_uid), node.user),
        "group": (group_name(status.st_gid), node.group),
        "mtime": (format_time(status.st_mtime_ns), node.mtime),
        "ctime": (format_time(status.st_ctime_ns), node.ctime),
        "inode": (status.st_ino, node.inode),
        "links": (0 if is_folder else status.st_nlink, node.links),
        "size": (status.st_size if entry.kind == stat.S_IFREG else 0, node.size),
        "device": (status.st_rdev if entry.kind in _DEVICES else 0, node.device),
        "target": (entry.target or b"", node.raw_target),
        "xattrs": (
            dict(entry.xattrs),
            {each.name: each.value or b"" for each in node.extended_attributes},
        ),
    }
    if not is_folder and status.st_nlink > 1:
        pairs["device of a hard link"] = (status.st_dev, node.device_id)
    for aspect, (left, right) in pairs.items():
        if left != right:
            yield f"{aspect} is {right!r} instead of {left!r}"


def _content_lines(root: bytes, path: bytes, repository: Repository, node: Node) -> Iterator[str]:
    parent, name = os.path.split(path)
    with open_folder(root, parent) as folder:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    at = 0
    with open(descriptor, "rb") as source:
        for piece in pieces_of(repository, node):
            if source.read(len(piece)) != piece:
                yield f"content differs between {at} and {at + len(piece)}"
                return
            at += len(piece)
        if source.read(1) or at != node.size:
            yield f"content ends at {at}"
