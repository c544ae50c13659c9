"""What the parts of one worker share: options, open folders, blobs, and where to note things."""

import errno
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.files.options import RestoreOptions
from holdfast.files.report import Skipped, SkipReason, reason_of
from holdfast.files.restore.attributes import Attributes, Handle, Trouble
from holdfast.files.restore.errors import raise_if_fatal
from holdfast.files.restore.folders import Folders
from holdfast.files.restore.messages import EntryTask, Outcome, pack_node
from holdfast.files.restore.policy import joined
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.tree import Node


class Item(NamedTuple):
    """One item that is not a folder, at its place below the target."""

    folder: bytes
    name: bytes
    node: Node

    @property
    def path(self) -> bytes:
        return joined(self.folder, self.name)

    @property
    def task(self) -> EntryTask:
        return EntryTask(self.folder, self.name, pack_node(self.node))


class Desk:
    """One worker's. `prefix` is the part of the point that the target stands for."""

    def __init__(self, *, options: RestoreOptions, root: int, blobs: Blobs, prefix: bytes) -> None:
        self.options = options
        self.blobs = blobs
        self.outcome = Outcome()
        self.attributes = Attributes(owner_refused=self._owner_refused)
        self.folders = Folders(root, made=self._made)
        self._prefix = prefix

    def status(self, folder: bytes, name: bytes) -> os.stat_result | None:
        """What stands at a place now; None for nothing."""
        try:
            opened = self.folders.open(folder)
            return os.stat(name, dir_fd=opened.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def point_path(self, path: bytes) -> bytes:
        return joined(self._prefix, path) if path else self._prefix

    def bring(self, handle: Handle, item: Item, status: os.stat_result) -> None:
        """Give an item that is there the attributes of its node."""
        self.troubles(item.path, self.attributes.bring(handle, item.node, status))

    def count_file(self, item: Item, *, unchanged: bool = False) -> None:
        self.outcome.files += 1
        self.outcome.files_unchanged += unchanged
        self.outcome.bytes_total += item.node.size

    def failed(self, path: bytes, err: OSError | ValueError, what: str = "") -> None:
        """Note what one item suffered; raise where all others would suffer the same."""
        if not isinstance(err, OSError):
            # A time or number in the vault that is none.
            err = OSError(errno.EINVAL, str(err))
        raise_if_fatal(err, self.options.target)
        number = err.errno or errno.EIO
        detail = err.strerror or str(err)
        if what:
            detail = _("{what}: {reason}").format(what=what, reason=detail)
        self.problem(path, reason_of(number), number=number, detail=detail)

    def damaged(self, path: bytes, reason: HoldfastError | str) -> None:
        self.problem(path, SkipReason.DAMAGED, number=errno.EIO, detail=str(reason))

    def wrong_size(self, item: Item, found: int) -> None:
        sentence = _("its blobs hold {found} bytes, {wanted} were expected")
        self.damaged(item.path, sentence.format(found=found, wanted=item.node.size))

    def problem(self, path: bytes, reason: SkipReason, *, number: int, detail: str) -> None:
        self.outcome.problems.append(
            Skipped(path=b"/" + self.point_path(path), errno=number, reason=reason, detail=detail)
        )

    def troubles(self, path: bytes, troubles: Iterable[Trouble]) -> None:
        """One problem per item, whatever number of attributes could not be brought."""
        found = list(troubles)
        if not found:
            return
        for trouble in found:
            raise_if_fatal(trouble.error, self.options.target)
        names = ", ".join(dict.fromkeys(trouble.what for trouble in found))
        detail = _("not restored: {attributes}").format(attributes=names)
        self.failed(path, found[0].error, what=detail)

    def _made(self, path: bytes) -> None:
        self.outcome.made.append(path)

    def _owner_refused(self) -> None:
        self.outcome.owners_refused += 1


_KINDS = {
    "file": stat.S_IFREG,
    "dir": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "dev": stat.S_IFBLK,
    "chardev": stat.S_IFCHR,
    "fifo": stat.S_IFIFO,
}


def kind_of(node: Node) -> int:
    """The type bits of st_mode; 0 for what cannot be restored."""
    return _KINDS.get(node.type, 0)
