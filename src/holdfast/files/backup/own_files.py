"""Facts of ours in a point: ordinary files under .holdfast, which every restic client keeps."""

import hashlib
import stat
from collections.abc import Callable

from holdfast.base.ids import BlobId
from holdfast.files.backup.content import MAX_CHUNK
from holdfast.files.backup.messages import Skip
from holdfast.files.nodes import PackedStatus, make_node
from holdfast.vault.go_strings import quote
from holdfast.vault.identity import Identity
from holdfast.vault.pack_sinks import TreeSink
from holdfast.vault.tree import Node, encode_nodes

FOLDER = b".holdfast"
SKIPPED = b"skipped.jsonl"


def skipped_lines(skipped: list[Skip]) -> bytes:
    """One JSON object a line; names are quoted as in trees, so that any bytes survive."""
    import json

    return b"".join(
        json.dumps(
            {
                "path": quote(skip.path),
                "errno": skip.errno,
                "code": skip.reason,
                "detail": skip.detail,
            },
            ensure_ascii=False,
        ).encode()
        + b"\n"
        for skip in skipped
    )


def own_nodes(
    skipped: list[Skip],
    *,
    identity: Identity,
    taken_ns: int,
    store: Callable[[BlobId, bytes], None],
    trees: TreeSink,
) -> list[Node]:
    """The node of our folder, where there is something to say."""
    if not skipped:
        return []
    content = skipped_lines(sorted(skipped, key=lambda skip: skip.path))
    blobs: list[BlobId] = []
    for at in range(0, len(content), MAX_CHUNK):
        piece = content[at : at + MAX_CHUNK]
        blobs.append(BlobId(hashlib.sha256(piece).digest()))
        store(blobs[-1], piece)
    status = _status(stat.S_IFREG | 0o600, len(content), identity, taken_ns)
    inner = make_node(SKIPPED, status, payload=b"".join(blobs))
    folder = make_node(FOLDER, _status(stat.S_IFDIR | 0o700, 0, identity, taken_ns))
    folder.subtree = trees.put_nodes([encode_nodes([inner])]).hex()
    return [folder]


def _status(mode: int, size: int, identity: Identity, taken_ns: int) -> PackedStatus:
    return PackedStatus(mode, 0, 1, identity.uid, identity.gid, size, taken_ns, taken_ns, 0)
