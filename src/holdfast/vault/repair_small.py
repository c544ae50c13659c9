"""Repair the small files that stand alone: keys and points under a wrong name."""

import contextlib
import hashlib
from collections.abc import Collection, Mapping

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, SnapshotId, TreeId
from holdfast.storage.errors import FileMissing
from holdfast.storage.protocol import Storage
from holdfast.vault.keys import parse_key_file
from holdfast.vault.layout import KEYS, SNAPSHOTS
from holdfast.vault.sealed_files import SealedFiles, put_named, unpack
from holdfast.vault.snapshot import Snapshot, SnapshotFile, parse_snapshot

# What restic marks such points with, too.
REPAIRED = "repaired"


def has_form_of_key(storage: Storage, name: FileId) -> bool:
    path = f"{KEYS}/{name}"
    try:
        parse_key_file(path, storage.get(path))
    except HoldfastError:
        return False
    return True


def keep_key(storage: Storage, path: str) -> None:
    """Store a key file under a name that fits its content.

    A line break is added, or the name might be that of another damaged file.
    """
    with contextlib.suppress(FileMissing):
        put_named(storage, KEYS, storage.get(path) + b"\n")


def misnamed_points(
    files: SealedFiles, names: Collection[SnapshotId], *, known: Collection[SnapshotId]
) -> dict[SnapshotId, bytes]:
    """The content of point files that are whole, have another's name, and are not there twice."""
    found: dict[str, tuple[SnapshotId, bytes]] = {}
    for name in names:
        with contextlib.suppress(HoldfastError):
            path = f"{SNAPSHOTS}/{name}"
            stored = files.storage.get(path)
            content = unpack(path, bytes(files.sealer.open(stored, what=path)))
            parse_snapshot(name, content)
            true_name = hashlib.sha256(stored).hexdigest()
            if true_name not in known:
                found.setdefault(true_name, (name, content))
    return dict(found.values())


def repaired_snapshot(
    snapshot: Snapshot, tree: TreeId, *, known: Mapping[SnapshotId, Snapshot]
) -> SnapshotFile | None:
    """What stands for a damaged point; None when it is there already, from an earlier repair."""
    stored = snapshot.stored
    original = stored.original or snapshot.id
    for other in known.values():
        if other.tree == tree and other.stored.original == original:
            return None
    tags = [*stored.tags, *({REPAIRED} - set(stored.tags))]
    return msgspec.structs.replace(stored, tree=tree.hex(), original=original, tags=tags)
