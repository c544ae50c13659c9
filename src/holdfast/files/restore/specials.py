"""Restore what is neither file nor folder: symbolic links, pipes, devices, further names."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from holdfast.base.texts import _
from holdfast.files.nodes import unix_mode
from holdfast.files.restore.attributes import Handle
from holdfast.files.restore.desk import Desk, Item, kind_of
from holdfast.files.restore.messages import LinkTask, unpack_node
from holdfast.files.restore.policy import Step, next_step
from holdfast.files.restore.removal import remove

# What file systems say that have no hard links, or not as many.
_NO_LINKS = (errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV)
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Specials:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def place(self, item: Item, status: os.stat_result | None, step: Step) -> None:
        if not self._desk.options.dry_run:
            try:
                self._place(item, status, step)
            except (OSError, ValueError, OverflowError) as err:
                self._desk.failed(item.path, err if isinstance(err, OSError) else ValueError(err))
                return
        self._desk.outcome.others += 1

    def link(self, task: LinkTask) -> bool:
        """Make a further name, unless it is one already; False where it must become an own item."""
        desk, entry = self._desk, task.entry
        item = Item(entry.folder, entry.name, unpack_node(entry.node))
        try:
            done = self._linked(task, item)
        except OSError as err:
            if err.errno in _NO_LINKS:
                desk.failed(item.path, err, what=_("restored as an item of its own"))
                return False
            desk.failed(item.path, err)
            return True
        if done and item.node.type == "file":
            desk.count_file(item, unchanged=done is Step.COMPARE)
        elif done:
            desk.outcome.others += 1
        return True

    def _linked(self, task: LinkTask, item: Item) -> Step | None:
        """COMPARE where it was a name of the item already, None where another item was kept."""
        folders = self._desk.folders
        source = os.stat(task.name, dir_fd=folders.open(task.folder).fd, follow_symlinks=False)
        there = self._desk.status(item.folder, item.name)
        if there is not None and os.path.samestat(there, source):
            return Step.COMPARE
        if there is not None:
            older = there.st_mtime_ns < item.node.mtime_ns
            step = next_step(self._desk.options.overwrite, exists=True, older=older)
            if step is Step.KEEP:
                self._desk.outcome.kept.append(item.path)
                return None
            opened = folders.open(item.folder)
            remove(opened.fd, item.name, recursive=self._desk.options.delete)
        into, source_folder = folders.open(item.folder, make=True), folders.open(task.folder)
        os.link(
            task.name,
            item.name,
            src_dir_fd=source_folder.fd,
            dst_dir_fd=into.fd,
            follow_symlinks=False,
        )
        return Step.CREATE

    def _place(self, item: Item, status: os.stat_result | None, step: Step) -> None:
        folder = self._desk.folders.open(item.folder, make=True).fd
        if status is not None and step in (Step.COMPARE, Step.REWRITE):
            if not self._is_same(item, folder, status):
                remove(folder, item.name, recursive=False)
                status = None
        else:
            status = None
        if status is None:
            self._make(item, folder)
        self._finish(item, folder)

    def _is_same(self, item: Item, folder: int, status: os.stat_result) -> bool:
        if status.st_nlink > max(1, item.node.links):
            return False
        match item.node.type:
            case "symlink":
                return os.readlink(item.name, dir_fd=folder) == item.node.raw_target
            case "dev" | "chardev":
                return status.st_rdev == item.node.device
            case _:
                return True

    def _make(self, item: Item, folder: int) -> None:
        node = item.node
        if node.type == "symlink":
            os.symlink(node.raw_target, item.name, dir_fd=folder)
            return
        mode = unix_mode(node.mode) & 0o777 | kind_of(node)
        os.mknod(item.name, mode, node.device, dir_fd=folder)

    def _finish(self, item: Item, folder: int) -> None:
        if item.node.type == "symlink":
            path = b"/proc/self/fd/%d/%s" % (folder, item.name)
            status = os.stat(item.name, dir_fd=folder, follow_symlinks=False)
            self._desk.bring(Handle(path, follow=False), item, status)
            return
        # A name could become a link between two calls; a descriptor stays what it is.
        with looked_at(folder, item.name) as (handle, status):
            if stat.S_IFMT(status.st_mode) == kind_of(item.node):
                self._desk.bring(handle, item, status)


@contextlib.contextmanager
def looked_at(folder: int, name: bytes) -> Iterator[tuple[Handle, os.stat_result]]:
    """A handle on an item that is not opened: opening a pipe waits, opening a device acts."""
    descriptor = os.open(name, _LOOK, dir_fd=folder)
    try:
        yield Handle(b"/proc/self/fd/%d" % descriptor), os.fstat(descriptor)
    finally:
        os.close(descriptor)
