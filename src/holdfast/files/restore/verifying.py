"""Read back what was restored and compare it with the point: every byte, every attribute."""

import errno
import os
import stat
from collections.abc import Sequence

from holdfast.base.ids import BlobId
from holdfast.base.texts import _
from holdfast.files.report import SkipReason
from holdfast.files.restore import content
from holdfast.files.restore.attributes import Handle, different_attributes
from holdfast.files.restore.desk import Desk, Item, kind_of
from holdfast.files.restore.messages import FolderEnd, Piece, VerifyTask, unpack_node
from holdfast.files.restore.specials import looked_at
from holdfast.files.restore.walking import Walk
from holdfast.vault.tree import Node


class Verifier:
    def __init__(self, desk: Desk, walk: Walk) -> None:
        self._desk = desk
        self._walk = walk

    def listings(self, tasks: Sequence[VerifyTask]) -> None:
        by_task = {task.folder: task.left_out for task in tasks}
        for folder, nodes in self._walk.listings([task.folder for task in tasks]):
            for item in self._walk.wanted_items(folder, nodes):
                if item.name not in by_task[folder]:
                    self._item(item)

    def folders(self, tasks: Sequence[FolderEnd]) -> None:
        for task in tasks:
            node = unpack_node(task.node)
            try:
                fd = self._desk.folders.open(task.path).fd
                self._attributes(task.path, Handle(fd), node, os.fstat(fd))
            except (OSError, ValueError) as err:
                self._desk.failed(task.path, err)

    def _item(self, item: Item) -> None:
        try:
            self._compare(item)
        except (OSError, ValueError) as err:
            self._desk.failed(item.path, err)

    def _compare(self, item: Item) -> None:
        folder = self._desk.folders.open(item.folder).fd
        status = os.stat(item.name, dir_fd=folder, follow_symlinks=False)
        if stat.S_IFMT(status.st_mode) != kind_of(item.node):
            self._different(item.path, _("another kind of item"))
            return
        match item.node.type:
            case "file":
                self._file(item, folder)
            case "symlink":
                self._symlink(item, folder, status)
            case _:
                if item.node.type != "fifo" and status.st_rdev != item.node.device:
                    self._different(item.path, _("device number"))
                with looked_at(folder, item.name) as (handle, seen):
                    self._attributes(item.path, handle, item.node, seen)

    def _file(self, item: Item, folder: int) -> None:
        node = item.node
        fd = os.open(item.name, content.READ, dir_fd=folder)
        try:
            status = os.fstat(fd)
            self._attributes(item.path, Handle(fd), node, status)
        finally:
            os.close(fd)
        if status.st_size != node.size:
            self._different(item.path, _("size"))
            return
        self._content(item, folder)

    def _content(self, item: Item, folder: int) -> None:
        blobs = [BlobId(bytes.fromhex(one)) for one in item.node.content or ()]
        pieces: list[Piece] = []
        offset = 0
        for blob in blobs:
            length = item.node.size if len(blobs) == 1 else self._desk.blobs.length(blob) or 0
            pieces.append(Piece(offset, length, blob))
            offset += length
        self._pieces(item.path, folder, item.name, pieces)

    def _pieces(self, path: bytes, folder: int, name: bytes, pieces: Sequence[Piece]) -> None:
        fd = os.open(name, content.READ, dir_fd=folder)
        try:
            for piece in pieces:
                if not content.is_right(fd, piece):
                    self._different(path, _("content from byte {at} on").format(at=piece.offset))
                    return
                self._desk.outcome.bytes_verified += piece.length
        finally:
            os.close(fd)

    def _symlink(self, item: Item, folder: int, status: os.stat_result) -> None:
        if os.readlink(item.name, dir_fd=folder) != item.node.raw_target:
            self._different(item.path, _("target of the link"))
        handle = Handle(b"/proc/self/fd/%d/%s" % (folder, item.name), follow=False)
        self._attributes(item.path, handle, item.node, status)

    def _attributes(self, path: bytes, handle: Handle, node: Node, status: os.stat_result) -> None:
        # That others may not be made owners is said once, for all.
        owners = self._desk.attributes.is_root
        different = list(different_attributes(handle, node, status, owners=owners))
        if different:
            self._different(path, ", ".join(different))

    def _different(self, path: bytes, what: str) -> None:
        detail = _("not as in the point: {what}").format(what=what)
        self._desk.problem(path, SkipReason.DAMAGED, number=errno.EIO, detail=detail)
