"""Which blobs the recovery points need: every tree below them is read once, level by level.

All trees of a level are known at once, so they are read in the order they lie in, in large
pieces, by all cores. What is missing or damaged is raised: nobody may delete on a guess.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from holdfast.base.ids import BlobId, TreeId
from holdfast.base.units import KIB, MIB
from holdfast.vault.blob_groups import BlobGroups, id_rows
from holdfast.vault.blob_runs import Run, longest_run, open_span, read_run, runs_of, sealed_in
from holdfast.vault.errors import BlobMissing, TreeBroken
from holdfast.vault.forking import ahead, cores
from holdfast.vault.pack_header import Kind
from holdfast.vault.sealed_files import SealedFiles
from holdfast.vault.teams import Team

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Below this much to read, forking costs more than it saves; asking those who are there, less.
_WORTH_FORKING, _WORTH_ASKING = MIB, 256 * KIB

OnTrees = Callable[[int], None]


class _SlimNode(msgspec.Struct, gc=False):
    """The fields of a node that name other blobs."""

    type: str = ""
    content: list[str] | None = None
    subtree: str | None = None


class _SlimTree(msgspec.Struct, gc=False):
    nodes: list[_SlimNode]


_decoder = msgspec.json.Decoder(_SlimTree)


class _Named(NamedTuple):
    """The ids that the trees of a run name, one after another."""

    trees: int
    subtrees: bytes
    data: bytes


# Tells what trees name, by the rows of their blobs.
_Team: TypeAlias = "Team[NDArray[np.int64], _Named]"


def _silent(_: int) -> None:
    """Tell nobody."""


class UsedBlobs:
    """Marks groups as used, beginning at the trees of recovery points."""

    def __init__(
        self, files: SealedFiles, groups: BlobGroups, *, rows: "NDArray[np.bool_] | None" = None
    ) -> None:
        """`rows` are the marks of an earlier walk, over fewer index files."""
        import numpy as np

        self._files = files
        self._groups = groups
        self.marks = np.zeros(len(groups), bool)
        if rows is not None:
            self.marks[groups.group[: len(rows)][rows]] = True

    def rows(self) -> "NDArray[np.bool_]":
        """Which rows are copies of used blobs."""
        return self.marks[self._groups.group]

    def walk(self, roots: Iterable[TreeId], *, on_trees: OnTrees = _silent) -> None:
        """Mark all that these trees reach; below what is marked already, all is marked."""
        level = self._unmarked_trees(b"".join(roots))
        with Team(self._named_by_rows, size=cores()) as team:
            while len(level):
                subtrees: list[bytes] = []
                for named in self._read(level, team):
                    self._mark(Kind.DATA, named.data)
                    subtrees.append(named.subtrees)
                    on_trees(named.trees)
                level = self._unmarked_trees(b"".join(subtrees))

    def _unmarked_trees(self, ids: bytes) -> "NDArray[np.int64]":
        """Mark trees; the groups of those that were not marked before."""
        import numpy as np

        groups = np.unique(self._find(Kind.TREE, ids))
        fresh = groups[~self.marks[groups]]
        self.marks[fresh] = True
        return fresh

    def _mark(self, kind: Kind, ids: bytes) -> None:
        self.marks[self._find(kind, ids)] = True

    def _find(self, kind: Kind, ids: bytes) -> "NDArray[np.int64]":
        wanted = id_rows(ids)
        groups = self._groups.find(kind, wanted)
        if len(groups) and groups.min() < 0:
            raise BlobMissing(kind=kind.word, blob=wanted[groups.argmin()].tobytes().hex())
        return groups

    def _read(self, trees: "NDArray[np.int64]", team: "_Team") -> Iterator[_Named]:
        rows = self._groups.rows_of(trees)
        size = int(self._groups.length[rows].sum(dtype="int64"))
        if size > (_WORTH_ASKING if team.is_there else _WORTH_FORKING):
            return team.do(self._portions(rows, size))
        return self._named_by_rows(rows)

    def _portions(self, rows: "NDArray[np.int64]", size: int) -> "list[NDArray[np.int64]]":
        """Rows that lie together, each portion about as long as one process has under way."""
        import numpy as np

        groups = self._groups
        rows = rows[np.lexsort((groups.offset[rows], groups.pack[rows]))]
        most = longest_run(self._files.storage) * self._parallel
        portion = max(1, min(most, size // (2 * cores())))
        ends = np.cumsum(groups.length[rows], dtype=np.int64)
        return np.split(rows, np.flatnonzero(np.diff(ends // portion)) + 1)

    def _named_by_rows(self, rows: "NDArray[np.int64]") -> Iterator[_Named]:
        storage = self._files.storage
        runs = runs_of(self._groups.placed(rows), longest=longest_run(storage))
        # Read ahead by threads; parsed here, where nobody else wants the interpreter.
        read = partial(read_run, self._files)
        for run, content in ahead(runs, read, parallel=self._parallel):
            yield self._named_by(run, content.result())

    @property
    def _parallel(self) -> int:
        return -(-self._files.storage.parallel // cores())

    def _named_by(self, run: Run, content: bytes) -> _Named:
        subtrees: list[str] = []
        data: list[str] = []
        for span, sealed in sealed_in(run, content):
            for node in _parse(span.blob, open_span(self._files, run.pack, span, sealed)):
                if node.content:
                    data += node.content
                if node.subtree is not None:
                    subtrees.append(node.subtree)
                elif node.type == "dir":
                    raise TreeBroken(tree=span.blob.hex(), reason="a folder without a listing")
        # One data blob may stand in many places, such as that of an empty page.
        return _Named(len(run.spans), _joined(run, subtrees), _joined(run, set(data)))


def _parse(tree: BlobId, content: bytes | bytearray) -> list[_SlimNode]:
    try:
        return _decoder.decode(content).nodes
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise TreeBroken(tree=tree.hex(), reason=err) from err


def _joined(run: Run, ids: Iterable[str]) -> bytes:
    known = list(ids)
    joined = "".join(known)
    try:
        digests = bytes.fromhex(joined)
    except ValueError:
        digests = b""
    if any(len(digits) != 64 for digits in known) or 2 * len(digests) != len(joined):  # noqa: PLR2004
        trees = ", ".join(span.blob.hex()[:8] for span in run.spans[:8])
        raise TreeBroken(tree=trees, reason="a blob id in it is none")
    return digests
