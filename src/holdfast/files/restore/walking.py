"""Bring back the listing of a folder: its items, the folders in it, and nothing else."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import MIB
from holdfast.files.options import Overwrite
from holdfast.files.report import SkipReason
from holdfast.files.restore.desk import Desk, Item, kind_of
from holdfast.files.restore.files import Files
from holdfast.files.restore.folders import NEW_FOLDER
from holdfast.files.restore.long_files import MEDIUM
from holdfast.files.restore.messages import FolderTask, FoundFolder, LinkedEntry, pack_node
from holdfast.files.restore.policy import (
    Choice,
    Protected,
    Selection,
    Step,
    are_plain_names,
    is_safe_name,
    joined,
    next_step,
)
from holdfast.files.restore.removal import remove
from holdfast.files.restore.specials import Specials
from holdfast.vault.pack_header import Kind
from holdfast.vault.tree import Node, parse_tree

# A listing of more files, or of more bytes in them, is cut, so that several workers share it.
_LARGE, _HEAVY = 4096, 64 * MIB
_MOST_CUTS = 8
_LINKED = _CUT = 2


# A node with its name as bytes; a plain tuple, for there is one of each item.
Named = tuple[bytes, Node]


class Walk:
    """One worker's part of the way through the trees."""

    def __init__(self, desk: Desk, *, selection: Selection, protected: Protected) -> None:
        self._desk = desk
        self._selection = selection
        self._protected = protected
        self.files = Files(desk)
        self.specials = Specials(desk)

    def visit(self, tasks: Sequence[FolderTask]) -> None:
        for task, nodes in self.listings(tasks):
            self._visit(task, nodes)
        self.files.flush()

    def listings(self, tasks: Sequence[FolderTask]) -> Iterator[tuple[FolderTask, list[Node]]]:
        """Each task with the nodes of its tree; a damaged tree is a problem of its folder."""
        by_tree: dict[bytes, list[FolderTask]] = {}
        for task in tasks:
            by_tree.setdefault(task.tree, []).append(task)
        for tree, plain in self._desk.blobs.fetch(Kind.TREE, (task.tree for task in tasks)):
            try:
                if isinstance(plain, HoldfastError):
                    raise plain
                nodes = parse_tree(tree, plain)
            except HoldfastError as err:
                for task in by_tree[tree]:
                    self._desk.damaged(task.path, err)
                continue
            for task in by_tree[tree]:
                yield task, nodes

    def place(self, item: Item, *, fresh: bool = False) -> None:
        """Restore one item that is not a folder."""
        try:
            status, step = (None, Step.CREATE) if fresh else self._what_is_there(item)
            if step is Step.KEEP:
                self._desk.outcome.kept.append(item.path)
                return
            if step is Step.REPLACE:
                self._make_way(item.folder, item.name)
        except OSError as err:
            self._desk.failed(item.path, err)
            return
        self._desk.outcome.current = item.folder
        if item.node.type == "file":
            self.files.place(item, status, step)
        else:
            self.specials.place(item, status, step)

    def wanted_items(self, task: FolderTask, nodes: Sequence[Node]) -> Iterator[Item]:
        """The items of a listing that are restored, without its folders."""
        for name, node in self._named(task, nodes[task.first : task.last]):
            is_wanted = self._choose(task, name, node) is Choice.YES
            if is_wanted and node.type not in ("dir", "socket") and kind_of(node):
                yield Item(task.path, name, node)

    def _visit(self, task: FolderTask, nodes: Sequence[Node]) -> None:
        if task.last is None and task.only is None:
            nodes = self._share(task, nodes)
        self._unlock(task)
        named = self._named(task, nodes[task.first : task.last])
        if self._desk.options.delete and task.only is None and not task.fresh:
            named = list(named)
            self._visit_nodes(task, named)
            self._remove_extras(task, {name for name, _ in named})
        else:
            self._visit_nodes(task, named)

    def _visit_nodes(self, task: FolderTask, named: Iterable[Named]) -> None:
        path, add_new = task.path, self.files.add_new
        # Nothing is in the way and nothing to be asked: what most files of a restore meet.
        plain = task.fresh and self._selection.everything and not self._desk.options.dry_run
        for name, node in named:
            if plain and node.type == "file" and node.links < _LINKED and node.content:
                add_new(Item(path, name, node), node.content)
            else:
                self._visit_node(task, name, node)

    def _unlock(self, task: FolderTask) -> None:
        """Who is not root may have to change a folder before its content; its mode comes last."""
        options = self._desk.options
        comes_back = task.wanted and options.overwrite in (Overwrite.CHANGED, Overwrite.ALWAYS)
        if not comes_back or options.dry_run or task.fresh or not task.path:
            return
        if not self._desk.attributes.is_root:
            with contextlib.suppress(OSError):  # whoever needs the folder will say so
                self._desk.folders.unlock(task.path)

    def _share(self, task: FolderTask, nodes: Sequence[Node]) -> Sequence[Node]:
        """Keep the first part of a large listing and hand the rest back."""
        parts = _parts(nodes)
        if parts < _CUT or self._desk.options.delete:
            return nodes  # what is missing from a part is not yet an extra
        step = -(-len(nodes) // parts)
        self._desk.outcome.rest += [
            task._replace(first=at, last=at + step) for at in range(step, len(nodes), step)
        ]
        return nodes[:step]

    def _named(self, task: FolderTask, nodes: Sequence[Node]) -> Iterable[Named]:
        """The nodes with safe names, each name once: a vault may be made by an enemy."""
        texts = [node.name for node in nodes]
        if task.only is None and are_plain_names(texts):
            return zip(
                [text.encode("utf-8", "surrogatepass") for text in texts], nodes, strict=True
            )
        return self._checked(task, nodes)

    def _checked(self, task: FolderTask, nodes: Iterable[Node]) -> Iterator[Named]:
        names: set[bytes] = set()
        for node in nodes:
            try:
                name = node.raw_name
            except ValueError:
                name = b""
            if is_safe_name(name) and name not in names:
                names.add(name)
                if task.only is None or name == task.only:
                    yield name, node
                continue
            self._desk.problem(
                joined(task.path, node.name.encode("utf-8", "replace")),
                SkipReason.UNSUPPORTED,
                number=errno.EINVAL,
                detail=_("a name that is no name, or that the folder has twice"),
            )

    def _choose(self, task: FolderTask, name: bytes, node: Node) -> Choice:
        if self._selection.everything and task.path:
            return Choice.YES
        path = self._desk.point_path(joined(task.path, name))
        return self._selection.choose(path, is_folder=node.type == "dir")

    def _visit_node(self, task: FolderTask, name: bytes, node: Node) -> None:
        is_folder = node.type == "dir"
        choice = self._choose(task, name, node)
        if choice is Choice.NO:
            return
        if is_folder:
            self._visit_folder(task, name, node, wanted=choice is Choice.YES)
        elif node.type == "socket":
            return  # whoever listens there makes it anew
        elif not kind_of(node):
            self._desk.problem(
                joined(task.path, name),
                SkipReason.UNSUPPORTED,
                number=errno.EOPNOTSUPP,
                detail=_("an item of the unknown kind {kind!r}").format(kind=node.type),
            )
        elif node.links > 1 and node.inode and not self._desk.options.dry_run:
            item = Item(task.path, name, node)
            inode = (node.device_id, node.inode)
            self._desk.outcome.linked.append(LinkedEntry(inode, item.task, node.type == "file"))
        else:
            self.place(Item(task.path, name, node), fresh=task.fresh)

    def _visit_folder(self, task: FolderTask, name: bytes, node: Node, *, wanted: bool) -> None:
        path = joined(task.path, name)
        try:
            tree = node.subtree_id
            fresh = self._enter(task, name) if wanted else task.fresh
        except OSError as err:
            self._desk.failed(path, err)
            return
        except ValueError as err:
            self._desk.damaged(path, str(err))
            return
        found = FolderTask(path, tree, fresh, wanted)
        self._desk.outcome.folders.append(FoundFolder(found, pack_node(node)))

    def _enter(self, task: FolderTask, name: bytes) -> bool:
        """Make sure there is such a folder, whatever is in its place; whether it is new."""
        if self._desk.options.dry_run:
            there = None if task.fresh else self._desk.status(task.path, name)
            return there is None or not stat.S_ISDIR(there.st_mode)
        folder = self._desk.folders.open(task.path, make=True)
        try:
            os.mkdir(name, NEW_FOLDER, dir_fd=folder.fd)
        except FileExistsError:
            status = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                return False
            if self._desk.options.overwrite is Overwrite.NEVER:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
            remove(folder.fd, name, recursive=False)
            os.mkdir(name, NEW_FOLDER, dir_fd=folder.fd)
        self._desk.outcome.made.append(joined(task.path, name))
        return True

    def _what_is_there(self, item: Item) -> tuple[os.stat_result | None, Step]:
        status = self._desk.status(item.folder, item.name)
        if status is None:
            return None, Step.CREATE
        same_kind = stat.S_IFMT(status.st_mode) == kind_of(item.node)
        older = status.st_mtime_ns < item.node.mtime_ns
        overwrite = self._desk.options.overwrite
        return status, next_step(overwrite, exists=True, same_kind=same_kind, older=older)

    def _make_way(self, folder: bytes, name: bytes) -> None:
        options = self._desk.options
        if not options.dry_run:
            opened = self._desk.folders.open(folder)
            remove(opened.fd, name, recursive=options.delete)

    def _remove_extras(self, task: FolderTask, names: set[bytes]) -> None:
        """Remove what the point does not have, where the point saw all there was."""
        path = self._desk.point_path(task.path)
        if not task.wanted or not self._protected.covers(path):
            return
        try:
            folder = self._desk.folders.open(task.path)
            present = map(os.fsencode, os.listdir(folder.fd))
        except OSError as err:
            if err.errno != errno.ENOENT:
                self._desk.failed(task.path, err)
            return
        for name in sorted(set(present) - names):
            self._remove_extra(task, name, folder.fd)

    def _remove_extra(self, task: FolderTask, name: bytes, folder: int) -> None:
        path = joined(task.path, name)
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            is_folder = stat.S_ISDIR(status.st_mode)
            choice = self._selection.choose(self._desk.point_path(path), is_folder=is_folder)
            if choice is not Choice.YES:
                return
            if is_folder and not self._selection.everything:
                self._remove_extras(task._replace(path=path), set())
                # What patterns protect in it stays, and so does the folder.
                with contextlib.suppress(OSError):
                    self._remove(folder, name, recursive=False)
                return
            self._remove(folder, name, recursive=True)
        except OSError as err:
            self._desk.failed(path, err)

    def _remove(self, folder: int, name: bytes, *, recursive: bool) -> None:
        if not self._desk.options.dry_run:
            remove(folder, name, recursive=recursive)
        self._desk.outcome.deleted += 1


def _parts(nodes: Sequence[Node]) -> int:
    """How many workers' portions a listing is; all share each longer file anyway."""
    size = sum([node.size for node in nodes if node.size <= MEDIUM])
    wanted = max(-(-len(nodes) // _LARGE), size // _HEAVY)
    return min(wanted, len(nodes), _MOST_CUTS)
