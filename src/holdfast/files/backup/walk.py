"""List a folder: what is in it, what of that stays out, and which sub-folders are not entered."""

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from holdfast.files.backup.messages import FolderTask
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.excludes import CACHE_TAG, Rules, is_cache_tag, read_patterns
from holdfast.files.nodes import pack_status

# To go there is enough: a folder may be entered that may not be listed.
_OPEN_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# The kernel takes no longer path in one call.
_LONGEST_PATH = 4000
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_TAG_BYTES = 64
_MOST_PATTERN_BYTES = 1 << 20
# Of the empty folder a btrfs snapshot shows in place of a subvolume; no real file there has it.
_PLACEHOLDER_INODE = 2

OnSkip = Callable[[bytes, OSError], None]


class Listing(NamedTuple):
    entries: list[tuple[bytes, os.stat_result]]
    rules: tuple[bytes, ...]  # of ignore files here and above
    closed: frozenset[bytes]  # sub-folders that stay empty
    elsewhere: dict[bytes, bytes]  # where entries are read that are not below this folder

    def packed(self) -> list[bytes]:
        """Names and statuses as the file cache keeps them."""
        return [piece for name, status in self.entries for piece in (name, pack_status(status))]


def enter(path: bytes) -> None:
    """Make this folder the working directory, however long its path is."""
    if len(path) < _LONGEST_PATH:
        _change_to(path)
        return
    _change_to(b"/")
    for step in _steps(path):
        _change_to(step)


def list_folder(task: FolderTask, settings: WorkerSettings, on_skip: OnSkip) -> Listing:
    """The entries of the working directory, which is the task's, sorted by name."""
    names = task.names if task.names is not None else os.listdir(b".")
    rules, carried = _rules_here(task, names, settings)
    names = _kept(task, names, rules, settings)
    elsewhere = settings.elsewhere.get(task.logical, {})
    entries = _statuses(sorted(names), elsewhere, on_skip)
    if settings.larger_than is not None:
        entries = [entry for entry in entries if not _is_too_large(entry[1], settings.larger_than)]
    if settings.hollow_devices:
        entries = [entry for entry in entries if not _is_hollow(entry[1], settings)]
    return Listing(entries, carried, _closed(task, entries, settings), elsewhere)


def _statuses(
    names: list[bytes], elsewhere: dict[bytes, bytes], on_skip: OnSkip
) -> list[tuple[bytes, os.stat_result]]:
    entries = []
    lstat = os.lstat  # this loop is most of what an unchanged folder costs
    for name in names:
        try:
            entries.append((name, lstat(elsewhere.get(name, name) if elsewhere else name)))
        except OSError as err:
            on_skip(name, err)
    return entries


def _rules_here(
    task: FolderTask, names: list[bytes], settings: WorkerSettings
) -> tuple[Rules, tuple[bytes, ...]]:
    """All that holds here, and what of it the tasks for the folders below must carry."""
    carried = task.rules
    for wanted in settings.ignore_names:
        if os.fsencode(wanted) in names:
            carried += _patterns_of(os.fsencode(wanted), task.logical)
    own = tuple(pattern.decode("utf-8", "surrogateescape") for pattern in carried)
    return Rules(_rules_of_root(task.logical, settings).patterns + own), carried


def _rules_of_root(folder: bytes, settings: WorkerSettings) -> Rules:
    for root, rules in settings.rules.items():
        if folder == root or folder.startswith(root.rstrip(b"/") + b"/"):
            return rules
    return Rules()


def _patterns_of(ignore_file: bytes, folder: bytes) -> tuple[bytes, ...]:
    content = _content(ignore_file, _MOST_PATTERN_BYTES + 1)
    if len(content) > _MOST_PATTERN_BYTES:
        # Not what it seems; and the beginning alone might exclude what the rest takes back.
        return ()
    rules = Rules().with_patterns(read_patterns(content), folder, inside=True)
    return tuple(pattern.encode("utf-8", "surrogateescape") for pattern in rules.patterns)


def _kept(
    task: FolderTask, names: list[bytes], rules: Rules, settings: WorkerSettings
) -> list[bytes]:
    if settings.caches and CACHE_TAG in names and _has_cache_tag():
        return [CACHE_TAG]
    names = _without_own(task.logical, names, settings)
    if not rules.patterns or task.names is not None:
        return names
    with os.scandir(b".") as found:
        folders = {entry.name for entry in found if entry.is_dir(follow_symlinks=False)}
    return rules.keep(task.logical, names, folders)


def _without_own(folder: bytes, names: list[bytes], settings: WorkerSettings) -> list[bytes]:
    gone = settings.left_out_names
    for path in settings.left_out:
        parent, name = os.path.split(path)
        if parent == folder:
            gone |= {name}
    return names if gone.isdisjoint(names) else [name for name in names if name not in gone]


def _has_cache_tag() -> bool:
    return is_cache_tag(_content(CACHE_TAG, _TAG_BYTES))


def _content(name: bytes, most: int) -> bytes:
    """The beginning of a regular file; nothing where it is none, or cannot be read.

    What steers a backup is written by others: it may be a pipe that nobody ever writes to.
    """
    try:
        descriptor = os.open(name, _OPEN_FILE)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with open(descriptor, "rb", closefd=False) as source:
            return source.read(most)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _is_too_large(status: os.stat_result, limit: int) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size > limit


def _is_hollow(status: os.stat_result, settings: WorkerSettings) -> bool:
    """Whether it only stands for a subvolume that the snapshot it is in does not hold.

    Such a folder has a new time whenever it is looked at, so that no tree would stay the same.
    """
    return status.st_ino == _PLACEHOLDER_INODE and status.st_dev in settings.hollow_devices


def _closed(
    task: FolderTask, entries: list[tuple[bytes, os.stat_result]], settings: WorkerSettings
) -> frozenset[bytes]:
    """Folders on another file system that is not to be entered."""
    device = task.device
    return frozenset(
        name
        for name, status in entries
        if status.st_dev != device  # nearly never, so this is asked first
        and settings.devices.get(status.st_dev, status.st_dev) != device
        and stat.S_ISDIR(status.st_mode)
        and (settings.one_file_system or status.st_dev in settings.closed_devices)
    )


def _change_to(path: bytes) -> None:
    descriptor = os.open(path, _OPEN_FOLDER)
    try:
        os.fchdir(descriptor)
    finally:
        os.close(descriptor)


def _steps(path: bytes) -> list[bytes]:
    """The path in pieces the kernel takes, relative to the root."""
    steps, current = [], b""
    for name in path.strip(b"/").split(b"/"):
        if len(current) + len(name) >= _LONGEST_PATH:
            steps.append(current)
            current = name
        else:
            current = current + b"/" + name if current else name
    return [*steps, current]
