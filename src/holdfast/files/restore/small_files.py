"""Restore files of at most one blob: made, filled and finished in one go, in the order of packs."""

import contextlib
import os
import stat

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId
from holdfast.base.units import MIB
from holdfast.files.restore import content
from holdfast.files.restore.attributes import Handle
from holdfast.files.restore.desk import Desk, Item
from holdfast.files.restore.messages import Piece
from holdfast.files.restore.removal import remove
from holdfast.vault.pack_header import Kind

# How much waits for its blobs, so that these are read in the order in which they lie.
_WINDOW_BYTES, _WINDOW_FILES = 16 * MIB, 2048
PRIVATE = 0o600


class SmallFiles:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[BlobId, list[Item]] = {}
        self._bytes = self._count = 0

    def wait_for(self, blob: BlobId, item: Item) -> None:
        """Write the file with the next window."""
        self._waiting.setdefault(blob, []).append(item)
        self._count += 1
        self._bytes += item.node.size
        if self._bytes > _WINDOW_BYTES or self._count >= _WINDOW_FILES:
            self.flush()

    def flush(self) -> None:
        """Write the files that wait."""
        waiting, self._waiting = self._waiting, {}
        self._bytes = self._count = 0
        for blob, plain in self._desk.blobs.fetch(Kind.DATA, waiting):
            for item in waiting[blob]:
                if isinstance(plain, HoldfastError):
                    self._desk.damaged(item.path, plain)
                else:
                    self.write_new(item, plain)

    def write_new(self, item: Item, plain: bytes | bytearray) -> None:
        """Make the file with all it has, in the fewest system calls.

        Most of the time of a restore of small files goes by here, so little is called.
        """
        desk = self._desk
        path, name, node = item
        try:
            folder = desk.folders.open(path, make=True)
            mode = node.mode & 0o777
            if node.extended_attributes and not desk.attributes.is_root:
                mode = PRIVATE  # a read-only file would take no attributes from us
            fd = create(folder.fd, name, mode)
            try:
                written = content.write_whole(fd, plain, sparse=desk.options.sparse)
                troubles = desk.attributes.new_file(fd, node, folder, mode)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=folder.fd)
                raise
            finally:
                os.close(fd)
        except (OSError, ValueError) as err:
            desk.failed(item.path, err)
            return
        if troubles:
            desk.troubles(item.path, troubles)
        if len(plain) != node.size:
            desk.wrong_size(item, len(plain))
        outcome = desk.outcome
        outcome.bytes_written += written
        outcome.files += 1
        outcome.bytes_total += node.size

    def is_unchanged(self, item: Item, blobs: list[BlobId]) -> bool:
        """Compare a file in place, and bring its attributes if its content is right."""
        desk = self._desk
        try:
            folder = desk.folders.open(item.folder)
            fd = os.open(item.name, content.READ, dir_fd=folder.fd)
        except OSError:
            return False  # what cannot be read is written anew
        try:
            status = os.fstat(fd)
            if not _holds(fd, status, item.node.size, blobs):
                return False
            if not desk.options.dry_run:
                desk.bring(Handle(fd), item, status)
        except OSError:
            return False
        finally:
            os.close(fd)
        return True


def _holds(fd: int, status: os.stat_result, size: int, blobs: list[BlobId]) -> bool:
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    return all(content.is_right(fd, Piece(0, size, blob)) for blob in blobs)


def create(folder: int, name: bytes, mode: int) -> int:
    """Make a new file, in the place of an old one if there is one."""
    try:
        return os.open(name, content.NEW_FILE, mode, dir_fd=folder)
    except FileExistsError:
        remove(folder, name, recursive=False)
        return os.open(name, content.NEW_FILE, mode, dir_fd=folder)
