"""Random trees, random changes and damaged caches: a point is its source, whatever was known before."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.files.backup import folder as folder_module
from holdfast.testing.backups import BackupBench

pytestmark = pytest.mark.slow

NAMES = ("a", "b", "c", "\udcff", "d e")
SIZES = st.sampled_from([0, 1, 100, 524_287, 524_288, 524_289, 1_500_000, 3_000_000])


@contextmanager
def benches() -> Iterator[BackupBench]:
    """One for each example; pytest's own folders are one for all."""
    root = Path(tempfile.mkdtemp(prefix="holdfast-"))
    try:
        yield BackupBench(root=root)
    finally:
        shutil.rmtree(root)


def _file(path: Path, size: int, seed: int) -> None:
    _clear(path)
    path.write_bytes(random.Random(seed).randbytes(size))


def _sparse(path: Path, size: int, seed: int) -> None:
    _clear(path)
    with path.open("wb") as target:
        target.truncate(size)
        target.seek(random.Random(seed).randrange(size + 1))
        target.write(b"data")


def _link(path: Path, size: int, seed: int) -> None:
    _clear(path)
    path.symlink_to(f"{seed}")


def _pipe(path: Path, size: int, seed: int) -> None:
    _clear(path)
    os.mkfifo(path)


def _folder(path: Path, size: int, seed: int) -> None:
    if not path.is_dir() or path.is_symlink():
        _clear(path)
        path.mkdir()


def _clear(path: Path, size: int = 0, seed: int = 0) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _patch(path: Path, size: int, seed: int) -> None:
    """Other bytes in the middle, and the time as it was."""
    if not path.is_file() or path.is_symlink() or not path.stat().st_size:
        return
    status = path.stat()
    with path.open("r+b") as target:
        target.seek(status.st_size // 2)
        target.write(bytes([seed % 256]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _mode(path: Path, size: int, seed: int) -> None:
    if path.exists() and not path.is_symlink():
        path.chmod(0o700 | seed % 64)


def _rename(path: Path, size: int, seed: int) -> None:
    if path.exists() and not path.is_symlink():
        target = path.with_name(NAMES[seed % len(NAMES)])
        if target != path:
            _clear(target)
            path.rename(target)


def _hard_link(path: Path, size: int, seed: int) -> None:
    target = path.with_name(NAMES[seed % len(NAMES)])
    if path.is_file() and not path.is_symlink() and target != path:
        _clear(target)
        target.hardlink_to(path)


ACTIONS = (_file, _file, _folder, _folder, _sparse, _link, _pipe, _clear, _patch, _mode, _rename)
STEPS = st.tuples(
    st.sampled_from((*ACTIONS, _hard_link)),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    SIZES,
    st.integers(0, 200),
)


def play(source: Path, steps: list[tuple[object, list[str], int, int]]) -> None:
    """Make these changes; the folders on the way there come into being."""
    for action, names, size, seed in steps:
        parent = source
        for name in names[:-1]:
            parent = parent / name
            _folder(parent, 0, 0)
        assert callable(action)
        action(parent / names[-1], size, seed)


@settings(max_examples=25)
@given(
    rounds=st.lists(st.lists(STEPS, max_size=8), min_size=2, max_size=4),
    workers=st.sampled_from([1, 2]),
)
def test_every_point_is_its_source(
    rounds: list[list[tuple[object, list[str], int, int]]], workers: int
) -> None:
    with benches() as bench, pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "SEGMENT", 1 << 20)
        patch.setattr(folder_module, "_PART_FILES", 2)
        bench.workers = workers
        for steps in rounds:
            play(bench.source, steps)

            report = bench.back_up()

            assert report.skipped == ()
            assert bench.differences(report) == []
            assert bench.tree(report) == bench.tree(bench.fresh())


@settings(max_examples=40)
@given(
    file=st.sampled_from([".log", ".roots"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    dice=st.integers(0, 9),
)
def test_a_damaged_cache_never_makes_a_wrong_point(
    file: str, damage: list[tuple[float, int]], cut: float | None, dice: int
) -> None:
    with benches() as bench:
        for number in range(6):
            bench.write(f"folder-{number % 3}/{number}/file", b"%d" % number * 100)
        bench.back_up()
        _mode(bench.source / "folder-1/1/file", 0, dice)
        (path,) = [path for path in bench.logs if path.suffix == file]
        content = bytearray(path.read_bytes())
        for place, change in damage:
            content[int(place * len(content))] ^= change
        path.write_bytes(content[: None if cut is None else int(cut * len(content))])

        report = bench.back_up()

        assert bench.differences(report) == []
        assert bench.tree(report) == bench.tree(bench.fresh())
