"""What stat() says about everything in a mount."""

import stat
from dataclasses import dataclass
from hashlib import blake2b

from holdfast.files.mount.tree import Link, Point, Shelf
from holdfast.files.nodes import unix_mode
from holdfast.vault.tree import Node, parse_time

_KINDS = {
    "file": stat.S_IFREG,
    "dir": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "dev": stat.S_IFBLK,
    "chardev": stat.S_IFCHR,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}
_BLOCK, _SECTOR = 4096, 512
_READ_ONLY_FOLDER = stat.S_IFDIR | 0o555
_ANYBODYS_LINK = stat.S_IFLNK | 0o777

Attributes = dict[str, int]
What = Shelf | Point | Link | Node


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the mount: what it is, its inode number, and the seed of its point's links."""

    what: What
    inode: int
    seed: bytes = b""


def root_item(shelf: Shelf) -> Item:
    return Item(shelf, 1)


def child_item(parent: Item, name: bytes, what: What) -> Item:
    """The item of that name below `parent`; names of one hard link share their inode number."""
    match what:
        case Point():
            # The same point is the same folder, whichever way leads to it.
            seed = bytes.fromhex(what.snapshot.id)
            return Item(what, _number(seed), seed)
        case Node() if what.links > 1 and what.inode and what.type != "dir":
            origin = what.device_id.to_bytes(8, "little") + what.inode.to_bytes(8, "little")
            return Item(what, _number(parent.seed + origin), parent.seed)
        case _:
            return Item(what, _number(parent.inode.to_bytes(8, "little") + name), parent.seed)


def _number(origin: bytes) -> int:
    return int.from_bytes(blake2b(origin, digest_size=8).digest(), "little") or 1


def mode_of(item: Item) -> int:
    """File type and permissions."""
    match item.what:
        case Node() as node:
            # What restic could not name shows as an empty file rather than not at all.
            return _KINDS.get(node.type, stat.S_IFREG) | unix_mode(node.mode)
        case Link():
            return _ANYBODYS_LINK
        case _:
            return _READ_ONLY_FOLDER


def attributes_of(item: Item) -> Attributes:
    """The fields of struct stat that differ from zero."""
    match item.what:
        case Node() as node:
            return _node_attributes(node, item)
        case Shelf(mtime_ns=moment):
            return _plain(item, moment, 0)
        case Point(snapshot=snapshot):
            return _plain(item, int(snapshot.taken_at.timestamp()) * 10**9, 0)
        case Link(target=target):
            return _plain(item, 0, len(target))


def target_of(item: Item) -> bytes | None:
    """Where a symlink points; None for all else."""
    match item.what:
        case Link(target=target):
            return target
        case Node(type="symlink") as node:
            return node.raw_target
        case _:
            return None


def _plain(item: Item, moment: int, size: int) -> Attributes:
    times = dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), moment)
    return times | {
        "st_ino": item.inode,
        "st_mode": mode_of(item),
        "st_nlink": 1,
        "st_size": size,
    }


def _node_attributes(node: Node, item: Item) -> Attributes:
    size = len(node.raw_target) if node.type == "symlink" else node.size
    return {
        "st_ino": item.inode,
        "st_mode": mode_of(item),
        # 1 on a folder tells programs not to count subfolders by it.
        "st_nlink": max(node.links, 1) if node.type != "dir" else 1,
        "st_uid": node.uid,
        "st_gid": node.gid,
        "st_rdev": node.device,
        "st_size": size,
        "st_blksize": _BLOCK,
        "st_blocks": -(-size // _SECTOR),
        "st_atime": parse_time(node.atime),
        "st_mtime": parse_time(node.mtime),
        "st_ctime": parse_time(node.ctime),
    }
