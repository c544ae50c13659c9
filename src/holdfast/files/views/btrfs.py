"""What btrfs is asked: take and remove snapshots, and say which subvolumes lie where.

Numbers and layouts are those of linux/btrfs.h; the kernel keeps them for ever.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator

KIND = b"btrfs"
# The inode of every subvolume's root, and of the empty folder a snapshot has in place of one.
ROOT_INODE, PLACEHOLDER_INODE = 256, 2

_DESTROY, _CREATE, _FLAGS = 0x5000940F, 0x50009417, 0x80089419
_INFO, _CHILDREN, _PATH_OF = 0x8400941F, 0xD000943D, 0xD000943E
_READ_ONLY = 1 << 1
_BLOCK = 4096  # size of all arguments but two
_INFO_BYTES, _ID_AT, _ID_BYTES = 1024, 16, 16
_CREATE_HEAD = struct.Struct("=qQQ32x")  # source, transaction, flags, room for quota groups
_CHILD = struct.Struct("=QQ")  # subvolume, inode of the folder it lies in
_COUNT_AT = 8 + 255 * _CHILD.size
_NAME_AT, _PATH_AT = 16, 16 + 256


def snapshot(source: int, folder: int, name: bytes) -> None:
    """Take a read-only snapshot of the subvolume whose root is open as `source`."""
    head = _CREATE_HEAD.pack(source, 0, _READ_ONLY)
    fcntl.ioctl(folder, _CREATE, bytearray((head + name).ljust(_BLOCK, b"\0")))


def destroy(folder: int, name: bytes) -> None:
    """Remove a subvolume with all that is in it."""
    fcntl.ioctl(folder, _DESTROY, bytearray((bytes(8) + name).ljust(_BLOCK, b"\0")))


def is_read_only(subvolume: int) -> bool:
    flags = bytearray(8)
    fcntl.ioctl(subvolume, _FLAGS, flags)
    return bool(int.from_bytes(flags, "little") & _READ_ONLY)


def file_system(descriptor: int) -> bytes:
    """The id of the file system, the same at all its mounts."""
    found = bytearray(_INFO_BYTES)
    fcntl.ioctl(descriptor, _INFO, found)
    return bytes(found[_ID_AT : _ID_AT + _ID_BYTES])


def nested(subvolume: int) -> Iterator[bytes]:
    """Yield the paths of subvolumes directly in this one, relative to its root."""
    for child, folder in _children(subvolume):
        try:
            yield _path_of(subvolume, child, folder)
        except FileNotFoundError:
            continue  # deleted meanwhile


def _children(subvolume: int) -> Iterator[tuple[int, int]]:
    least = 0
    while True:
        found = bytearray(_BLOCK)
        struct.pack_into("=Q", found, 0, least)
        is_more = False
        try:
            fcntl.ioctl(subvolume, _CHILDREN, found)
        except OSError as err:
            is_more = err.errno == errno.EOVERFLOW
            if not is_more:
                raise
        yield from _CHILD.iter_unpack(found[8 : 8 + found[_COUNT_AT] * _CHILD.size])
        if not is_more:
            return
        (least,) = struct.unpack_from("=Q", found)


def _path_of(subvolume: int, child: int, folder: int) -> bytes:
    found = bytearray(_BLOCK)
    _CHILD.pack_into(found, 0, folder, child)
    fcntl.ioctl(subvolume, _PATH_OF, found)
    return os.path.join(_text(found[_PATH_AT:]), _text(found[_NAME_AT:_PATH_AT]))


def _text(padded: bytearray) -> bytes:
    return bytes(padded).partition(b"\0")[0]
