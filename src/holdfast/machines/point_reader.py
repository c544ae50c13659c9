"""Read a point of a virtual machine: its facts, the files beside them, and what its disks hold."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import TreeId, blob_id_from_hex
from holdfast.machines.blocks import BLOCK, BlockIds
from holdfast.machines.errors import DiskLayoutBroken, DiskMissing, NotAMachinePoint
from holdfast.machines.layout import DISKS, FOLDER, OWN, POINT, RAW, VM, ids_of
from holdfast.machines.points import VmPoint, parse_point
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node, parse_tree

_Nodes = dict[bytes, Node]


class StoredSegment(NamedTuple):
    """A segment as it lies in a point: its file, and its folder where it has one."""

    start: int
    size: int
    file: Node
    folder: Node | None


class StoredDisk(NamedTuple):
    blocks: BlockIds
    segments: tuple[StoredSegment, ...]


class PointReader:
    """One machine's point; nothing is read before it is asked for."""

    def __init__(self, repository: Repository, snapshot: Snapshot) -> None:
        self.repository = repository
        self.snapshot = snapshot

    @cached_property
    def facts(self) -> VmPoint:
        return parse_point(self.snapshot.id, self.read_file(POINT.decode()))

    @cached_property
    def disks(self) -> tuple[str, ...]:
        """Targets of the disks that are there."""
        return tuple(sorted(map(_target, self._disks)))

    def disk(self, target: str) -> StoredDisk:
        raw = target.encode("utf-8", "surrogateescape")
        node = self._disks.get(raw + RAW) or self._disks.get(raw + FOLDER)
        if node is None:
            known = ", ".join(self.disks) or "-"
            raise DiskMissing(point=self.snapshot.id, disk=target, known=known)
        try:
            return _joined(list(self._segments(node)))
        except (ValueError, KeyError) as err:
            raise DiskLayoutBroken(point=self.snapshot.id, disk=target, reason=err) from err

    def read_file(self, name: str) -> bytes:
        """A file beside the facts, such as domain.xml."""
        node = self._own.get(name.encode())
        if node is None:
            raise NotAMachinePoint(point=self.snapshot.id)
        blobs = map(blob_id_from_hex, node.content or ())
        return b"".join(self.repository.load_blob(Kind.DATA, blob) for blob in blobs)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of what lies beside the facts."""
        return tuple(name.decode() for name in sorted(self._own) if name != POINT)

    @cached_property
    def _machine(self) -> _Nodes:
        machines = self._inside(self._named(self.repository.load_tree(self.snapshot.tree)), VM)
        for node in machines.values():
            if node.type == "dir":
                return self._listing(node)
        raise NotAMachinePoint(point=self.snapshot.id)

    @cached_property
    def _disks(self) -> _Nodes:
        return self._inside(self._machine, DISKS)

    @cached_property
    def _own(self) -> _Nodes:
        return self._inside(self._machine, OWN)

    def _inside(self, nodes: _Nodes, name: bytes) -> _Nodes:
        found = nodes.get(name)
        if found is None or found.type != "dir":
            raise NotAMachinePoint(point=self.snapshot.id)
        return self._listing(found)

    def _listing(self, folder: Node) -> _Nodes:
        return self._named(self.repository.load_tree(folder.subtree_id))

    def _listings(self, folders: list[Node]) -> dict[TreeId, _Nodes]:
        """Many at once: they lie together in packs, and a far vault answers slowly."""
        blobs = Blobs(self.repository, parallel=self.repository.storage.parallel)
        found: dict[TreeId, _Nodes] = {}
        for tree, content in blobs.fetch(Kind.TREE, [each.subtree_id for each in folders]):
            if isinstance(content, HoldfastError):
                raise content
            found[tree] = self._named(parse_tree(tree, content))
        return found

    def _named(self, nodes: list[Node]) -> _Nodes:
        return {node.raw_name: node for node in nodes}

    def _segments(self, node: Node) -> Iterator[StoredSegment]:
        if node.type == "file":
            yield StoredSegment(0, node.size, node, None)
            return
        start = 0
        folders = sorted(self._listing(node).values(), key=lambda node: node.raw_name)
        listings = self._listings(folders)
        for folder in folders:
            file = listings[folder.subtree_id][folder.raw_name + RAW]
            yield StoredSegment(start, file.size, file, folder)
            start += file.size


def _joined(parts: list[StoredSegment]) -> StoredDisk:
    """All blocks in one; only the last segment may end within one."""
    ids = bytearray()
    for part in parts:
        ids += ids_of(part.file.content or (), part.file.size)
    blocks = BlockIds(sum(part.size for part in parts), bytes(ids))
    if any(part.start % BLOCK for part in parts):
        raise ValueError("a segment ends within a block")
    return StoredDisk(blocks, tuple(parts))


def _target(name: bytes) -> str:
    for end in (FOLDER, RAW):
        if name.endswith(end):
            name = name[: -len(end)]
            break
    return name.decode("utf-8", "surrogateescape")
