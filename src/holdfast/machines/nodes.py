"""Nodes of the files and folders of a machine's point; only the machine's host may read them."""

from collections.abc import Sequence

from holdfast.base.ids import TreeId
from holdfast.machines.errors import NameUnusable
from holdfast.vault.go_strings import quote
from holdfast.vault.identity import Identity
from holdfast.vault.tree import Node, format_time

# Bits of Go's FileMode.
_FOLDER_MODE = 1 << 31 | 0o700
_FILE_MODE = 0o600


class NodeMaker:
    """All nodes of a point have its time and its owner."""

    def __init__(self, identity: Identity, taken_ns: int) -> None:
        self._identity = identity
        self._time = format_time(taken_ns)

    def file(self, name: bytes, size: int, content: Sequence[str]) -> Node:
        return Node(
            name=quote(name),
            type="file",
            mode=_FILE_MODE,
            mtime=self._time,
            atime=self._time,
            ctime=self._time,
            uid=self._identity.uid,
            gid=self._identity.gid,
            size=size,
            links=1,
            content=list(content),
        )

    def folder(self, name: bytes, subtree: TreeId) -> Node:
        return Node(
            name=quote(name),
            type="dir",
            mode=_FOLDER_MODE,
            mtime=self._time,
            atime=self._time,
            ctime=self._time,
            uid=self._identity.uid,
            gid=self._identity.gid,
            content=None,
            subtree=subtree.hex(),
        )


def file_name(name: str) -> bytes:
    """The name as a file's; NameUnusable where none can be called so."""
    raw = name.encode("utf-8", "surrogateescape")
    if raw in (b"", b".", b"..") or b"/" in raw or b"\0" in raw:
        raise NameUnusable(name=repr(name))
    return raw
