"""The small files of a vault: keys, points, locks, and our own."""

import hashlib
from collections.abc import Callable, Iterator

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, SnapshotId, is_file_id
from holdfast.storage.errors import FileMissing
from holdfast.vault import check_findings as sorts
from holdfast.vault.check_findings import Finding, reason_of
from holdfast.vault.forking import ahead
from holdfast.vault.keys import parse_key_file
from holdfast.vault.layout import KEYS, LOCKS, OWN, SNAPSHOTS
from holdfast.vault.sealed_files import SealedFiles
from holdfast.vault.snapshot import Snapshot, parse_snapshot

_OTHER_NAME = "its content does not match its name"


def check_keys(files: SealedFiles) -> Iterator[Finding]:
    """Key files are proven as far as that goes without their passphrases."""
    for path, name in _named(files, KEYS):
        try:
            content = files.storage.get(path)
            parse_key_file(path, content)
        except HoldfastError as err:
            reason: str | None = reason_of(err)
        else:
            reason = None if hashlib.sha256(content).hexdigest() == name else _OTHER_NAME
        if reason:
            fields = {"name": path, "reason": reason}
            yield Finding(sort=sorts.KEY_DAMAGED, fields=fields, file=name)


def check_locks(files: SealedFiles) -> Iterator[Finding]:
    for path, name in _named(files, LOCKS):
        try:
            if files.storage.size(path):  # an empty one is what a crash leaves; nobody minds it
                files.load(LOCKS, name)
        except FileMissing:
            continue
        except HoldfastError as err:
            fields = {"name": path, "reason": reason_of(err)}
            yield Finding(sort=sorts.LOCK_DAMAGED, fields=fields, file=name)


def check_own(files: SealedFiles) -> Iterator[Finding]:
    """Files of ours that are named by content; all of them can be lost."""
    for entry in files.storage.list(OWN):
        name = entry.name.rpartition("/")[2]
        if not is_file_id(name):
            continue
        try:
            is_whole = hashlib.sha256(files.storage.get(entry.name)).hexdigest() == name
        except FileMissing:
            continue
        if not is_whole:
            fields = {"name": entry.name, "reason": _OTHER_NAME}
            yield Finding(sort=sorts.OWN_DAMAGED, fields=fields)


def read_snapshots(files: SealedFiles, on_finding: Callable[[Finding], None]) -> Iterator[Snapshot]:
    """The points that can be read; one that was removed meanwhile is none."""
    names = list(files.names(SNAPSHOTS))
    for name, loaded in ahead(names, _loader(files), parallel=files.storage.parallel):
        try:
            yield parse_snapshot(SnapshotId(name), loaded.result())
        except FileMissing:
            continue
        except HoldfastError as err:
            fields = {"name": name, "reason": reason_of(err)}
            on_finding(Finding(sort=sorts.SNAPSHOT_DAMAGED, fields=fields, file=name))


def _loader(files: SealedFiles) -> Callable[[FileId], bytes]:
    return lambda name: files.load(SNAPSHOTS, name)


def _named(files: SealedFiles, folder: str) -> Iterator[tuple[str, FileId]]:
    for name in files.names(folder):
        yield f"{folder}/{name}", name
