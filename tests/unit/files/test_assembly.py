"""Folders put together from answers, in whatever order those come."""

import stat
from pathlib import Path

import msgspec
import pytest

from holdfast.files.backup import folder as folder_module
from holdfast.files.backup.assembly import Assembly
from holdfast.files.backup.file_cache import (
    FileCache,
    RootRecord,
    Roots,
    decode_list,
    encode_list,
)
from holdfast.files.backup.folder import is_folder, unequal
from holdfast.files.backup.messages import (
    NO_RECORD,
    BigFile,
    Counts,
    FolderDone,
    FolderSame,
    FolderTask,
    Part,
    PartDone,
    PartTask,
    Run,
    SegmentDone,
    SegmentTask,
    SubFolder,
)
from holdfast.files.nodes import PackedStatus, make_node, pack_status
from holdfast.files.report import SkipReason
from holdfast.vault.snapshot import Summary
from holdfast.vault.tree import encode_nodes
from tests.unit.files.test_roots import KeptTrees

MIB = 1 << 20


def status(mode: int = stat.S_IFREG | 0o644, size: int = 5) -> PackedStatus:
    return PackedStatus(mode, 7, 1, 0, 0, size, 10**18, 10**18, 0)


FOLDER = status(stat.S_IFDIR | 0o755, 0)


class Answers:
    """An assembly, and answers as workers give them."""

    def __init__(self, scratch: Path | None = None) -> None:
        self.cache = FileCache(str(scratch) if scratch else None, "name", list[str]().append)
        self.trees = KeptTrees()
        self.summary = Summary(backup_start="", backup_end="")
        self.assembly = Assembly(self.cache, self.trees, self.summary)

    def start(self, record: int = NO_RECORD) -> FolderTask:
        return self.assembly.start(FolderTask(0, b"/r", b"/r", record, 1, ()))

    def paths(self, number: int) -> list[str]:
        return self.trees.paths(self.assembly.roots[number].tree)


def run_of(*names: str) -> Run:
    """A run of small files."""
    run = Run(holes=[], attributes={}, pieces=[b""])
    for name in names:
        _keep(run, name.encode(), status())
    run.pieces = [encode_nodes([make_node(name.encode(), status()) for name in names])]
    return run


def _keep(run: Run, name: bytes, of: PackedStatus) -> None:
    run.listing = encode_list([*decode_list(run.listing), name, pack_status(of)])
    run.payloads = encode_list([*decode_list(run.payloads), b""])


def with_folder(run: Run, name: str, *, record: int = NO_RECORD, enter: bool = True) -> Run:
    _keep(run, name.encode(), FOLDER)
    head = encode_nodes([make_node(name.encode(), FOLDER)])
    run.holes.append(SubFolder(name.encode(), head, record, 1, (), enter))
    run.pieces.append(b"")
    return run


def folder_done(number: int, run: Run, *, known: bool = False, readable: bool = True) -> FolderDone:
    return FolderDone(number, run, Counts(), [], known, readable)


def test_a_folder_of_files_is_done_at_once() -> None:
    answers = Answers()
    root = answers.start()

    tasks = answers.assembly.folder_done(folder_done(root.number, run_of("a", "b")))

    assert tasks == []
    assert answers.paths(root.number) == ["/a", "/b"]
    assert answers.assembly.is_done


def test_a_folder_waits_for_those_in_it() -> None:
    answers = Answers()
    root = answers.start()

    tasks = answers.assembly.folder_done(
        folder_done(root.number, with_folder(with_folder(run_of("a"), "x"), "y"))
    )

    first, second = tasks
    assert isinstance(first, FolderTask)
    assert isinstance(second, FolderTask)
    assert (first.logical, second.logical) == (b"/r/x", b"/r/y")
    assert not answers.assembly.is_done
    answers.assembly.folder_done(folder_done(second.number, run_of("in-y")))
    answers.assembly.folder_done(folder_done(first.number, run_of("in-x")))
    assert answers.paths(root.number) == ["/a", "/x", "/x/in-x", "/y", "/y/in-y"]
    assert answers.summary.dirs_new == 3


def test_a_folder_that_is_not_entered_is_empty() -> None:
    answers = Answers()
    root = answers.start()

    tasks = answers.assembly.folder_done(
        folder_done(root.number, with_folder(run_of(), "proc", enter=False))
    )

    assert tasks == []
    assert answers.paths(root.number) == ["/proc"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_parts_take_their_places(order: tuple[int, int], tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    root = answers.start()
    run = run_of("a")
    run.holes += [Part([b"b"]), Part([b"c"])]
    run.pieces += [b"", b""]
    tasks = answers.assembly.folder_done(folder_done(root.number, run))

    for at in order:
        task = tasks[at]
        assert isinstance(task, PartTask)
        part = run_of(task.names[0].decode())
        answers.assembly.part_done(PartDone(task.number, task.hole, part, Counts(), []))

    assert answers.paths(root.number) == ["/a", "/b", "/c"]
    answers.cache.commit(
        Roots("", [], {"r": RootRecord(answers.assembly.roots[root.number].record, 0, "")})
    )
    answers.cache.close()
    known = FileCache(str(tmp_path), "name", list[str]().append).record(0)
    assert known is not None
    assert decode_list(known.listing)[::2] == [b"a", b"b", b"c"]


def big_run(size: int, *, racy: bool = False, known: bool = False) -> Run:
    run = run_of()
    of = status(size=size)
    node = msgspec.json.encode(make_node(b"big", of))
    run.holes.append(BigFile(b"big", node, pack_status(of), racy, size, known))
    run.pieces.append(b"")
    return run


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> tuple[Answers, FolderTask, list[SegmentTask]]:
    """A file of three pieces that wait to be read."""
    monkeypatch.setattr(folder_module, "SEGMENT", MIB)
    answers = Answers()
    root = answers.start()
    tasks = answers.assembly.folder_done(folder_done(root.number, big_run(2 * MIB + 5)))
    found = [task for task in tasks if isinstance(task, SegmentTask)]
    assert len(found) == len(tasks) == 3
    return answers, root, found


Pieces = tuple[Answers, FolderTask, list[SegmentTask]]


def segment_done(task: SegmentTask, **fields: object) -> SegmentDone:
    done = SegmentDone(
        task.number, task.hole, task.segment, bytes([task.segment]) * 32, task.length, Counts()
    )
    for name, value in fields.items():
        setattr(done, name, value)
    return done


def test_a_big_file_is_cut_without_gaps(pieces: Pieces) -> None:
    _, _, tasks = pieces

    assert [(task.offset, task.length) for task in tasks] == [(0, MIB), (MIB, MIB), (2 * MIB, 5)]
    assert {task.physical for task in tasks} == {b"/r/big"}


def test_pieces_that_come_in_any_order_stand_in_theirs(pieces: Pieces) -> None:
    answers, root, tasks = pieces

    for at in (2, 0, 1):
        answers.assembly.segment_done(segment_done(tasks[at]))

    (node,) = answers.trees.trees[answers.assembly.roots[root.number].tree.hex()]
    assert node.content == ["00" * 32, "01" * 32, "02" * 32]
    assert node.size == 2 * MIB + 5
    assert answers.assembly.skipped == []
    assert (answers.summary.files_new, answers.summary.total_bytes_processed) == (1, 2 * MIB + 5)


@pytest.mark.parametrize("fields", [{"still": False}, {"length": 3}])
def test_a_piece_that_changed_is_told_once(pieces: Pieces, fields: dict[str, object]) -> None:
    answers, root, tasks = pieces

    for at, task in enumerate(tasks):
        answers.assembly.segment_done(segment_done(task, **(fields if at == 1 else {})))

    assert [(skip.path, skip.reason) for skip in answers.assembly.skipped] == [
        (b"/r/big", SkipReason.CHANGED.value)
    ]
    assert answers.paths(root.number) == ["/big"]


def test_a_piece_that_cannot_be_read_costs_the_file(pieces: Pieces) -> None:
    answers, root, tasks = pieces

    for at, task in enumerate(tasks):
        fields = {"errno": 5, "detail": "Input/output error", "ids": b""} if at else {}
        answers.assembly.segment_done(segment_done(task, **fields))

    assert [(skip.errno, skip.reason) for skip in answers.assembly.skipped] == [
        (5, SkipReason.DAMAGED.value)
    ]
    assert answers.paths(root.number) == []
    assert (answers.summary.files_new, answers.summary.total_files_processed) == (0, 0)
    assert answers.assembly.is_done


# What the cache knows


def remembered(tmp_path: Path) -> tuple[int, int]:
    """The records of a folder /r with a file and a folder in it, and of that."""
    answers = Answers(tmp_path)
    root = answers.start()
    (task,) = answers.assembly.folder_done(folder_done(root.number, with_folder(run_of("a"), "x")))
    answers.assembly.folder_done(folder_done(task.number, run_of("in-x")))
    place = answers.assembly.roots[root.number].record
    answers.cache.commit(Roots("", [], {"r": RootRecord(place, 0, "")}))
    answers.cache.close()
    again = FileCache(str(tmp_path), "name", list[str]().append)
    record = again.record(place)
    again.close()
    assert record is not None
    return place, record.children[0]


def same(answers: Answers, task: FolderTask, *folders: SubFolder) -> FolderSame:
    record = answers.cache.record(task.record)
    assert record is not None
    return FolderSame(task.number, list(folders), 1, 5, record.tree)


def test_a_folder_unchanged_to_the_bottom_is_kept_as_it_was(tmp_path: Path) -> None:
    place, below = remembered(tmp_path)
    before = Answers(tmp_path)
    before.cache.close()
    answers = Answers(tmp_path)
    root = answers.start(place)
    # The trees are in the vault already.
    for record in (place, below):
        found = answers.cache.record(record)
        assert found is not None
        answers.trees.trees[found.tree.hex()] = []

    (task,) = answers.assembly.folder_same(
        same(answers, root, SubFolder(b"x", b"", below, 1, (), True))
    )
    assert isinstance(task, FolderTask)
    answers.assembly.folder_same(same(answers, task))

    assert answers.assembly.roots[root.number].record == place
    assert (answers.summary.dirs_unmodified, answers.summary.dirs_changed) == (2, 0)


def test_a_change_far_below_makes_new_trees_up_to_the_root(tmp_path: Path) -> None:
    place, below = remembered(tmp_path)
    answers = Answers(tmp_path)
    root = answers.start(place)

    (task,) = answers.assembly.folder_same(
        same(answers, root, SubFolder(b"x", b"", below, 1, (), True))
    )
    assert isinstance(task, FolderTask)
    answers.assembly.folder_done(folder_done(task.number, run_of("in-x", "new"), known=True))

    assert answers.paths(root.number) == ["/a", "/x", "/x/in-x", "/x/new"]
    assert answers.assembly.roots[root.number].record not in (place, below)
    assert answers.summary.dirs_changed == 2


def test_a_folder_that_could_not_be_read_is_not_remembered(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    root = answers.start()

    answers.assembly.folder_done(folder_done(root.number, run_of(), readable=False))

    assert answers.assembly.roots[root.number].record == NO_RECORD


@pytest.mark.parametrize("kind", [stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK, stat.S_IFSOCK])
def test_kinds_are_read_off_a_packed_status(kind: int) -> None:
    packed = pack_status(status(kind | 0o7777))

    assert is_folder(packed) is is_folder(unequal(packed)) is (kind == stat.S_IFDIR)
